"""Panels for the formula tests: random ones of any size, with holes where wanted."""

import numpy as np

from tools.formulas.engine import Float2D, Panel


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


def is_same(found: Float2D, expected: Float2D, tolerance: float = 1e-9) -> bool:
    """Equal within a share of the expected value, and missing in the same cells."""
    if not np.array_equal(np.isnan(found), np.isnan(expected)):
        return False
    return bool(np.allclose(found, expected, rtol=tolerance, atol=0, equal_nan=True))
