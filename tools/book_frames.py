"""The book as a picture: ten times a second, its volume in price buckets around the mid.

A bucket is as wide as `bucket_ticks` says when the ring meets its first mid, and stays so: a width that
followed the price would break the series at each change. Bucket k of a side holds what rests k to k + 1
widths away from the mid, the nearer end included.

A frame at a moment, a whole multiple of 100 ms, holds every message received up to that moment and none
after. No frame is made while the book has no reading, or while nothing has come for `STALE_MS`: a frame that
is missing shows in the times of those beside it.
"""

import math
from dataclasses import fields

import numpy as np

from contracts.errors import ToolInputError
from contracts.market import Instrument, Int1D
from contracts.ticks import FRAME_MS, BookFrames, BookMessage
from tools.order_book import Applied, OrderBook
from tools.order_book_kernels import fill_frame

STALE_MS = 5_000
N_BUCKETS = 20
_DOLLARS = ("USD", "USDT", "USDC")
_DOLLAR_WIDTHS = {"BTC": 10, "ETH": 1}
_WIDTH_BPS = 2.5
_STEPS = (1, 2, 5, 10)


def bucket_ticks(instrument: Instrument, mid: float) -> int:
    """How many ticks wide a bucket is: $10 for BTC, $1 for ETH, else about 2.5 bp of the price.

    Use it once a session, with the first mid of it.

    Parameters
    ----------
    instrument : Instrument
        Its currencies and tick size are read.
    mid : float
        Price half way between bid and ask, over zero.

    Returns
    -------
    int
        Ticks, 1 or more.

    Notes
    -----
    Elsewhere the number 1, 2 or 5 times a power of ten that is nearest in ratio to 2.5 bp of the mid in
    ticks. At 50,200 for BTC and 3,020 for ETH this rule gives 10 and 1 as well. ToolInputError for a mid that
    is not over zero.

    References
    ----------
    The desk's own choice.
    """
    if not (mid > 0 and math.isfinite(mid)):
        raise ToolInputError(f"expected a mid over zero, found {mid}; give the first one of the session")
    fixed = _DOLLAR_WIDTHS.get(instrument.base_currency)
    if fixed is not None and instrument.quote_currency in _DOLLARS:
        return max(1, round(fixed / instrument.tick_size))
    wanted = max(1.0, mid * _WIDTH_BPS / 10_000 / float(instrument.tick_size))
    decade = int(10 ** math.floor(math.log10(wanted)))
    return min((step * decade for step in _STEPS), key=lambda width: abs(math.log(width / wanted)))


class FrameRing:
    """The newest frames of one live book, taken as messages go through `follow`; not for several threads."""

    def __init__(self, book: OrderBook, instrument: Instrument, *, seconds: int = 60) -> None:
        """It keeps the newest `seconds` of frames, 1 or more."""
        if seconds < 1:
            raise ToolInputError(f"expected to keep 1 second or more, found {seconds}; give a whole number")
        self.book = book
        self.instrument = instrument
        self.size = seconds * 1_000 // FRAME_MS
        self.width: int | None = None
        """Ticks in a bucket, from the first mid on."""
        self._half_tick = np.array([book.tick.numerator, 2 * book.tick.denominator], np.float64)
        self._rows = _empty(2 * self.size)
        self._end = 0
        self._moment = 0

    def follow(self, message: BookMessage) -> Applied:
        """Take the frames that are due before a message, then change the book by it."""
        self.advance(message.time)
        return self.book.follow(message)

    def advance(self, time: int) -> None:
        """Take every frame due before `time`, in milliseconds, with the book as it is."""
        if time <= self._moment:
            return
        first = max(self._moment, _next_moment(self.book.time - 1))
        for moment in range(first, min(time, self.book.time + STALE_MS + 1), FRAME_MS):
            self.take(moment)
        self._moment = _next_moment(time - 1)

    def take(self, moment: int) -> None:
        """A frame of the book as it is, at a moment later than all before; none where it has no reading."""
        book = self.book
        if book.reason is not None:
            return
        bid, bid_size, ask, ask_size = book.best()
        if self.width is None:
            self.width = bucket_ticks(self.instrument, float(book.price(bid + ask)) / 2)
        if self._end == 2 * self.size:
            self._renew()
        rows, at = self._rows, self._end
        rows.time[at] = moment
        rows.bid[at], rows.bid_size[at] = book.price(bid), bid_size
        rows.ask[at], rows.ask_size[at] = book.price(ask), ask_size
        rows.bucket_size[at] = book.price(self.width)
        volumes = rows.bid_volume[at], rows.ask_volume[at]
        vwaps = rows.bid_vwap[at], rows.ask_vwap[at]
        fill_frame(
            book.ticks,
            book.quantities,
            book.counts,
            book.edges,
            self._half_tick,
            2 * self.width,
            volumes,
            vwaps,
        )
        self._end += 1

    def frames(self) -> BookFrames:
        """The newest frames: read-only views, which keep their values when the ring goes on."""
        newest = self._rows[max(0, self._end - self.size) : self._end]
        # The ring writes only behind them, and into new arrays once these are full.
        for column in fields(newest):
            getattr(newest, column.name).flags.writeable = False
        return newest

    def _renew(self) -> None:
        older, self._rows, self._end = self.frames(), _empty(2 * self.size), self.size
        for column in fields(older):
            getattr(self._rows, column.name)[: self.size] = getattr(older, column.name)


def _next_moment(time: int) -> int:
    """The first multiple of the frame interval after `time`."""
    return (time // FRAME_MS + 1) * FRAME_MS


def _empty(n: int) -> BookFrames:
    times: Int1D = np.zeros(n, np.int64)
    bid, ask, bid_size, ask_size, width = (np.full(n, np.nan) for _ in range(5))
    volumes = np.full((2, n, N_BUCKETS), np.nan)
    vwaps = np.full((2, n, N_BUCKETS), np.nan)
    return BookFrames(times, bid, ask, bid_size, ask_size, volumes[0], volumes[1], vwaps[0], vwaps[1], width)
