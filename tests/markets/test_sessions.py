"""When markets are open, filtered hours and trading days, on both sides of every clock change."""

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.errors import DataUnavailable, ToolInputError
from contracts.market import Instrument, Market, Timeframe, to_ms
from markets.instruments import INSTRUMENTS
from markets.sessions import (
    DEFAULT_FILTERED_WINDOWS,
    FilteredWindow,
    day_open,
    filtered_hour,
    is_open,
    next_open,
    open_seconds_between,
    period_starts,
)
from tests.markets.moments import (
    BTCUSDT,
    CALENDARS,
    CHICAGO,
    ES,
    EURUSD,
    HOUR,
    LONDON,
    MINUTE,
    NEW_YORK,
    ONE_OF_EACH,
    SPX,
    at,
    instruments,
    moments,
    utc,
)


def assert_opens(instrument: str, moment: datetime) -> None:
    row = INSTRUMENTS[instrument]
    assert not is_open(row, moment - MINUTE)
    assert is_open(row, moment)


def assert_closes(instrument: str, moment: datetime) -> None:
    row = INSTRUMENTS[instrument]
    assert is_open(row, moment - MINUTE)
    assert not is_open(row, moment)


# Forex


@pytest.mark.parametrize(
    ("opens", "closes"),
    [
        ("2024-01-14 22:00", "2024-01-19 22:00"),
        ("2024-03-03 22:00", "2024-03-08 22:00"),  # the last week before New York moves its clocks
        ("2024-03-10 21:00", "2024-03-15 21:00"),  # London follows three weeks later
        ("2024-03-31 21:00", "2024-04-05 21:00"),
        ("2024-10-27 21:00", "2024-11-01 21:00"),  # London has moved back, New York has not
        ("2024-11-03 22:00", "2024-11-08 22:00"),
    ],
)
def test_the_forex_week_runs_from_17_to_17_new_york_through_clock_changes(opens: str, closes: str) -> None:
    assert_opens("EURUSD", utc(opens))
    assert_closes("EURUSD", utc(closes))
    assert open_seconds_between(EURUSD, utc(opens), utc(closes)) == 5 * 86400


def test_forex_has_no_daily_break() -> None:
    assert all(is_open(EURUSD, at("2024-05-14 16:50", NEW_YORK) + i * MINUTE) for i in range(90))


@pytest.mark.parametrize(("eve", "day"), [("2024-12-24", "2024-12-25"), ("2025-12-31", "2026-01-01")])
def test_forex_pauses_for_the_trading_days_of_christmas_and_new_year(eve: str, day: str) -> None:
    assert_closes("EURUSD", at(f"{eve} 17:00", NEW_YORK))
    assert_opens("EURUSD", at(f"{day} 17:00", NEW_YORK))


def test_a_christmas_on_a_weekend_moves_no_forex_day() -> None:
    assert_closes("EURUSD", at("2021-12-24 17:00", NEW_YORK))
    assert_opens("EURUSD", at("2022-12-25 17:00", NEW_YORK))


@given(moments)
def test_forex_agrees_with_the_rule_spelt_out_by_the_wall_clock(moment: datetime) -> None:
    trading_day = (moment.astimezone(NEW_YORK).replace(tzinfo=None) + 7 * HOUR).date()
    expected = trading_day.weekday() < 5 and (trading_day.month, trading_day.day) not in {(12, 25), (1, 1)}
    assert is_open(EURUSD, moment) is expected


def test_a_forex_desk_loads_neither_pandas_nor_exchange_calendars() -> None:
    program = (
        "import sys; from datetime import UTC, datetime; from markets import instruments, sessions as s;"
        "eurusd, now = instruments.resolve('EUR/USD'), datetime(2024, 5, 14, tzinfo=UTC);"
        "s.is_open(eurusd, now); s.next_open(eurusd, now); s.open_seconds_between(eurusd, now, now);"
        "s.filtered_hour(eurusd, now, s.DEFAULT_FILTERED_WINDOWS); s.day_open('forex', now);"
        "s.period_end('forex', s.Timeframe.W1, 1_700_000_000_000);"
        "print(sorted({'pandas', 'exchange_calendars'} & set(sys.modules)))"
    )
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


