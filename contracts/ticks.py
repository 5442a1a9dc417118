"""What happens between the bars: trades, best quotes with their sizes, and the book in buckets.

Arrays, like `Bars`: columns of equal length n in the order of the venue, times int64 milliseconds since
1970 UTC that never go back. Row i is known from `time[i]` on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self, TypeAlias

import numpy as np

from contracts.market import Bars, Float1D, Float2D, Int1D


@dataclass(frozen=True, slots=True)
class _Timed:
    """Columns beside their times."""

    time: Int1D

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, index: slice) -> Self:
        return type(self)(*(getattr(self, column.name)[index] for column in fields(self)))

    @classmethod
    def together(cls, parts: Sequence[Self]) -> Self:
        """The rows of several by time; those of one time stay in the order of the parts."""
        order = np.argsort(np.concatenate([part.time for part in parts]), kind="stable")
        columns = (column.name for column in fields(cls))
        return cls(*(np.concatenate([getattr(part, name) for part in parts])[order] for name in columns))

    def known_by(self, at_ms: int) -> Self:
        """The rows up to a moment, that moment included."""
        return self[: int(np.searchsorted(self.time, at_ms, side="right"))]


@dataclass(frozen=True, slots=True)
class Trades(_Timed):
    """What was traded, one row a print."""

    price: Float1D
    quantity: Float1D
    aggressor: Int1D
    """+1 where the buyer took what was offered, -1 where the seller did, 0 where the source does not say."""


@dataclass(frozen=True, slots=True)
class Quotes(_Timed):
    """Best bid and ask, one row a change; a size is NaN where the source has none."""

    bid: Float1D
    ask: Float1D
    bid_size: Float1D
    ask_size: Float1D


FRAME_MS = 100
"""Milliseconds from one frame of a book to the next."""


@dataclass(frozen=True, slots=True)
class BookFrames(_Timed):
    """The book in price buckets around its mid every `FRAME_MS`, b buckets a side, nearest first.

    Where the book had no reading a frame is missing, and the times have a gap.
    """

    bid: Float1D
    ask: Float1D
    bid_size: Float1D
    ask_size: Float1D
    bid_volume: Float2D
    """Quantity resting in each bucket under the mid, shape (n, b); NaN in one not wholly known."""
    ask_volume: Float2D
    bid_vwap: Float2D
    """Volume-weighted price within each bucket, shape (n, b); NaN in an empty or unknown one."""
    ask_vwap: Float2D
    bucket_size: Float1D
    """Width of a bucket in price, the same in all of one book."""


@dataclass(frozen=True, slots=True)
class BookSnapshot:
    """A book's resting quantities at one moment, a row a level, in any order; prices in whole ticks."""

    time: int
    """Milliseconds since 1970 UTC at which it was received."""
    last_id: int
    """The last change that is in it, as the venue numbers them."""
    bid_ticks: Int1D
    bid_quantity: Float1D
    ask_ticks: Int1D
    ask_quantity: Float1D
    is_whole: bool = False
    """Whether it has every level; a cut one has those nearest the mid, and none beyond its last is known."""


@dataclass(frozen=True, slots=True)
class BookUpdate:
    """What changed in a book: the quantity now at each price, 0 where nothing is left; prices in ticks."""

    time: int
    """Milliseconds since 1970 UTC at which it was received."""
    first_id: int
    last_id: int
    """It holds the changes from `first_id` to `last_id`."""
    previous_id: int | None
    """The `last_id` of the update before it; None where the venue numbers changes without holes."""
    bid_ticks: Int1D
    bid_quantity: Float1D
    ask_ticks: Int1D
    ask_quantity: Float1D

    @property
    def follows_id(self) -> int:
        """The change after which this update has everything."""
        return self.first_id - 1 if self.previous_id is None else self.previous_id


BookMessage: TypeAlias = BookSnapshot | BookUpdate


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known of a market beside an instrument's bars; None where the source does not give it."""

    other: Bars | None = None
    """A second instrument's bars of the same timeframe, for what reads a pair."""
    trades: Trades | None = None
    quotes: Quotes | None = None
    book: BookFrames | None = None
    is_volume_traded: bool = True
    """Whether the bars' volume is what was traded, and not a count of price changes."""
