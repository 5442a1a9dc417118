"""When each market trades, and where its bars and its days begin.

A calendar is one sorted table of sessions [open, close) from 1990 to 2035, in UTC milliseconds, with
the time in session summed up to each; every question about it is one bisection. Tables are built at
their first use and kept: they depend on nothing but their key.

- `forex`: Sunday 17:00 to Friday 17:00 New York without a daily break. The trading days (17:00 to
  17:00) that end on 25 December and 1 January are closed, with no substitute day when they fall on a
  weekend. OANDA's EUR/USD bars of 2010 to 2016 all agree; from 2007 to 2009 it traded 44 such hours.
- `metal`, `cme_equity`, `cme_energy`, `cme_metal`: Globex trade dates, 17:00 Chicago the evening
  before to 16:00; spot gold pauses with it (17:00 to 18:00 New York). Holidays and noon closes come
  from exchange_calendars' CMES, its calendar of the Globex week. On days when New York's stock
  exchange is closed and CMES is not (Juneteenth), trading stops at noon too. CMES keeps one list for
  all products, the most careful one, so energy and metals may really trade past noon then, and on
  days of national mourning. Out of scope: the equity futures' pause from 15:15 to 15:30 Chicago, the
  16:15 close of earlier years, and the short session of some Good Fridays.
- `us_index`: regular hours of XNYS, the exchange whose close the index levels are taken at.
- `crypto`: always.
"""

import warnings
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Literal, Self
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from contracts.errors import DataUnavailable, ToolInputError
from contracts.market import Instrument, Int1D, Market, Timeframe, from_ms, to_ms

_NEW_YORK, _CHICAGO = "America/New_York", "America/Chicago"
_MONDAY, _FRIDAY, _SUNDAY = 0, 4, 6
_HOUR_MS = 3_600_000

_FIRST_MS = to_ms(datetime(1990, 1, 1, tzinfo=UTC))
_PAST_LAST_MS = to_ms(datetime(2036, 1, 1, tzinfo=UTC))
# Two weeks more at each end, so that every moment in range has a week around it and a next open.
_FIRST_DAY, _LAST_DAY = date(1989, 12, 18), date(2036, 1, 14)
_N_DAYS = (_LAST_DAY - _FIRST_DAY).days + 1


@dataclass(frozen=True, slots=True)
class _Anchor:
    """The local hour at which a calendar's days begin, and the weekday that begins its weeks."""

    zone: str
    hour: int
    week_starts_on: int


_NEW_YORK_CLOSE = _Anchor(_NEW_YORK, 17, _SUNDAY)
_GLOBEX_OPEN = _Anchor(_CHICAGO, 17, _SUNDAY)
_UTC_MIDNIGHT = _Anchor("UTC", 0, _MONDAY)
_ANCHORS = {
    "forex": _NEW_YORK_CLOSE,
    "metal": _NEW_YORK_CLOSE,
    "cme_equity": _GLOBEX_OPEN,
    "cme_energy": _GLOBEX_OPEN,
    "cme_metal": _GLOBEX_OPEN,
    "crypto": _UTC_MIDNIGHT,
    "us_index": _UTC_MIDNIGHT,
}


class FilteredWindow(BaseModel):
    """A stretch of the local day in which no new trade is opened: start inclusive, end exclusive.

    It repeats daily and runs past midnight where `end` is before `start`. Spot gold counts as forex.
    Index rows are decided on daily bars, to which an hour does not apply.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    market: Literal["forex", "futures", "crypto"]
    zone: str
    start: time
    end: time
    name: str

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (OSError, ValueError, LookupError) as error:
            raise ValueError(f"expected an IANA time zone such as Europe/London, found {zone!r}") from error
        return zone

    @model_validator(mode="after")
    def _is_a_stretch(self) -> Self:
        if self.start.tzinfo or self.end.tzinfo or self.start == self.end:
            raise ValueError(
                f"expected two different local times without an offset, found {self.start} and {self.end}"
            )
        return self

    def covers(self, at: datetime) -> bool:
        """Whether the local time of `at` lies in the window."""
        local = at.astimezone(ZoneInfo(self.zone)).time()
        if self.start < self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


DEFAULT_FILTERED_WINDOWS = (
    FilteredWindow(
        market="forex", zone="Europe/London", start=time(15, 30), end=time(16, 30), name="London fix"
    ),
    FilteredWindow(market="forex", zone=_NEW_YORK, start=time(14), end=time(17), name="New York afternoon"),
)


def is_open(instrument: Instrument, at: datetime) -> bool:
    """Whether `instrument` trades at `at`; a session's close is outside it."""
    sessions = _sessions(instrument.calendar)
    moment = _moment(at)
    return moment < sessions.closes[bisect_right(sessions.opens, moment) - 1]