# Globex and gold


@pytest.mark.parametrize("symbol", ["ES", "NQ", "CL", "GC", "XAUUSD"])
@pytest.mark.parametrize("day", ["2024-01-17", "2024-03-13", "2024-07-17", "2024-10-30"])
def test_globex_and_gold_pause_from_16_to_17_chicago(symbol: str, day: str) -> None:
    assert_closes(symbol, at(f"{day} 16:00", CHICAGO))
    assert_opens(symbol, at(f"{day} 17:00", CHICAGO))
    assert_opens(symbol, at(f"{day} 18:00", NEW_YORK))


@pytest.mark.parametrize("sunday", ["2024-03-03", "2024-03-10", "2024-11-03"])
def test_the_globex_week_opens_on_sunday_17_chicago_and_closes_on_friday_16(sunday: str) -> None:
    opens = at(f"{sunday} 17:00", CHICAGO)
    closes = opens + timedelta(days=4, hours=23)
    assert_opens("ES", opens)
    assert_closes("ES", closes)
    assert open_seconds_between(ES, opens, closes) == 5 * 23 * 3600


@pytest.mark.parametrize("symbol", ["ES", "CL", "GC", "XAUUSD"])
def test_good_friday_is_closed_from_thursday_to_sunday(symbol: str) -> None:
    assert_closes(symbol, at("2024-03-28 16:00", CHICAGO))
    assert_opens(symbol, at("2024-03-31 17:00", CHICAGO))
    assert next_open(INSTRUMENTS[symbol], utc("2024-03-29 12:00")) == at("2024-03-31 17:00", CHICAGO)
    assert is_open(EURUSD, utc("2024-03-29 12:00"))


@pytest.mark.parametrize(
    "day", ["2024-01-15", "2024-05-27", "2024-06-19", "2024-07-04", "2024-09-02", "2024-11-28"]
)
def test_globex_stops_at_noon_on_an_american_holiday_and_reopens_in_the_evening(day: str) -> None:
    assert_closes("ES", at(f"{day} 12:00", CHICAGO))
    assert_opens("ES", at(f"{day} 17:00", CHICAGO))


@pytest.mark.parametrize("day", ["2024-11-29", "2024-12-24"])
def test_globex_stops_at_noon_on_a_half_day_and_stays_closed(day: str) -> None:
    assert_closes("ES", at(f"{day} 12:00", CHICAGO))
    assert not is_open(ES, at(f"{day} 17:00", CHICAGO))


@pytest.mark.parametrize(
    ("closed", "reopens"),
    [
        ("2024-12-25 03:00", "2024-12-25 17:00"),
        ("2024-01-01 09:00", "2024-01-01 17:00"),
        ("2021-12-24 09:00", "2021-12-26 17:00"),  # Christmas on a Saturday is kept on the Friday
        ("2017-01-02 09:00", "2017-01-02 17:00"),  # New Year on a Sunday is kept on the Monday
    ],
)
def test_globex_is_closed_at_christmas_and_new_year(closed: str, reopens: str) -> None:
    assert not is_open(ES, at(closed, CHICAGO))
    assert next_open(ES, at(closed, CHICAGO)) == at(reopens, CHICAGO)


def test_before_juneteenth_was_a_holiday_globex_traded_through_it() -> None:
    assert is_open(ES, at("2019-06-19 14:00", CHICAGO))


# Index and crypto


@pytest.mark.parametrize("day", ["2024-01-17", "2024-03-13", "2024-07-17", "2024-10-30", "1999-06-01"])
def test_an_index_trades_in_new_york_hours(day: str) -> None:
    assert_opens("SPX", at(f"{day} 09:30", NEW_YORK))
    assert_closes("SPX", at(f"{day} 16:00", NEW_YORK))


@pytest.mark.parametrize("day", ["2024-03-29", "2024-06-19", "2024-11-28", "2024-12-25", "2001-09-12"])
def test_an_index_is_closed_when_new_york_is(day: str) -> None:
    assert open_seconds_between(SPX, at(f"{day} 00:00", NEW_YORK), at(f"{day} 23:59", NEW_YORK)) == 0


