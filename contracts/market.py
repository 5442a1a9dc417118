"""What the market looks like to the desk: instruments, timeframes, quotes, bars.

`Instrument` and `Quote` are records. `Bars` are arrays, kept out of records and of graph state;
a record names them by the hashes of their chunks.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from contracts.canonical import Amount, Real, Record, Utc

Float1D: TypeAlias = npt.NDArray[np.float64]
Float2D: TypeAlias = npt.NDArray[np.float64]
"""A panel: shape (time, instruments), C-contiguous where a kernel reads it."""
Int1D: TypeAlias = npt.NDArray[np.int64]
Int2D: TypeAlias = npt.NDArray[np.int64]

Market = Literal["forex", "futures", "crypto", "index"]
PriceSide = Literal["mid", "bid", "ask", "trade"]


class Side(StrEnum):
    """Direction of a trade."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for BUY, -1 for SELL."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """The side that closes this one."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Timeframe(StrEnum):
    """Length of a bar."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"
    W1 = "1w"

    @property
    def seconds(self) -> int:
        """Nominal length; a daily bar over a clock change is an hour off."""
        return _SECONDS[self]

    @property
    def higher(self) -> "Timeframe":
        """The timeframe whose trend must not oppose a trade decided on this one."""
        return _HIGHER[self]


_SECONDS = {
    Timeframe.M1: 60,
    Timeframe.M5: 300,
    Timeframe.M15: 900,
    Timeframe.M30: 1800,
    Timeframe.H1: 3600,
    Timeframe.H4: 14400,
    Timeframe.D1: 86400,
    Timeframe.W1: 604800,
}
_HIGHER = {
    Timeframe.M1: Timeframe.M15,
    Timeframe.M5: Timeframe.H1,
    Timeframe.M15: Timeframe.H1,
    Timeframe.M30: Timeframe.H4,
    Timeframe.H1: Timeframe.H4,
    Timeframe.H4: Timeframe.D1,
    Timeframe.D1: Timeframe.W1,
    Timeframe.W1: Timeframe.W1,
}


class Instrument(Record):
    """One row of the instrument table.

    Quantity is in base units (forex, metal, crypto), contracts (futures) or index units; profit in
    the quote currency is quantity x price change x multiplier.
    """

    instrument_id: str
    market: Market
    base_currency: str
    quote_currency: str
    tick_size: Amount
    pip_size: Amount
    lot_size: Amount
    quantity_step: Amount
    min_quantity: Amount
    multiplier: Amount
    calendar: str
    """Key of the trading sessions in `markets/sessions.py`."""

    @property
    def has_traded_volume(self) -> bool:
        """Whether the volume of its bars is what was traded.

        Currencies and metals trade over the counter, where a feed counts its own price changes instead, and
        nobody trades an index itself.
        """
        return self.market in ("futures", "crypto")


class Quote(Record):
    """Best bid and ask at a moment; a one-sided source has its other side made from a spread."""

    bid: Real
    ask: Real
    at: Utc
    is_spread_assumed: bool = False

    @property
    def mid(self) -> float:
        """Half way between bid and ask."""
        return (self.bid + self.ask) / 2

    def taking(self, side: Side) -> float:
        """The price a market order on `side` would meet."""
        return self.ask if side is Side.BUY else self.bid


class Ohlc(NamedTuple):
    """Four prices of one bar, one side of the book."""

    open: float
    high: float
    low: float
    close: float


@dataclass(frozen=True, slots=True)
class BarClosed:
    """One closed bar as the feed tells it: both sides, for the broker loop and the session."""

    instrument_id: str
    timeframe: Timeframe
    open_time: datetime
    close_time: datetime
    bid: Ohlc
    ask: Ohlc
    is_spread_assumed: bool


@dataclass(frozen=True, slots=True)
class Bars:
    """Closed bars in time order, as columns of equal length n.

    Times are int64 milliseconds since 1970 UTC. `volume` is NaN where the source has none: absent
    is not zero. Bar i is known from `close_time[i]` on.
    """

    open_time: Int1D
    close_time: Int1D
    open: Float1D
    high: Float1D
    low: Float1D
    close: Float1D
    volume: Float1D
    side: PriceSide

    def __len__(self) -> int:
        return len(self.close)

    def __getitem__(self, index: slice) -> "Bars":
        return Bars(
            self.open_time[index],
            self.close_time[index],
            self.open[index],
            self.high[index],
            self.low[index],
            self.close[index],
            self.volume[index],
            self.side,
        )

    @property
    def last_close_time(self) -> datetime:
        """When the newest bar closed; IndexError on no bars."""
        return from_ms(int(self.close_time[-1]))


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970 UTC; ValueError without a time zone."""
    if moment.tzinfo is None:
        raise ValueError(f"expected a time with a zone, found {moment.isoformat()}")
    return round(moment.timestamp() * 1000)


def from_ms(milliseconds: int) -> datetime:
    """The UTC moment of `milliseconds` since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
