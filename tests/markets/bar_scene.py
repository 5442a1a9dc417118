"""Bars and a blob store in memory, for the tests of bars and snapshots."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from contracts.canonical import sha256_hex
from contracts.market import Bars, PriceSide, Timeframe, to_ms
from markets.sessions import is_open
from tests.markets.moments import EURUSD


class DictBlobs:
    """A blob store in memory that counts what is put into it."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.n_puts = 0

    def put(self, data: bytes) -> str:
        self.n_puts += 1
        blob = sha256_hex(data)
        self.stored[blob] = data
        return blob

    def get(self, blob: str) -> bytes:
        return self.stored[blob]


def make_bars(
    opens: Sequence[int], timeframe: Timeframe = Timeframe.H1, side: PriceSide = "mid", seed: int = 7
) -> Bars:
    """A random walk with bars at these open times in ms."""
    rng = np.random.default_rng(seed)
    n = len(opens)
    open_ = 1.1 + rng.normal(0, 1e-3, n).cumsum()
    close = open_ + rng.normal(0, 5e-4, n)
    high = np.maximum(open_, close) + rng.uniform(0, 5e-4, n)
    low = np.minimum(open_, close) - rng.uniform(0, 5e-4, n)
    times = np.array(opens, dtype=np.int64)
    volume = rng.integers(1, 100, n).astype(np.float64)
    return Bars(times, times + timeframe.seconds * 1000, open_, high, low, close, volume, side)


def hourly(start: datetime, n: int, seed: int = 7) -> Bars:
    """`n` hourly bars of EUR/USD from `start` on, in the forex week only."""
    opens: list[int] = []
    at = start
    while len(opens) < n:
        if is_open(EURUSD, at):
            opens.append(to_ms(at))
        at += timedelta(hours=1)
    return make_bars(opens, seed=seed)
