"""Panels for the formula tests: random ones of any size, with holes where wanted."""

import numpy as np

from contracts.market import Float2D
from tools.formulas.engine import Panel


def random_panel(
    rows: int, columns: int, *, seed: int = 1, holes: float = 0.0, decimals: int | None = None
) -> Panel:
    """Prices and volumes that hang together as real ones do: low <= open, close, vwap <= high.

    `holes` is the share of bars an instrument misses altogether, `decimals` rounds prices to ticks, so that
    values tie.
    """
    draw = np.random.default_rng(seed)
    shape = (rows, columns)
    close = 20 * np.exp(np.cumsum(draw.normal(0, 0.02, shape), axis=0)) * draw.uniform(0.5, 3, columns)
    opening = close * np.exp(draw.normal(0, 0.008, shape))
    high = np.maximum(opening, close) * np.exp(np.abs(draw.normal(0, 0.006, shape)))
    low = np.minimum(opening, close) * np.exp(-np.abs(draw.normal(0, 0.006, shape)))
    volume = np.round(np.exp(draw.normal(11, 0.7, shape)))
    index = 3000 * np.exp(np.cumsum(draw.normal(0, 0.01, (rows, 1)), axis=0))
    prices = {"open": opening, "high": high, "low": low, "close": close}
    if decimals is not None:
        prices = {name: np.round(values, decimals) for name, values in prices.items()}
    vwap = (prices["high"] + prices["low"] + 2 * prices["close"]) / 4
    panel = {
        **prices,
        "volume": volume,
        "vwap": vwap,
        "amount": vwap * volume,
        "cap": close * draw.uniform(1e6, 1e8, columns),
        "benchmark_open": np.broadcast_to(index * np.exp(draw.normal(0, 0.004, (rows, 1))), shape),
        "benchmark_close": np.broadcast_to(index, shape),
        **{
            f"factor_{name}": np.broadcast_to(draw.normal(0, 0.01, (rows, 1)), shape)
            for name in ("market", "size", "value")
        },
    }
    is_hole = draw.random(shape) < holes
    for name in ("open", "high", "low", "close", "volume", "vwap", "amount", "cap"):
        panel[name] = np.where(is_hole, np.nan, panel[name])
    before = np.vstack([np.full((1, columns), np.nan), panel["close"][:-1]])
    panel["returns"] = panel["close"] / before - 1
    panel["industry"] = np.broadcast_to(np.arange(columns) % 3 + 1.0, shape)
    return {name: np.array(values, dtype=np.float64) for name, values in panel.items()}


def unrelated_panel(rows: int, columns: int, *, seed: int = 3) -> Panel:
    """Fields that have nothing to do with each other, in coarse steps; `test_mutation.py` says what for.

    A low above the high takes every branch, steps tie, the last 40 bars have zero and negative numbers. Two
    instruments stand still for a while; the first one's close goes from 20 to 21 so that the 0.05 with which
    some formulas compare is met exactly.
    """
    draw = np.random.default_rng(seed)
    shape = (rows, columns)

    def steps(middle: float, spread: float, per_unit: int) -> Float2D:
        drawn: Float2D = middle * np.exp(draw.normal(0, spread, shape))
        return np.round(drawn * per_unit) / per_unit

    prices = ("open", "high", "low", "close", "vwap", "cap", "benchmark_open", "benchmark_close")
    panel = {name: steps(8, 0.15, 4) for name in prices}
    panel |= {"volume": steps(800, 0.4, 1), "amount": steps(7000, 0.4, 1)}
    for name in ("returns", "factor_market", "factor_size", "factor_value"):
        panel[name] = np.round(draw.normal(0, 0.05, shape) * 64) / 64
    is_late = np.arange(rows)[:, None] >= rows - 40
    for name in ("open", "high", "low", "close", "vwap", "volume", "amount"):
        is_odd = is_late & (draw.random(shape) < 0.1)
        panel[name] = np.where(is_odd, draw.choice([-30.0, -2.0, 0.0], shape), panel[name])
    for name in ("open", "high", "low", "vwap"):
        panel[name][99:165, 0] = 8
    panel["close"][:260, 0] = np.where(np.arange(260) < 120, 20, 21)
    panel["close"][[117, 118, 218, 219], 0] = 19, 21, 20, 22
    panel["volume"][99:125, 0] = 800
    panel["volume"][[105, 110], 0] = 700, 900
    panel["volume"][150:190, 1] = 800
    panel["industry"] = np.broadcast_to(np.arange(columns) % 3 + 1.0, shape)
    return {name: np.array(values, dtype=np.float64) for name, values in panel.items()}


def is_same(found: Float2D, expected: Float2D, tolerance: float = 1e-9) -> bool:
    """Equal within a share of the expected value, and missing in the same cells."""
    if not np.array_equal(np.isnan(found), np.isnan(expected)):
        return False
    return bool(np.allclose(found, expected, rtol=tolerance, atol=0, equal_nan=True))
