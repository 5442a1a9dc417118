"""Two instruments for the tests of what compares them: made ones whose tie is known, and real ones."""

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np

from contracts.market import Bars, Float1D
from contracts.ticks import Beside
from tests.tools.price_paths import closes_only
from tools.shared_bars import SharedBars
from tools.talib_guard import Bool1D

COLUMNS = ("open_time", "close_time", "open", "high", "low", "close", "volume")


def of_returns(returns: Float1D, level: float = 1.1) -> Bars:
    """Bars with these log returns, one bar more."""
    return closes_only(level * np.exp(np.concatenate(([0.0], np.cumsum(returns)))))


def with_other(bars: Bars, other: Bars) -> Bars:
    return SharedBars.of(bars, beside=Beside(other=other))


def kept(bars: Bars, mask: Bool1D) -> Bars:
    """The bars where the mask is true."""
    return replace(bars, **{name: getattr(bars, name)[mask] for name in COLUMNS})


def tied_returns(rng: np.random.Generator, n: int, correlation: float) -> tuple[Float1D, Float1D]:
    one, own = rng.normal(0, 1e-3, (2, n))
    return one, correlation * one + np.sqrt(1 - correlation**2) * own


def tied_prices(
    rng: np.random.Generator, n: int, ratio: float, phi: float, noise: float = 1e-3
) -> tuple[Bars, Bars]:
    """Log prices y = ratio x + s: x walks, s is an autoregression of first order in its stationary law."""
    walk = np.cumsum(rng.normal(0, 1e-3, n))
    spread = np.zeros(n)
    spread[0] = rng.normal(0, noise / np.sqrt(1 - phi**2))
    for i, shock in enumerate(rng.normal(0, noise, n - 1), start=1):
        spread[i] = phi * spread[i - 1] + shock
    return closes_only(np.exp(ratio * walk + spread)), closes_only(np.exp(walk))


def oanda_hours(shared_data: Path, pair: str, first: str, last: str) -> Bars:
    """Mid closes of real hourly bars that opened on days from `first` to `last`, written 20140501."""
    with gzip.open(shared_data / "fx_hourly" / f"oanda_{pair}_1h.csv.gz", "rt", encoding="ascii") as lines:
        head = next(lines).rstrip().split(",")
        rows = [line.split(",") for line in lines if first <= line[:8] <= last]
    stamps = [f"{r[0][:4]}-{r[0][4:6]}-{r[0][6:8]}T{r[0][9:]}" for r in rows]
    opened = np.array(stamps, dtype="datetime64[ms]").astype(np.int64)
    bid, ask = head.index("bid_close"), head.index("ask_close")
    mid = np.array([(float(r[bid]) + float(r[ask])) / 2 for r in rows])
    return Bars(opened, opened + 3_600_000, mid, mid, mid, mid, np.full(len(mid), np.nan), "mid")
