"""Quote ticks of one day, put together to bars of bid and ask.

A tick is milliseconds since midnight, in the zone of the file, then bid and ask. One whose ask is not
above its bid is dirty: the two sides were not of one moment. It is dropped and counted; where more than
half are, the file is refused, because then the rule picks the accidents. Text, a price that is not
positive, or time going back is an error at its row.
"""

from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from contracts.errors import FeedFormatError, ToolInputError
from contracts.market import Bars, Float1D, Int1D, PriceSide, Timeframe, to_ms
from markets.instruments import resolve
from markets.price_file import PriceSeries, ReadReport
from markets.price_table import PriceTable, open_table
from markets.sessions import period_ends, period_starts

MAX_DIRTY_SHARE = 0.5
_TIME, _BID, _ASK = "column_1", "column_2", "column_3"
_DAY_MS = 86_400_000


def read_ticks(
    path: Path, *, instrument: str, day: date, timeframe: Timeframe, time_zone: str = "UTC"
) -> PriceSeries:
    """Bars of up to one hour from a CSV of ticks without a header, plain, .gz or .zip.

    The report's rows are ticks. A bar is made where at least one clean tick fell; it has no volume.
    Raises FeedFormatError, or ToolInputError for a timeframe whose bars do not lie within the day.
    """
    midnight = to_ms(datetime.combine(day, time(), ZoneInfo(time_zone)))
    if timeframe.seconds > Timeframe.H1.seconds or midnight % (timeframe.seconds * 1000):
        expected = "a timeframe of 1h or less whose bars begin at midnight"
        raise ToolInputError(
            f"expected {expected} for the ticks of one day in {time_zone}, found {timeframe}"
        )
    row = resolve(instrument)
    table = open_table(path, has_header=False)
    times = _milliseconds(table) + midnight
    quotes = {"bid": _prices(table, _BID), "ask": _prices(table, _ASK)}
    is_clean = quotes["ask"] > quotes["bid"]
    n_dirty = len(times) - int(is_clean.sum())
    if n_dirty > MAX_DIRTY_SHARE * len(times):
        found = f"{n_dirty} of {len(times)}"
        raise FeedFormatError(
            f"{path}: expected at most {MAX_DIRTY_SHARE:.0%} of ticks with ask not above bid, found {found}",
            path=str(path),
        )
    n_crossed = int((quotes["ask"] < quotes["bid"]).sum())
    sides: dict[PriceSide, Bars] = {
        "bid": _bars(times, quotes["bid"], is_clean, row.calendar, timeframe, "bid"),
        "ask": _bars(times, quotes["ask"], is_clean, row.calendar, timeframe, "ask"),
    }
    return PriceSeries(row, timeframe, sides, ReadReport(table.path, len(times), 0, n_crossed, n_dirty))


def _milliseconds(table: PriceTable) -> Int1D:
    since_midnight = table.numbers(_TIME)
    table.refuse(
        (since_midnight < 0) | (since_midnight >= _DAY_MS) | (since_midnight % 1 != 0),
        _TIME,
        "whole milliseconds since midnight",
    )
    table.refuse(np.diff(since_midnight, prepend=0.0) < 0, _TIME, "a time not before the row above")
    return since_midnight.astype(np.int64)


def _prices(table: PriceTable, column: str) -> Float1D:
    prices = table.numbers(column)
    table.refuse(prices <= 0, column, "a price above zero")
    return prices


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
