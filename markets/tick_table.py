"""Files of trades or of quotes: a written description of one, and the strict reader of its rows.

As with price files nothing is guessed: columns, zone and format are stated, and the first cell that does not
fit ends the reading with file, row and column. A file of bars is none of trades: a bar's row is stamped
before its last trade was made.
"""

from datetime import date, datetime, time
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from contracts.market import Float1D, Int1D, to_ms
from contracts.ticks import Quotes, Trades
from markets.file_times import WrittenTimes, check_times, read_times
from markets.instruments import known_id
from markets.price_table import PriceTable, open_table

_PER_MILLISECOND = {"ms": 1, "us": 1_000, "ns": 1_000_000}

_LONGEST_DAY_MS = 25 * 3_600_000
"""The day on which the clock goes back."""


class _Columns(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    time: str
    date: str | None = None
    """The day, where it stands in a column of its own; read before `time` with one space between."""


class TradeColumns(_Columns):
    """Which column of a file of trades is which, by name; without a header column_1, column_2, ..."""

    price: str
    quantity: str
    aggressor: str | None = None


class QuoteColumns(_Columns):
    """Which column of a file of quotes is which, by name; without a header column_1, column_2, ..."""

    bid: str
    ask: str
    bid_size: str | None = None
    ask_size: str | None = None


class TickFile(WrittenTimes):
    """What one file of trades or quotes holds and how it is written."""

    path: Path
    """CSV, plain, .gz or a .zip with one file, or .parquet; a relative one from where the desk starts."""
    instrument: str
    """Any name `markets/instruments.py` resolves."""
    columns: TradeColumns | QuoteColumns
    counts: Literal["ms", "us", "ns"] | None = None
    """What the times count, where they are numbers: since 1970 UTC, or since midnight of `day`."""
    day: date | None = None
    """The day of the whole file, in its zone, where the times count from midnight."""
    bought: str = "buy"
    """What stands under `aggressor` where the buyer took; an empty cell is a trade of which nobody knows."""
    sold: str = "sell"
    has_header: bool = True
    separator: str = Field(default=",", pattern=r"^[ -~\t]$")

    @field_validator("instrument")
    @classmethod
    def _is_known(cls, alias: str) -> str:
        return known_id(alias)

    @model_validator(mode="after")
    def _one_kind_of_time(self) -> Self:
        if self.counts and self.time_format:
            raise ValueError(
                f"expected counts or time_format, found both: {self.counts} and {self.time_format}"
            )
        if self.day and not self.counts:
            raise ValueError(f"expected counts beside day, found day {self.day} alone")
        return self


def read_ticks_of(source: TickFile) -> Trades | Quotes:
    """Read a file as described. Raises FeedFormatError at the first thing that does not fit.

    Rows may share a time. A quote whose ask is not above its bid stands as it is: what reads quotes says
    what it makes of one.
    """
    table = open_table(source.path, has_header=source.has_header, separator=source.separator)
    columns = source.columns
    times = _times(table, source)
    if isinstance(columns, TradeColumns):
        price, quantity = _positive(table, columns.price), _positive(table, columns.quantity)
        return Trades(times, price, quantity, _aggressor(table, source, columns.aggressor))
    bid, ask = _positive(table, columns.bid), _positive(table, columns.ask)
    return Quotes(times, bid, ask, _size(table, columns.bid_size), _size(table, columns.ask_size))


def midnight_of(source: TickFile) -> int | None:
    """When the day of the whole file begins, milliseconds since 1970 UTC; None where it tells no day."""
    if source.day is None:
        return None
    return to_ms(datetime.combine(source.day, time(), ZoneInfo(source.time_zone)))


def _times(table: PriceTable, source: TickFile) -> Int1D:
    name = source.columns.time
    if source.counts is None:
        return read_times(table, name, source, date=source.columns.date, may_repeat=True)
    counted = table.column(name).cast(str).str.strip_chars().cast(int, strict=False)
    table.refuse(counted.is_null().to_numpy(), name, f"a whole number of {source.counts}")
    # Rounded up: within its millisecond nobody knew it before it was over.
    times: Int1D = -(-counted.to_numpy() // _PER_MILLISECOND[source.counts])
    if (midnight := midnight_of(source)) is not None:
        is_outside = (times < 0) | (times > _LONGEST_DAY_MS)
        table.refuse(is_outside, name, f"{source.counts} since midnight, within a day")
        times += midnight
    check_times(table, name, times, may_repeat=True)
    return times


def _positive(table: PriceTable, name: str) -> Float1D:
    values = table.numbers(name)
    table.refuse(values <= 0, name, "a number above zero")
    return values


def _size(table: PriceTable, name: str | None) -> Float1D:
    if name is None:
        return np.full(len(table.frame), np.nan)
    sizes = table.numbers(name, may_be_empty=True)
    table.refuse(sizes < 0, name, "a size of zero or more")
    return sizes


def _aggressor(table: PriceTable, source: TickFile, name: str | None) -> Int1D:
    if name is None:
        return np.zeros(len(table.frame), dtype=np.int64)
    cells = table.column(name).cast(str).str.strip_chars().fill_null("").to_numpy()
    is_bought, is_sold = cells == source.bought, cells == source.sold
    table.refuse(~(is_bought | is_sold | (cells == "")), name, f"{source.bought}, {source.sold} or nothing")
    signs: Int1D = is_bought.astype(np.int64) - is_sold.astype(np.int64)
    return signs
