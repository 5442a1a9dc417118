"""The quant tools on real data: how many a second, and beside them the plain way in the same run.

    python -m bench.tools [--write]

Reads DUALBRAIN_SHARED, ../shared by default. A measurement is one function that gives its section of the
page, which says so where its data is not there. Medians of repeated runs; what is compiled first is not
counted.
"""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sortedcontainers import SortedDict  # type: ignore[import-untyped]  # has no types

from bench.feature_vectors import measure_features
from bench.garch import measure_garch
from bench.report import publish, table
from bench.timing import met, timed
from bench.vpin import measure_vpin
from contracts.ticks import BookSnapshot, BookUpdate
from markets.book_file import BookFile, read_book_file
from tools.book_frames import N_BUCKETS, FrameRing
from tools.order_book import OrderBook

N_FRAMES = 300
_AIM_LEVELS, _AIM_FRAME_US = 300_000, 200
_HEAD = "## The order book\n\n"
FEEDS = (
    ("spot BTCUSDT", "BTCUSDT", "binance_spot_btcusdt_20240808.gz"),
    ("USD-M BTCUSDT", "BTCUSDT-PERP", "binance_usdm_btcusdt_20240808.gz"),
)


def main() -> int:
    """Measure and publish what can be measured here."""
    data = Path(os.environ.get("DUALBRAIN_SHARED", "../shared")) / "data"
    if not data.is_dir():
        print(f"skipped: expected recorded data under {data}, found none; set DUALBRAIN_SHARED")
        return 0
    publish("tools", "The quant tools on real data", "\n\n".join(measure(data) for measure in MEASUREMENTS))
    return 0


def measure_order_book(data: Path) -> str:
    """Messages and levels a second, and the time of one frame, beside a plain Python book."""
    rows, frames = [], []
    for title, instrument, name in FEEDS:
        path = data / "crypto_l2" / name
        if not path.is_file():
            return f"{_HEAD}Not measured: expected {name}, found none."
        file = read_book_file(path, instrument=instrument)
        n_levels = sum(len(each.bid_ticks) + len(each.ask_ticks) for each in file.messages)
        for who, replay in REPLAYS.items():
            seconds = timed(partial(replay, file))
            rate = (f"{n / seconds:,.0f}" for n in (len(file.messages), n_levels))
            aim = f"{_AIM_LEVELS:,}: {met(n_levels / seconds >= _AIM_LEVELS)}" if who in _OURS else ""
            rows.append((title, who, *rate, f"{seconds / len(file.messages) * 1e6:.1f}", aim))
        frames.append((title, *_frame_times(file)))
    return (
        f"{_HEAD}Every message of a recorded feed applied; a level is a price of one side in a message. The "
        "plain books check neither the sequence nor the numbers.\n\n"
        + table(("feed", "by", "messages a second", "levels a second", "us a message", "aim levels"), rows)
        + f"\n\nOne frame of {N_BUCKETS} buckets a side, volume and VWAP, from the live book:\n\n"
        + table(("feed", "dualbrain us", "plain us", "aim us"), frames)
    )


MEASUREMENTS: tuple[Callable[[Path], str], ...] = (
    measure_order_book,
    measure_vpin,
    measure_features,
    measure_garch,
)


def _ours(file: BookFile) -> None:
    book = OrderBook(file.instrument.tick_size)
    for message in file.messages:
        book.follow(message)


def _ours_and_best(file: BookFile) -> None:
    book = OrderBook(file.instrument.tick_size)
    for message in file.messages:
        book.follow(message)
        if book.reason is None:
            book.best()


class _PlainBook:
    """Levels in two dicts."""

    def __init__(self) -> None:
        self.sides: tuple[dict[int, float], dict[int, float]] = ({}, {})

    def follow(self, message: BookSnapshot | BookUpdate) -> None:
        bids, asks = self.sides
        for side, ticks, quantities in (
            (bids, message.bid_ticks, message.bid_quantity),
            (asks, message.ask_ticks, message.ask_quantity),
        ):
            for tick, quantity in zip(ticks.tolist(), quantities.tolist(), strict=True):
                if quantity:
                    side[tick] = quantity
                else:
                    side.pop(tick, None)

    def best(self) -> tuple[int, float, int, float]:
        bid, ask = max(self.sides[0]), min(self.sides[1])
        return bid, self.sides[0][bid], ask, self.sides[1][ask]

    def frame(self, width: int) -> list[tuple[list[float], list[float]]]:
        bid, _, ask, _ = self.best()
        mid = (bid + ask) / 2
        out = []
        for side in self.sides:
            volume, money = [0.0] * N_BUCKETS, [0.0] * N_BUCKETS
            for tick, quantity in side.items():
                bucket = int(abs(tick - mid) // width)
                if bucket < N_BUCKETS:
                    volume[bucket] += quantity
                    money[bucket] += quantity * tick
            out.append((volume, [m / v if v else float("nan") for m, v in zip(money, volume, strict=True)]))
        return out


class _SortedBook(_PlainBook):
    """Levels in two sorted dicts of `sortedcontainers`."""

    def __init__(self) -> None:
        self.sides = (SortedDict(), SortedDict())

    def best(self) -> tuple[int, float, int, float]:
        bids, asks = self.sides
        bid, ask = next(reversed(bids)), next(iter(asks))
        return bid, bids[bid], ask, asks[ask]


def _plain(file: BookFile, kind: type[_PlainBook]) -> None:
    book = kind()
    for message in file.messages:
        book.follow(message)
        if all(book.sides):
            book.best()


REPLAYS: dict[str, Callable[[BookFile], None]] = {
    "dualbrain": _ours,
    "dualbrain, best read after each": _ours_and_best,
    "sorted dicts, best read after each": partial(_plain, kind=_SortedBook),
    "dicts, best read after each": partial(_plain, kind=_PlainBook),
}


_OURS = ("dualbrain", "dualbrain, best read after each")


def _frame_times(file: BookFile) -> tuple[str, str, str]:
    """Microseconds of a frame of the book in the middle of the feed, ours, the plain one's, and the aim."""
    half = file.messages[: len(file.messages) // 2]
    ring, plain = FrameRing(OrderBook(file.instrument.tick_size), file.instrument), _PlainBook()
    for message in half:
        ring.follow(message)
        plain.follow(message)
    width = ring.width
    if width is None:
        return "no reading", "no reading", ""

    def frames() -> None:
        for moment in range(N_FRAMES):
            ring.take(moment)

    theirs = timed(partial(plain.frame, width)) * 1e6
    ours = timed(frames) / N_FRAMES * 1e6
    return f"{ours:.1f}", f"{theirs:.0f}", f"{_AIM_FRAME_US}: {met(ours <= _AIM_FRAME_US)}"


if __name__ == "__main__":
    sys.exit(main())
