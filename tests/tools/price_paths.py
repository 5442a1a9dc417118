"""Bars made from a seed or from given columns, for the tool tests."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from contracts.market import Bars, Float1D

HOUR_MS = 3_600_000


def bars_from(
    high: Sequence[float] | Float1D,
    low: Sequence[float] | Float1D,
    close: Sequence[float] | Float1D,
    open_: Sequence[float] | Float1D | None = None,
) -> Bars:
    n = len(close)
    opened = np.arange(n, dtype=np.int64) * HOUR_MS
    open_column, highs, lows, closes = (
        np.array(x, dtype=np.float64) for x in (close if open_ is None else open_, high, low, close)
    )
    return Bars(opened, opened + HOUR_MS, open_column, highs, lows, closes, np.full(n, np.nan), "mid")


def closes_only(close: Sequence[float] | Float1D) -> Bars:
    return bars_from(close, close, close)


def random_bars(seed: int, n: int, still: float = 0.0, level: float = 1.1) -> Bars:
    """A walk whose bars open near the last close; a share `still` of them does not move at all."""
    rng = np.random.default_rng(seed)
    moves = rng.random(n) >= still
    gap, move = rng.normal(0, 3e-4, n) * moves, rng.normal(0, 1e-3, n) * moves
    close = level * np.exp(np.cumsum(gap + move))
    # A still bar repeats the last close to the bit, as a quiet market's feed does.
    last_move = np.maximum.accumulate(np.where(moves, np.arange(n), -1))
    close = np.where(last_move < 0, level, close[last_move])
    previous = np.concatenate(([level], close[:-1]))[:n]
    open_ = np.where(moves, previous * np.exp(gap), previous)
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, 5e-4, n)) * moves)
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, 5e-4, n)) * moves)
    return bars_from(high, low, close, open_)


def traded_bars(seed: int, n: int, still: float = 0.0, level: float = 1.1) -> Bars:
    """`random_bars` with volume on every bar."""
    volume = np.random.default_rng(seed + 1).integers(1, 1000, n).astype(np.float64)
    return replace(random_bars(seed, n, still, level), volume=volume)


def scaled(bars: Bars, by: float) -> Bars:
    columns = {name: getattr(bars, name) * by for name in ("open", "high", "low", "close")}
    return replace(bars, **columns)


def with_missing(bars: Bars, column: str, index: int, value: float = np.nan) -> Bars:
    values = getattr(bars, column).copy()
    values[index] = value
    return replace(bars, **{column: values})


def swinging_bars(n: int, volatility: float, volume: float) -> Bars:
    """Closes that go up and down by the same log return, with the same volume on every bar."""
    close = np.exp(volatility * (np.arange(n) % 2))
    return replace(closes_only(close), volume=np.full(n, volume))
