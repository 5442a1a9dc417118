"""Where the bars of higher timeframes begin and end."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.market import Int1D, Timeframe, from_ms, to_ms
from markets.sessions import (
    is_open,
    period_end,
    period_ends,
    period_starts,
)
from tests.markets.moments import (
    CALENDARS,
    EURUSD,
    HOUR,
    NEW_YORK,
    ONE_OF_EACH,
    at,
    moments,
    utc,
)

higher_timeframes = st.sampled_from([Timeframe.H4, Timeframe.D1, Timeframe.W1])


def ms(*texts: str) -> Int1D:
    return np.array([to_ms(utc(text)) for text in texts], dtype=np.int64)


def iso(times: Int1D) -> list[str]:
    return [from_ms(int(moment)).strftime("%Y-%m-%d %H:%M") for moment in times]


@pytest.mark.parametrize(
    ("calendar", "bars", "starts"),
    [
        ("forex", ("2024-01-17 21:59", "2024-01-17 22:00"), ("2024-01-17 18:00", "2024-01-17 22:00")),
        ("forex", ("2024-07-17 20:59", "2024-07-17 21:00"), ("2024-07-17 17:00", "2024-07-17 21:00")),
        ("metal", ("2024-01-17 23:30", "2024-07-17 22:30"), ("2024-01-17 22:00", "2024-07-17 21:00")),
        ("cme_equity", ("2024-01-17 22:59", "2024-01-17 23:00"), ("2024-01-17 19:00", "2024-01-17 23:00")),
        ("cme_metal", ("2024-07-17 20:30", "2024-07-17 22:00"), ("2024-07-17 18:00", "2024-07-17 22:00")),
        ("crypto", ("2024-07-17 03:59", "2024-07-17 04:00"), ("2024-07-17 00:00", "2024-07-17 04:00")),
    ],
)
def test_four_hour_bars_are_anchored_where_the_day_begins(
    calendar: str, bars: tuple[str, ...], starts: tuple[str, ...]
) -> None:
    assert iso(period_starts(calendar, Timeframe.H4, ms(*bars))) == list(starts)


@pytest.mark.parametrize(
    ("calendar", "timeframe", "bar", "start", "end"),
    [
        ("forex", "1d", "2024-03-07 21:59", "2024-03-06 22:00", "2024-03-07 22:00"),
        ("forex", "1d", "2024-03-10 22:00", "2024-03-10 21:00", "2024-03-11 21:00"),
        ("forex", "1w", "2024-03-08 21:00", "2024-03-03 22:00", "2024-03-10 21:00"),
        ("forex", "1w", "2024-11-08 21:00", "2024-11-03 22:00", "2024-11-10 22:00"),
        ("cme_energy", "1d", "2024-07-17 20:00", "2024-07-16 22:00", "2024-07-17 22:00"),
        ("cme_energy", "1w", "2024-07-17 20:00", "2024-07-14 22:00", "2024-07-21 22:00"),
        ("crypto", "1d", "2024-07-17 23:59", "2024-07-17 00:00", "2024-07-18 00:00"),
        ("crypto", "1w", "2024-07-14 23:59", "2024-07-08 00:00", "2024-07-15 00:00"),
        ("us_index", "1d", "2024-07-17 00:00", "2024-07-17 00:00", "2024-07-17 20:00"),
        ("us_index", "1d", "2024-01-17 20:59", "2024-01-17 00:00", "2024-01-17 21:00"),
        ("us_index", "1w", "2024-01-18 00:00", "2024-01-15 00:00", "2024-01-19 21:00"),
        ("forex", "15m", "2024-07-17 10:44", "2024-07-17 10:30", "2024-07-17 10:45"),
        ("cme_equity", "1h", "2024-07-17 10:44", "2024-07-17 10:00", "2024-07-17 11:00"),
    ],
)
def test_a_bar_falls_into_the_day_and_week_of_its_market(
    calendar: str, timeframe: str, bar: str, start: str, end: str
) -> None:
    times = ms(bar)
    assert iso(period_starts(calendar, Timeframe(timeframe), times)) == [start]
    assert iso(period_ends(calendar, Timeframe(timeframe), times)) == [end]
    assert period_end(calendar, Timeframe(timeframe), to_ms(utc(start))) == to_ms(utc(end))


@pytest.mark.parametrize(("sunday", "hours"), [("2024-03-10", 3), ("2024-11-03", 5)])
def test_a_clock_change_is_taken_up_by_the_last_four_hours_of_a_closed_sunday(
    sunday: str, hours: int
) -> None:
    saturday_close = at(f"{sunday} 17:00", NEW_YORK).astimezone(UTC) - timedelta(hours=20 + hours)
    times = np.array([to_ms(saturday_close + i * HOUR) for i in range(20 + hours)], dtype=np.int64)
    lengths = list(Counter(period_starts("forex", Timeframe.H4, times).tolist()).values())
    assert lengths == [4, 4, 4, 4, 4, hours]
    assert not any(is_open(EURUSD, from_ms(int(moment))) for moment in times)


def test_no_bars_have_no_periods() -> None:
    empty = np.array([], dtype=np.int64)
    assert len(period_starts("forex", Timeframe.D1, empty)) == 0
    assert len(period_ends("us_index", Timeframe.W1, empty)) == 0


@given(st.sampled_from(CALENDARS), st.sampled_from(list(Timeframe)), st.lists(moments, max_size=30))
def test_periods_are_monotone_stable_and_hold_their_bars(
    calendar: str, timeframe: Timeframe, bars: list[datetime]
) -> None:
    row = ONE_OF_EACH[CALENDARS.index(calendar)]
    in_session = sorted(to_ms(bar) for bar in bars if is_open(row, bar))
    times = np.array(in_session, dtype=np.int64)
    starts, ends = period_starts(calendar, timeframe, times), period_ends(calendar, timeframe, times)
    assert np.all(starts <= times)
    assert np.all(times < ends)
    assert np.all(np.diff(starts) >= 0)
    later = starts[starts >= to_ms(utc("1990-01-01"))]
    assert np.array_equal(period_starts(calendar, timeframe, later), later)
    assert [period_end(calendar, timeframe, int(start)) for start in later] == list(
        ends[len(ends) - len(later) :]
    )


@given(st.sampled_from([c for c in CALENDARS if c != "us_index"]), higher_timeframes, moments)
def test_a_period_ends_where_the_next_one_starts(
    calendar: str, timeframe: Timeframe, moment: datetime
) -> None:
    end = period_end(calendar, timeframe, to_ms(min(moment, utc("2035-12-20"))))
    assert period_starts(calendar, timeframe, np.array([end - 1, end], dtype=np.int64)).tolist()[1] == end


@given(st.sampled_from(CALENDARS), moments)
def test_four_hours_lie_in_a_day_and_a_day_in_a_week(calendar: str, moment: datetime) -> None:
    four_hours = period_starts(calendar, Timeframe.H4, np.array([to_ms(moment)], dtype=np.int64))
    four_hours = np.maximum(four_hours, to_ms(utc("1990-01-01")))
    for shorter, longer in ((Timeframe.H4, Timeframe.D1), (Timeframe.D1, Timeframe.W1)):
        assert period_starts(calendar, longer, four_hours) <= period_starts(calendar, shorter, four_hours)
        assert period_ends(calendar, shorter, four_hours) <= period_ends(calendar, longer, four_hours) or (
            calendar == "us_index"  # its days end with the session, its four hours by the clock
        )