def test_an_index_closes_early_on_a_half_day() -> None:
    assert_closes("SPX", at("2024-11-29 13:00", NEW_YORK))


@given(moments, moments)
def test_crypto_is_always_open(start: datetime, end: datetime) -> None:
    assert is_open(BTCUSDT, start)
    assert next_open(BTCUSDT, start) == start
    expected = (end - start).total_seconds()
    assert open_seconds_between(BTCUSDT, start, end) == pytest.approx(expected, abs=0.0011)


# Measures common to all


@given(instruments, moments, moments, moments)
def test_open_seconds_add_up(row: Instrument, a: datetime, b: datetime, c: datetime) -> None:
    whole = open_seconds_between(row, a, c)
    assert open_seconds_between(row, a, b) + open_seconds_between(row, b, c) == pytest.approx(whole)
    assert open_seconds_between(row, c, a) == -whole
    low, high = sorted((0.0, (c - a).total_seconds()))
    assert low - 0.001 <= whole <= high + 0.001


@given(st.sampled_from(CALENDARS), moments)
def test_open_seconds_count_the_minutes_that_are_open(calendar: str, moment: datetime) -> None:
    row = ONE_OF_EACH[CALENDARS.index(calendar)]
    start = moment.replace(second=0, microsecond=0)
    open_minutes = sum(is_open(row, start + i * MINUTE) for i in range(120))
    assert open_seconds_between(row, start, start + 120 * MINUTE) == 60 * open_minutes


@given(st.sampled_from(CALENDARS), moments)
def test_next_open_is_the_first_open_moment(calendar: str, moment: datetime) -> None:
    row = ONE_OF_EACH[CALENDARS.index(calendar)]
    opens = next_open(row, moment)
    assert opens >= moment
    assert is_open(row, opens)
    assert open_seconds_between(row, moment, opens) == 0
    assert (opens == moment) == is_open(row, moment)


def test_a_weekend_holds_no_forex_seconds() -> None:
    friday, sunday = at("2024-05-17 16:00", NEW_YORK), at("2024-05-19 18:00", NEW_YORK)
    assert open_seconds_between(EURUSD, friday, sunday) == 7200


@pytest.mark.parametrize("text", ["1989-12-31T23:59:59", "2036-01-01T00:00:00"])
@pytest.mark.parametrize("row", ONE_OF_EACH, ids=lambda row: row.instrument_id)
def test_a_moment_outside_the_calendars_is_refused(row: Instrument, text: str) -> None:
    with pytest.raises(DataUnavailable, match="from 1990 to 2035"):
        is_open(row, utc(text))
    with pytest.raises(DataUnavailable, match="from 1990 to 2035"):
        period_starts(row.calendar, Timeframe.D1, np.array([to_ms(utc(text))], dtype=np.int64))


@pytest.mark.parametrize("row", ONE_OF_EACH, ids=lambda row: row.instrument_id)
def test_the_ends_of_the_calendars_can_be_asked(row: Instrument) -> None:
    first, last = utc("1990-01-01"), utc("2035-12-31 23:59:59.999")
    assert next_open(row, first) < utc("1990-01-03")
    assert next_open(row, last) < utc("2036-01-03")
    assert open_seconds_between(row, first, last) > 0


def test_a_time_without_a_zone_is_refused() -> None:
    naive = datetime(2024, 5, 14)  # noqa: DTZ001
    with pytest.raises(ValueError, match="time with a zone"):
        is_open(EURUSD, naive)
    with pytest.raises(ValueError, match="time with a zone"):
        filtered_hour(EURUSD, naive, DEFAULT_FILTERED_WINDOWS)


def test_an_unknown_calendar_is_refused() -> None:
    unknown = EURUSD.model_copy(update={"calendar": "lunar"})
    with pytest.raises(ToolInputError, match=r"expected a calendar among forex, .*, found 'lunar'"):
        is_open(unknown, utc("2024-05-14"))
    with pytest.raises(ToolInputError, match="found 'lunar'"):
        period_starts("lunar", Timeframe.M5, np.array([0], dtype=np.int64))