def open_seconds_between(instrument: Instrument, start: datetime, end: datetime) -> float:
    """Seconds in session in (start, end]; negative, by the same measure, where end is before start."""
    sessions = _sessions(instrument.calendar)
    return (sessions.time_until(_moment(end)) - sessions.time_until(_moment(start))) / 1000


def next_open(instrument: Instrument, at: datetime) -> datetime:
    """The first moment from `at` on at which the market is open: `at` itself where it is, in UTC."""
    sessions = _sessions(instrument.calendar)
    moment = _moment(at)
    following = bisect_right(sessions.opens, moment)
    if moment < sessions.closes[following - 1]:
        return at.astimezone(UTC)
    return from_ms(sessions.opens[following])


def filtered_hour(instrument: Instrument, at: datetime, windows: Sequence[FilteredWindow]) -> str | None:
    """Name of the first window of the instrument's market that covers `at`, or None."""
    moment = from_ms(_moment(at))
    for window in windows:
        if window.market == instrument.market and window.covers(moment):
            return window.name
    return None


def day_open(instrument_market: Market, at: datetime) -> datetime:
    """Start of the trading day of the daily limits: 17:00 New York, for crypto 00:00 UTC."""
    anchor = _UTC_MIDNIGHT if instrument_market == "crypto" else _NEW_YORK_CLOSE
    days = _daily(anchor.zone, anchor.hour)
    return from_ms(int(days[np.searchsorted(days, _moment(at), side="right") - 1]))


def period_starts(calendar: str, timeframe: Timeframe, open_times_ms: Int1D) -> Int1D:
    """Start of the period of `timeframe` that holds each bar open time.

    Up to an hour: the UTC clock. Days begin at 17:00 New York (forex, metal), 17:00 Chicago (futures)
    or 00:00 UTC (crypto, and an index, where it labels the session's date), weeks on the Sunday or, at
    00:00 UTC, the Monday of such a day. Four-hour periods are counted in elapsed time from the start
    of the day; the sixth takes what a clock change leaves, three or five hours, always in a weekend
    on which those markets are closed.
    """
    return _bounds(calendar, timeframe, open_times_ms)[0]


def period_ends(calendar: str, timeframe: Timeframe, open_times_ms: Int1D) -> Int1D:
    """Nominal end of the period of `timeframe` that holds each bar open time.

    A period ends where the next one starts, so that nothing can fall behind its end; but an index day
    ends with the regular close, 16:00 New York, and an index week with Friday's.
    """
    return _bounds(calendar, timeframe, open_times_ms)[1]


def period_end(calendar: str, timeframe: Timeframe, start_ms: int) -> int:
    """Nominal end, in ms, of the period of `timeframe` that holds `start_ms`; see `period_ends`."""
    return int(period_ends(calendar, timeframe, np.array([start_ms], dtype=np.int64))[0])


def _bounds(calendar: str, timeframe: Timeframe, times: Int1D) -> tuple[Int1D, Int1D]:
    anchor = _anchor(calendar)
    if timeframe.seconds <= Timeframe.H1.seconds:
        length = timeframe.seconds * 1000
        starts = times - times % length
        return starts, starts + length
    if timeframe is Timeframe.W1:
        return _week_bounds(calendar, anchor, times)
    days = _daily(anchor.zone, anchor.hour)
    index = _index_before(days, times)
    if timeframe is Timeframe.H4:
        return _four_hour_bounds(days[index], days[index + 1], times)
    ends = _daily(_NEW_YORK, 16)[index] if calendar == "us_index" else days[index + 1]
    return days[index], ends


