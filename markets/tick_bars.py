"""Quote ticks of one day, put together to bars of bid and ask.

A tick whose ask is not above its bid is dirty: the two sides were not of one moment. It is dropped and
counted; where more than half are, the file is refused, because then the rule picks the accidents.
"""

import numpy as np
import numpy.typing as npt

from contracts.errors import FeedFormatError, ToolInputError
from contracts.market import Bars, Float1D, Int1D, PriceSide, Timeframe
from contracts.ticks import Quotes
from markets.instruments import resolve
from markets.price_file import PriceSeries, ReadReport
from markets.sessions import period_ends, period_starts
from markets.tick_table import TickFile, midnight_of, read_ticks_of

MAX_DIRTY_SHARE = 0.5


def read_tick_bars(source: TickFile, timeframe: Timeframe) -> PriceSeries:
    """Bars of up to one hour from the quotes of one day.

    The report's rows are ticks. A bar is made where at least one clean tick fell; it has no volume.
    Raises FeedFormatError, or ToolInputError for a timeframe whose bars do not lie within the day.
    """
    midnight = midnight_of(source)
    if midnight is None or timeframe.seconds > Timeframe.H1.seconds or midnight % (timeframe.seconds * 1000):
        expected = "a timeframe of 1h or less whose bars begin at midnight"
        raise ToolInputError(
            f"expected {expected} for the ticks of one day in {source.time_zone}, found {timeframe}"
        )
    row, quotes = resolve(source.instrument), read_ticks_of(source)
    if not isinstance(quotes, Quotes):
        raise ToolInputError(f"expected a file of quotes, found one of trades: {source.path}; give its bars")
    is_clean = quotes.ask > quotes.bid
    n_dirty = len(quotes) - int(is_clean.sum())
    if n_dirty > MAX_DIRTY_SHARE * len(quotes):
        found = f"{n_dirty} of {len(quotes)}"
        raise FeedFormatError(
            f"{source.path}: expected at most {MAX_DIRTY_SHARE:.0%} of ticks with ask not above bid, found "
            f"{found}",
            path=str(source.path),
        )
    sides: dict[PriceSide, Bars] = {
        "bid": _bars(quotes.time, quotes.bid, is_clean, row.calendar, timeframe, "bid"),
        "ask": _bars(quotes.time, quotes.ask, is_clean, row.calendar, timeframe, "ask"),
    }
    n_crossed = int((quotes.ask < quotes.bid).sum())
    return PriceSeries(row, timeframe, sides, ReadReport(source.path, len(quotes), 0, n_crossed, n_dirty))


def _bars(
    times: Int1D,
    prices: Float1D,
    is_clean: npt.NDArray[np.bool_],
    calendar: str,
    timeframe: Timeframe,
    side: PriceSide,
) -> Bars:
    prices = prices[is_clean]
    starts = period_starts(calendar, timeframe, times[is_clean])
    first = np.flatnonzero(np.diff(starts, prepend=starts[0] - 1))
    return Bars(
        open_time=starts[first],
        close_time=period_ends(calendar, timeframe, starts[first]),
        open=prices[first],
        high=np.maximum.reduceat(prices, first),
        low=np.minimum.reduceat(prices, first),
        close=prices[np.append(first[1:], len(prices)) - 1],
        volume=np.full(len(first), np.nan),
        side=side,
    )
