"""What happens between the bars: trades, best quotes with their sizes, and the book in buckets.

Arrays, like `Bars`: columns of equal length n in the order of the venue, times int64 milliseconds since
1970 UTC that never go back. Row i is known from `time[i]` on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

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


@dataclass(frozen=True, slots=True)
class BookFrames(_Timed):
    """The book in price buckets around its mid at regular moments, b buckets a side, nearest first."""

    bid: Float1D
    ask: Float1D
    bid_size: Float1D
    ask_size: Float1D
    bid_volume: Float2D
    """Quantity resting in each bucket under the mid, shape (n, b)."""
    ask_volume: Float2D
    bid_vwap: Float2D
    """Volume-weighted price within each bucket, shape (n, b); NaN in an empty one."""
    ask_vwap: Float2D
    bucket_size: Float1D
    """Width of a bucket in price, the same in all of one book."""


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
