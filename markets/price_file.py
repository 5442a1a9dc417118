"""Price files: a written description of one file, and the strict reader that holds it to its word.

Nothing is guessed: columns, zone, time format, side and scale are stated, and the first cell that does
not fit ends the reading with a FeedFormatError that names file, row and column. What a description
could get wrong unnoticed is measured:

- Bars must open (or close) where the bars of their timeframe do on this market. A wrong zone moves
  four-hour and daily bars off their anchors.
- A wrong zone, or day and month swapped, puts bars where the market is closed. One hour of error does
  so once a week, 0.8% of hourly bars; holidays that a venue traded through, under 0.2%. More than
  `max_closed_share`, 0.5%, is refused; fewer are kept and counted. Crypto, which never closes, has no
  such test, and a file without Sunday bars shows only errors that move its Fridays.
- Swapped day and month also make times go back, or a month 13, and both are refused at their row.
- Volume of futures and crypto is believed to be what was traded. A column whose name says that it counts
  ticks is refused there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from contracts.market import Bars, Float1D, Instrument, Int1D, PriceSide, Timeframe, from_ms
from markets.file_times import WrittenTimes, read_times
from markets.instruments import known_id, resolve
from markets.price_table import PriceTable, open_table
from markets.sessions import is_open, open_seconds_between, period_ends, period_starts

_PRICES = ("open", "high", "low", "close")
_TWO_SIDED = tuple(f"{side}_{price}" for side in ("bid", "ask") for price in _PRICES)
_HALF_HOUR_MS = 1_800_000
_SIGNIFICANT_DIGITS = 12
_COUNTS_TICKS = re.compile(r"tick(?!er)", re.IGNORECASE)
"""MetaTrader's <TICKVOL>, tick_volume and the like."""


