"""Made-up feeds of one book, the plain book they were made from, and frames without a book."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from contracts.market import Float1D, Int1D
from contracts.ticks import FRAME_MS, BookFrames, BookSnapshot, BookUpdate

Change = dict[int, float]


def columns(change: Change) -> tuple[Int1D, Float1D]:
    return np.array(list(change), np.int64), np.array(list(change.values()), np.float64)


@dataclass
class PlainBook:
    """Levels in two dicts, by tick."""

    bids: Change = field(default_factory=dict)
    asks: Change = field(default_factory=dict)

    def change(self, bids: Change, asks: Change) -> None:
        for mine, new in ((self.bids, bids), (self.asks, asks)):
            for tick, quantity in new.items():
                if quantity:
                    mine[tick] = quantity
                else:
                    mine.pop(tick, None)

    def follow(self, message: BookSnapshot | BookUpdate) -> None:
        if isinstance(message, BookSnapshot):
            self.bids, self.asks = {}, {}
        pairs = (
            (message.bid_ticks.tolist(), message.bid_quantity.tolist()),
            (message.ask_ticks.tolist(), message.ask_quantity.tolist()),
        )
        bids, asks = (dict(zip(ticks, quantities, strict=True)) for ticks, quantities in pairs)
        self.change(bids, asks)

    def snapshot(self, time: int, last_id: int, depth: int | None = None) -> BookSnapshot:
        """Whole, or cut after `depth` levels a side."""
        bids = dict(sorted(self.bids.items(), reverse=True)[:depth])
        asks = dict(sorted(self.asks.items())[:depth])
        return BookSnapshot(time, last_id, *columns(bids), *columns(asks), is_whole=depth is None)

    def levels(self) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
        return sorted(self.bids.items(), reverse=True), sorted(self.asks.items())


class Maker:
    """Makes updates of a book that is never crossed; spot numbers changes without holes, USD-M with them."""

    def __init__(self, seed: int, *, is_spot: bool, spread: int = 30, mid: int = 1_000) -> None:
        self.rng = np.random.default_rng(seed)
        self.is_spot, self.spread, self.mid = is_spot, spread, mid
        self.book, self.last_id, self.time = PlainBook(), 100, 1_000_000
        self.change(40)

    def change(self, n: int) -> tuple[Change, Change]:
        rng = self.rng
        self.mid += int(rng.integers(-2, 3))
        bids = {tick: 0.0 for tick in self.book.bids if tick >= self.mid}
        asks = {tick: 0.0 for tick in self.book.asks if tick <= self.mid}
        for side, sign in ((bids, -1), (asks, 1)):
            for away in rng.integers(1, self.spread, n).tolist():
                tick = self.mid + sign * away
                side[tick] = float(np.round(rng.choice([0.0, 1.0, 1.0]) * rng.exponential(3.0), 3))
            side[self.mid + sign] = float(rng.integers(1, 9))
        self.book.change(bids, asks)
        return bids, asks

    def update(self, n: int = 3) -> BookUpdate:
        bids, asks = self.change(n)
        previous = self.last_id
        first = previous + 1 if self.is_spot else previous + int(self.rng.integers(1, 6))
        self.last_id = first + int(self.rng.integers(0, 4))
        self.time += int(self.rng.integers(1, 120))
        ids = (first, self.last_id, None if self.is_spot else previous)
        return BookUpdate(self.time, *ids, *columns(bids), *columns(asks))

    def snapshot(self, depth: int | None = None) -> BookSnapshot:
        return self.book.snapshot(self.time, self.last_id, depth)


def random_frames(
    seed: int, n: int, *, start_ms: int = 1_000_000, mid: float = 50_000.0, width: float = 10.0
) -> BookFrames:
    """Frames of a random walk with random volumes, 20 buckets a side, all known."""
    rng = np.random.default_rng(seed)
    mids = mid + np.cumsum(rng.normal(0, width / 40, n))
    half = width / 100 * rng.integers(1, 4, n)
    bid_volume, ask_volume = rng.exponential(5.0, (2, n, 20))
    away = width * (np.arange(20) + rng.uniform(0.1, 0.9, (2, n, 20)))
    return BookFrames(
        start_ms + FRAME_MS * np.arange(n, dtype=np.int64),
        mids - half,
        mids + half,
        rng.exponential(2.0, n),
        rng.exponential(2.0, n),
        bid_volume,
        ask_volume,
        mids[:, None] - away[0],
        mids[:, None] + away[1],
        np.full(n, width),
    )


def without(frames: BookFrames, missing: Sequence[int]) -> BookFrames:
    """The same frames with some of them left out."""
    kept = np.delete(np.arange(len(frames)), missing)
    columns_kept = {name: getattr(frames, name)[kept] for name in BookFrames.__dataclass_fields__}
    return BookFrames(**columns_kept)