# Filtered hours


@pytest.mark.parametrize(
    ("day", "london", "new_york"),
    [
        ("2024-01-17", "15:30", "19:00"),  # both on winter time
        ("2024-03-20", "15:30", "18:00"),  # New York on summer time, London not yet
        ("2024-07-17", "14:30", "18:00"),  # both on summer time
        ("2024-10-30", "15:30", "18:00"),  # London back on winter time, New York not yet
    ],
)
def test_filtered_hours_follow_each_city_by_its_own_clock(day: str, london: str, new_york: str) -> None:
    covered = {
        name: [
            moment.strftime("%H:%M")
            for moment in (utc(day) + i * MINUTE for i in range(1440))
            if filtered_hour(EURUSD, moment, DEFAULT_FILTERED_WINDOWS) == name
        ]
        for name in ("London fix", "New York afternoon")
    }
    assert (covered["London fix"][0], len(covered["London fix"])) == (london, 60)
    assert (covered["New York afternoon"][0], len(covered["New York afternoon"])) == (new_york, 180)


def test_a_filtered_hour_begins_at_its_start_and_is_over_at_its_end() -> None:
    times = ("15:29:59.999", "15:30", "16:29:59.999", "16:30")
    hours = [filtered_hour(EURUSD, at(f"2024-05-14 {t}", LONDON), DEFAULT_FILTERED_WINDOWS) for t in times]
    assert hours == [None, "London fix", "London fix", None]


@pytest.mark.parametrize(("symbol", "expected"), [("XAUUSD", "London fix"), ("ES", None), ("BTCUSDT", None)])
def test_the_default_windows_are_for_forex_and_spot_gold(symbol: str, expected: str | None) -> None:
    moment = at("2024-05-14 16:00", LONDON)
    assert filtered_hour(INSTRUMENTS[symbol], moment, DEFAULT_FILTERED_WINDOWS) == expected


def test_windows_are_read_from_text_and_may_run_past_midnight() -> None:
    window = FilteredWindow.model_validate(
        {"market": "crypto", "zone": "Asia/Tokyo", "start": "23:30", "end": "01:00", "name": "night"}
    )
    tokyo = ZoneInfo("Asia/Tokyo")
    names = [filtered_hour(BTCUSDT, at(f"2024-05-14 {t}", tokyo), [window]) for t in ("23:29", "23:30")]
    names += [filtered_hour(BTCUSDT, at(f"2024-05-15 {t}", tokyo), [window]) for t in ("00:59", "01:00")]
    assert names == [None, "night", "night", None]
    assert filtered_hour(BTCUSDT, utc("2024-05-14 15:00"), ()) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": "Europe/Lundon"},
        {"zone": ""},
        {"zone": "../../etc/passwd"},
        {"start": "16:30"},
        {"start": "15:30Z"},
        {"start": "25:00"},
        {"market": "index"},
        {"days": "Mon"},
    ],
)
def test_an_impossible_window_is_refused(wrong: dict[str, str]) -> None:
    right = {"market": "forex", "zone": "Europe/London", "start": "15:30", "end": "16:30", "name": "fix"}
    FilteredWindow.model_validate(right)
    with pytest.raises(ValidationError):
        FilteredWindow.model_validate(right | wrong)


# Days of the limits


@pytest.mark.parametrize(
    ("market", "moment", "expected"),
    [
        ("forex", "2024-07-17 20:59", "2024-07-16 21:00"),
        ("forex", "2024-07-17 21:00", "2024-07-17 21:00"),
        ("futures", "2024-01-17 21:59", "2024-01-16 22:00"),
        ("index", "2024-01-17 22:00", "2024-01-17 22:00"),
        ("forex", "2024-03-10 20:59", "2024-03-09 22:00"),
        ("crypto", "2024-07-17 23:59", "2024-07-17 00:00"),
        ("crypto", "2024-07-18 00:00", "2024-07-18 00:00"),
    ],
)
def test_the_day_of_the_limits_opens_at_17_new_york_or_midnight_utc(
    market: Market, moment: str, expected: str
) -> None:
    assert day_open(market, utc(moment)) == utc(expected)