class PriceColumns(BaseModel):
    """Which column is which, by name; without a header they are column_1, column_2, ...

    Give either four prices or eight. `date`, where the day stands in a column of its own, is read
    before `time` with one space between. A `volume` that a venue fills with zeros is better left out; of
    futures and crypto it has to be what was traded, not the count of ticks of a contract for difference.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    time: str
    date: str | None = None
    open: str | None = None
    high: str | None = None
    low: str | None = None
    close: str | None = None
    bid_open: str | None = None
    bid_high: str | None = None
    bid_low: str | None = None
    bid_close: str | None = None
    ask_open: str | None = None
    ask_high: str | None = None
    ask_low: str | None = None
    ask_close: str | None = None
    volume: str | None = None

    @property
    def is_two_sided(self) -> bool:
        """Whether the file has both bid and ask."""
        return self.bid_open is not None

    @model_validator(mode="after")
    def _four_prices_or_eight(self) -> Self:
        given = tuple(name for name in (*_PRICES, *_TWO_SIDED) if getattr(self, name) is not None)
        if given not in (_PRICES, _TWO_SIDED):
            raise ValueError(
                f"expected columns for open, high, low and close, or for all of bid_open to ask_close, "
                f"found {', '.join(given) or 'none'}"
            )
        return self


class PriceFile(WrittenTimes):
    """What one file holds and how it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    """CSV, plain, .gz or a .zip with one file, or .parquet; a relative one from where the desk starts."""
    instrument: str
    """Any name `markets/instruments.py` resolves."""
    timeframe: Timeframe
    columns: PriceColumns
    side: PriceSide | None = None
    """Which price a one-sided file gives; None where bid and ask both have columns."""
    stamped: Literal["open", "close"] = "open"
    price_scale: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Prices are divided by this: 100000 for prices in points of five decimals."""
    has_header: bool = True
    separator: str = Field(default=",", pattern=r"^[ -~\t]$")
    max_closed_share: float = Field(default=0.005, ge=0, le=1)
    """How large a part of the bars may lie where the market is closed."""

    @field_validator("instrument")
    @classmethod
    def _is_known(cls, alias: str) -> str:
        return known_id(alias)

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if self.columns.is_two_sided == (self.side is not None):
            raise ValueError(
                f"expected a side for a file of one price, and none for one of bid and ask, found {self.side}"
            )
        return self

    @model_validator(mode="after")
    def _no_ticks_for_volume(self) -> Self:
        name = self.columns.volume
        if name and _COUNTS_TICKS.search(name) and resolve(self.instrument).has_traded_volume:
            raise ValueError(
                f"expected a volume of {self.instrument} that was traded, found the column {name!r}, by its "
                "name a count of ticks; name the column of what was traded, or leave volume out"
            )
        return self


@dataclass(frozen=True, slots=True)
class ReadReport:
    """What was seen in a file that was accepted."""

    path: Path
    n_rows: int
    n_closed_market: int
    """Bars kept although the market should have been closed."""
    n_crossed: int
    """Bars or ticks whose ask is under their bid."""
    n_dropped: int = 0
    """Ticks left out; no bar ever is."""


@dataclass(frozen=True, slots=True)
class PriceSeries:
    """The bars of one file: bid and ask, or the one side it has."""

    instrument: Instrument
    timeframe: Timeframe
    sides: Mapping[PriceSide, Bars]
    report: ReadReport


def read_prices(source: PriceFile) -> PriceSeries:
    """Read a file as described. Raises FeedFormatError at the first thing that does not fit."""
    instrument = resolve(source.instrument)
    table = open_table(source.path, has_header=source.has_header, separator=source.separator)
    stamps = read_times(table, source.columns.time, source, date=source.columns.date)
    opens, closes = _period_bounds(table, source, instrument, stamps)
    n_closed = _count_closed(table, source, instrument, opens, closes)
    volume = _volume(table, source.columns.volume)
    sides: dict[PriceSide, Bars] = {}
    for side, names in _sides_of(source):
        open_, high, low, close = _prices(table, names, source.price_scale)
        sides[side] = Bars(opens, closes, open_, high, low, close, volume, side)
    n_crossed = int((sides["ask"].close < sides["bid"].close).sum()) if source.columns.is_two_sided else 0
    report = ReadReport(table.path, len(opens), n_closed, n_crossed)
    return PriceSeries(instrument, source.timeframe, sides, report)


def _sides_of(source: PriceFile) -> list[tuple[PriceSide, list[str]]]:
    prefixes: list[tuple[PriceSide, str]]
    prefixes = [(source.side, "")] if source.side else [("bid", "bid_"), ("ask", "ask_")]
    return [
        (side, [getattr(source.columns, prefix + price) for price in _PRICES]) for side, prefix in prefixes
    ]


def _prices(table: PriceTable, names: list[str], scale: float) -> list[Float1D]:
    prices = [table.numbers(name) / scale for name in names]
    # Files in points carry noise such as 165580.00000000003, which would put an open under its low.
    whole_digits = 1 + int(np.floor(np.log10(max(1e-9, *(np.abs(p).max() for p in prices)))))
    open_, high, low, close = (np.round(p, _SIGNIFICANT_DIGITS - whole_digits) for p in prices)
    for price, name in zip((open_, high, low, close), names, strict=True):
        table.refuse(price <= 0, name, "a price above zero")
    table.refuse(high < low, names[1], f"a high not under the low in {names[2]}")
    for price, name in ((open_, names[0]), (close, names[3])):
        table.refuse((price < low) | (price > high), name, f"a price between {names[2]} and {names[1]}")
    return [open_, high, low, close]


def _volume(table: PriceTable, name: str | None) -> Float1D:
    if name is None:
        return np.full(len(table.frame), np.nan)
    volume = table.numbers(name, may_be_empty=True)
    table.refuse(volume < 0, name, "a volume of zero or more")
    return volume


def _period_bounds(
    table: PriceTable, source: PriceFile, instrument: Instrument, stamps: Int1D
) -> tuple[Int1D, Int1D]:
    # One millisecond before its close a bar is certainly inside its period.
    inside = stamps if source.stamped == "open" else stamps - 1
    opens = period_starts(instrument.calendar, source.timeframe, inside)
    closes = period_ends(instrument.calendar, source.timeframe, opens)
    is_off = (opens if source.stamped == "open" else closes) != stamps
    if is_off.any():
        index = int(is_off.argmax())
        expected = (
            f"{source.timeframe} bars of {instrument.instrument_id} to {source.stamped} on time, "
            f"here at {_clock(opens[index])} or {_clock(closes[index])}"
        )
        found = f"{table.shown(index, source.columns.time)}, which is {_clock(stamps[index])}"
        hint = "; look at time_zone and stamped"
        raise table.error(index, source.columns.time, expected, found + hint)
    return opens, closes


def _count_closed(
    table: PriceTable, source: PriceFile, instrument: Instrument, opens: Int1D, closes: Int1D
) -> int:
    is_outside = _is_outside(instrument, source.timeframe, opens, closes)
    n_outside = int(is_outside.sum())
    if n_outside > source.max_closed_share * len(opens):
        name, index = source.columns.time, int(is_outside.argmax())
        raise table.error(
            index,
            name,
            f"at most {source.max_closed_share:.1%} of bars while {instrument.instrument_id} is closed",
            f"{n_outside} of {len(opens)}, first {table.shown(index, name)}, which is "
            f"{_clock(opens[index])}; look at time_zone, the order of day and month, and stamped",
        )
    return n_outside


def _is_outside(
    instrument: Instrument, timeframe: Timeframe, opens: Int1D, closes: Int1D
) -> npt.NDArray[np.bool_]:
    if timeframe.seconds > Timeframe.H1.seconds:
        bounds = zip(opens.tolist(), closes.tolist(), strict=True)
        return np.array([open_seconds_between(instrument, from_ms(a), from_ms(b)) == 0 for a, b in bounds])
    # Sessions begin and end on the half hour, so a look a half hour does for the minutes in it.
    slots, slot_of = np.unique(opens // _HALF_HOUR_MS, return_inverse=True)
    is_closed = [not is_open(instrument, from_ms(slot * _HALF_HOUR_MS)) for slot in slots.tolist()]
    return np.array(is_closed)[slot_of]


def _clock(milliseconds: int) -> str:
    moment: datetime = from_ms(int(milliseconds))
    return f"{moment:%a %Y-%m-%d %H:%M} UTC"