def _four_hour_bounds(day_starts: Int1D, day_ends: Int1D, times: Int1D) -> tuple[Int1D, Int1D]:
    length = Timeframe.H4.seconds * 1000
    ordinal = np.minimum((times - day_starts) // length, 5)
    starts = day_starts + ordinal * length
    return starts, np.where(ordinal == 5, day_ends, starts + length)


def _week_bounds(calendar: str, anchor: _Anchor, times: Int1D) -> tuple[Int1D, Int1D]:
    first = (anchor.week_starts_on - _FIRST_DAY.weekday()) % 7
    weeks = _daily(anchor.zone, anchor.hour)[first::7]
    index = _index_before(weeks, times)
    if calendar != "us_index":
        return weeks[index], weeks[index + 1]
    return weeks[index], _daily(_NEW_YORK, 16)[first + 7 * index + _FRIDAY]


def _index_before(starts: Int1D, times: Int1D) -> npt.NDArray[np.intp]:
    if len(times):
        _check_range(int(times.min()))
        _check_range(int(times.max()))
    return np.searchsorted(starts, times, side="right") - 1


@dataclass(frozen=True, slots=True)
class _Sessions:
    # Lists, not arrays: bisecting a list is several times faster than searching an array for one value.
    opens: list[int]
    closes: list[int]
    elapsed: list[int]
    """Time in session before each open."""

    @classmethod
    def from_arrays(cls, opens: Int1D, closes: Int1D) -> Self:
        elapsed = np.concatenate(([0], np.cumsum(closes - opens)[:-1]))
        return cls(opens.tolist(), closes.tolist(), elapsed.tolist())

    def time_until(self, moment: int) -> int:
        index = bisect_right(self.opens, moment) - 1
        return self.elapsed[index] + min(moment, self.closes[index]) - self.opens[index]


@cache
def _sessions(calendar: str) -> _Sessions:
    match calendar:
        case "forex":
            return _Sessions.from_arrays(*_forex_days())
        case "metal" | "cme_equity" | "cme_energy" | "cme_metal":
            return _globex_sessions()
        case "us_index":
            return _Sessions.from_arrays(*_exchange_sessions("XNYS")[1:])
        case "crypto":
            days = _daily("UTC", 0)
            return _Sessions.from_arrays(days[:1], days[-1:])
        case _:
            raise _unknown_calendar(calendar)


def _forex_days() -> tuple[Int1D, Int1D]:
    closes = _daily(_NEW_YORK, 17)
    days = [_FIRST_DAY + timedelta(days=i) for i in range(_N_DAYS)]
    is_traded = np.array(
        [d.weekday() <= _FRIDAY and (d.month, d.day) not in {(12, 25), (1, 1)} for d in days]
    )
    return closes[:-1][is_traded[1:]], closes[1:][is_traded[1:]]


@cache
def _globex_sessions() -> _Sessions:
    dates, opens, closes = _exchange_sessions("CMES")
    # CMES lets a day run the full 24 hours from 17:00; Globex pauses in the last of them.
    closes = np.minimum(closes, opens + 23 * _HOUR_MS)
    is_new_york_closed = ~np.isin(dates, _exchange_sessions("XNYS")[0])
    return _Sessions.from_arrays(
        opens, np.where(is_new_york_closed, np.minimum(closes, opens + 19 * _HOUR_MS), closes)
    )


@cache
def _exchange_sessions(name: str) -> tuple[Int1D, Int1D, Int1D]:
    # Imported here because the two cost a second and a half, which a forex desk need not pay.
    import pandas as pd

    with warnings.catch_warnings():
        # exchange_calendars 4.13 reads Series.values, whose meaning pandas 4 will change.
        warnings.simplefilter("ignore", pd.errors.Pandas4Warning)
        import exchange_calendars

        calendar = exchange_calendars.get_calendar(name, start=str(_FIRST_DAY), end=str(_LAST_DAY))
        schedule = calendar.schedule
    columns = (schedule.index, schedule["open"], schedule["close"])
    dates, opens, closes = (pd.DatetimeIndex(times).as_unit("ms").asi8 for times in columns)
    return dates, opens, closes


@cache
def _daily(zone: str, hour: int) -> Int1D:
    local = ZoneInfo(zone)
    hours = (datetime.combine(_FIRST_DAY + timedelta(days=i), time(hour), local) for i in range(_N_DAYS))
    moments = np.fromiter((to_ms(moment) for moment in hours), dtype=np.int64, count=_N_DAYS)
    moments.flags.writeable = False
    return moments


def _anchor(calendar: str) -> _Anchor:
    if calendar not in _ANCHORS:
        raise _unknown_calendar(calendar)
    return _ANCHORS[calendar]


def _unknown_calendar(calendar: str) -> ToolInputError:
    return ToolInputError(f"expected a calendar among {', '.join(_ANCHORS)}, found {calendar!r}")


def _moment(at: datetime) -> int:
    moment = to_ms(at)
    _check_range(moment)
    return moment


def _check_range(moment: int) -> None:
    if not _FIRST_MS <= moment < _PAST_LAST_MS:
        raise DataUnavailable(
            f"expected a moment from 1990 to 2035, which the calendars cover, found {moment} ms since 1970"
        )
