"""When the rows of a file are, from what is written in it: a format, a zone, and nothing guessed."""

from typing import Self
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from contracts.market import Int1D
from markets.price_table import PriceTable

FIRST_MS, PAST_LAST_MS = (
    int(np.datetime64(day, "ms").astype(np.int64)) for day in ("1990-01-01", "2036-01-01")
)
"""Where the times that a file may have begin and end."""


class WrittenTimes(BaseModel):
    """How the times of one file are written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_zone: str = "UTC"
    """IANA name of the zone its times are written in, such as Europe/Athens."""
    time_format: str | None = None
    """As in Python's strptime; None only for a Parquet column that holds times and not text."""

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (OSError, ValueError, LookupError) as error:
            raise ValueError(f"expected an IANA time zone such as Europe/Athens, found {zone!r}") from error
        return zone

    @field_validator("time_format")
    @classmethod
    def _fraction_after_point(cls, written: str | None) -> str | None:
        if written and "%f" in written.replace(".%f", ""):
            raise ValueError(f"expected a fraction of a second as .%f, found {written!r}")
        return written

    @model_validator(mode="after")
    def _one_zone(self) -> Self:
        if "%z" in (self.time_format or "") and self.time_zone != "UTC":
            raise ValueError(
                f"expected no time_zone where the times carry their own offset, found {self.time_zone}"
            )
        return self


def read_times(
    table: PriceTable, name: str, written: WrittenTimes, *, date: str | None = None, may_repeat: bool = False
) -> Int1D:
    """Milliseconds since 1970 UTC of every row; `date` is the column of the day, where it stands apart.

    Raises FeedFormatError at the first cell that is no time from 1990 to 2035, or before the row above (nor
    the same, unless it may repeat).
    """
    try:
        stamps = _stamps(table, name, written, date, may_repeat)
    except pl.exceptions.PolarsError as error:
        expected = f"times of the format {written.time_format} in the zone {written.time_zone}"
        raise table.error(0, name, expected, str(error).splitlines()[0][:200]) from error
    check_times(table, name, stamps, may_repeat=may_repeat)
    return stamps


def check_times(table: PriceTable, name: str, stamps: Int1D, *, may_repeat: bool) -> None:
    """Raise FeedFormatError at the first row out of 1990 to 2035, or out of order."""
    table.refuse((stamps < FIRST_MS) | (stamps >= PAST_LAST_MS), name, "a time from 1990 to 2035")
    steps = np.diff(stamps, prepend=stamps[0] - 1)
    is_bad = steps < 0 if may_repeat else steps <= 0
    if not is_bad.any():
        return
    index = int(is_bad.argmax())
    before = f"a time {'not before' if may_repeat else 'after'} {table.shown(index - 1, name)}"
    hint = "" if steps[index] == 0 else "; look whether day and month are in this order"
    raise table.error(index, name, before, table.shown(index, name) + hint)


def _stamps(table: PriceTable, name: str, written: WrittenTimes, date: str | None, may_repeat: bool) -> Int1D:
    cells = table.column(name)
    if date is not None:
        cells = table.column(date).cast(pl.String) + " " + cells.cast(pl.String)
    if cells.dtype == pl.String:
        cells = _parsed(table, name, cells, written)
    elif not isinstance(cells.dtype, pl.Datetime | pl.Date):
        raise table.error(0, name, "text or times", f"a column of {cells.dtype}")
    times = cells.cast(pl.Datetime("ms", getattr(cells.dtype, "time_zone", None)))
    return _in_utc(table, name, times, written, may_repeat)


def _parsed(table: PriceTable, name: str, cells: pl.Series, written: WrittenTimes) -> pl.Series:
    if written.time_format is None:
        raise table.error(0, name, "a time_format in the description of a file whose times are text", "none")
    # Python writes a fraction of a second .%f, polars %.f.
    as_polars = written.time_format.replace(".%f", "%.f")
    times = cells.str.strip_chars().str.strptime(pl.Datetime("ms"), as_polars, strict=False)
    table.refuse(times.is_null().to_numpy(), name, f"a time written as {written.time_format}")
    return times


def _in_utc(table: PriceTable, name: str, times: pl.Series, written: WrittenTimes, may_repeat: bool) -> Int1D:
    table.refuse(times.is_null().to_numpy(), name, "a time")
    if getattr(times.dtype, "time_zone", None) is not None:
        return times.dt.epoch("ms").to_numpy().copy()
    local = times.dt
    first = local.replace_time_zone(written.time_zone, ambiguous="earliest", non_existent="null")
    second = local.replace_time_zone(written.time_zone, ambiguous="latest", non_existent="null")
    table.refuse(first.is_null().to_numpy(), name, f"a local time that exists in {written.time_zone}")
    return _unfolded(first.dt.epoch("ms").to_numpy().copy(), second.dt.epoch("ms").to_numpy(), may_repeat)


def _unfolded(first: Int1D, second: Int1D, may_repeat: bool) -> Int1D:
    """An hour that the clock shows twice is the second one where the first would go back."""
    least_step = 0 if may_repeat else 1
    for index in np.flatnonzero(first != second).tolist():
        if index and first[index] < first[index - 1] + least_step:
            first[index] = second[index]
    return first
