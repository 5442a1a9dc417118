"""Moments, zones and one instrument a calendar, for the tests of sessions and periods."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from markets.instruments import INSTRUMENTS

EURUSD, XAUUSD, ES = INSTRUMENTS["EURUSD"], INSTRUMENTS["XAUUSD"], INSTRUMENTS["ES"]
BTCUSDT, SPX = INSTRUMENTS["BTCUSDT"], INSTRUMENTS["SPX"]
ONE_OF_EACH = [EURUSD, XAUUSD, ES, INSTRUMENTS["CL"], INSTRUMENTS["GC"], BTCUSDT, SPX]
CALENDARS = [row.calendar for row in ONE_OF_EACH]
NEW_YORK, CHICAGO, LONDON = (
    ZoneInfo(name) for name in ("America/New_York", "America/Chicago", "Europe/London")
)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

moments = st.datetimes(datetime(1990, 1, 1), datetime(2035, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
instruments = st.sampled_from(ONE_OF_EACH)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def at(text: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)
