"""Bars of a geometric Brownian motion, whose volatility is known."""

import math

import numpy as np

from contracts.market import Bars, Float1D
from tests.tools.price_paths import bars_from


def brownian_bars(
    rng: np.random.Generator, n: int, sigma: float, drift: float = 0.0, gap_sigma: float = 0.0
) -> Bars:
    """Watched without pause: the extremes between steps are drawn exactly.

    The high of a Brownian bridge from 0 to c over variance v is (c + sqrt(c^2 - 2 v ln U)) / 2.
    """
    n_steps = 50
    step = sigma / math.sqrt(n_steps)
    moves = rng.normal(drift / n_steps, step, (n, n_steps))
    start = np.cumsum(moves, axis=1) - moves
    reach = np.sqrt(moves**2 - 2 * step**2 * np.log(rng.random((n, n_steps))))
    dip = np.sqrt(moves**2 - 2 * step**2 * np.log(rng.random((n, n_steps))))
    high = (start + (moves + reach) / 2).max(axis=1)
    low = (start + (moves - dip) / 2).min(axis=1)
    close = moves.sum(axis=1)
    opened = np.cumsum(close + rng.normal(0, gap_sigma, n)) - close
    return bars_from(np.exp(opened + high), np.exp(opened + low), np.exp(opened + close), np.exp(opened))


def disjoint(values: Float1D, period: int) -> Float1D:
    """Values whose windows of `period` bars, and the bar before each, have nothing in common."""
    return values[period :: period + 1]
