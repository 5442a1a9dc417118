"""The calendars against hours at which real venues traded."""

import gzip
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from markets.instruments import INSTRUMENTS, resolve
from markets.sessions import is_open, next_open
from tests.markets.moments import CHICAGO, ES, EURUSD, HOUR, LONDON, MINUTE, NEW_YORK, XAUUSD


def oanda_opens(shared_data: Path, pair: str) -> list[datetime]:
    with gzip.open(shared_data / "fx_hourly" / f"oanda_{pair}_1h.csv.gz", "rt", encoding="utf-8") as lines:
        next(lines)
        return [datetime.strptime(line[:14], "%Y%m%d %H:%M").replace(tzinfo=UTC) for line in lines]


@pytest.mark.parametrize(("pair", "n_bars", "n_outside"), [("eurusd", 62116, 44), ("nzdusd", 62128, 40)])
def test_oanda_bars_begin_in_session_but_for_holidays_until_2009(
    shared_data: Path, pair: str, n_bars: int, n_outside: int
) -> None:
    opens = oanda_opens(shared_data, pair)
    outside = [moment for moment in opens if not is_open(resolve(pair), moment)]
    assert (len(opens), len(outside)) == (n_bars, n_outside)
    days = {(moment.month, moment.day) for moment in outside}
    assert days == {(12, 24), (12, 25), (1, 1)}
    assert max(outside).year == 2009


def test_oanda_weeks_open_at_21_or_22_utc_when_the_calendar_says(shared_data: Path) -> None:
    opens = oanda_opens(shared_data, "eurusd")
    weeks = [(a, b) for a, b in pairwise(opens) if b - a > timedelta(hours=40)]
    late = {b.strftime("%Y-%m-%d") for a, b in weeks if next_open(EURUSD, a + HOUR) != b}
    assert len(weeks) == 522
    # Four Christmas and New Year weeks, and a week of 2016 that the file lacks.
    assert late == {"2012-12-26", "2015-12-27", "2016-01-03", "2016-12-16", "2016-12-26"}
    assert {b.hour for _, b in weeks if b.weekday() == 6} == {21, 22}


def test_gold_bars_from_2015_on_begin_in_session_but_for_short_days(shared_data: Path) -> None:
    with gzip.open(shared_data / "fx_hourly" / "mt5_xauusd_1h.csv.gz", "rt", encoding="utf-8") as lines:
        next(lines)
        stamps = [datetime.fromisoformat(line.split(",")[0]) for line in lines]
    opens = [eastern_europe(stamp) for stamp in stamps if stamp.year >= 2015]
    outside = Counter(moment.date() for moment in opens if not is_open(XAUUSD, moment))
    assert outside.pop(date(2018, 12, 5)) == 22  # gold traded on a day of mourning
    assert outside.pop(date(2018, 12, 4)) == 1
    assert sum(outside.values()) < 0.001 * len(opens)


def eastern_europe(stamp: datetime) -> datetime:
    moment = stamp.replace(tzinfo=UTC) - 2 * HOUR
    return moment - (moment.astimezone(LONDON).utcoffset() or timedelta())


@pytest.mark.parametrize("symbol", ["ES", "GC"])
@pytest.mark.parametrize("day", ["20131007", "20131008", "20131009"])
def test_future_trades_of_2013_are_in_session_but_for_the_late_close_of_that_year(
    shared_data: Path, symbol: str, day: str
) -> None:
    trades = list(future_trades(shared_data, symbol, day))
    outside = {m.astimezone(CHICAGO).time() for m in trades if not is_open(INSTRUMENTS[symbol], m)}
    assert len(trades) > 1000
    assert outside
    assert min(outside) >= time(16)
    assert max(outside) < time(16, 15)


def future_trades(shared_data: Path, symbol: str, day: str) -> Iterator[datetime]:
    midnight = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
    with zipfile.ZipFile(shared_data / "futures" / symbol.lower() / f"{day}_trade.zip") as archive:
        for name in archive.namelist():
            for line in archive.read(name).decode().splitlines():
                yield midnight + timedelta(milliseconds=int(line.split(",")[0]))


def test_noon_closes_of_the_equity_futures_agree_with_published_ones(shared_data: Path) -> None:
    path = shared_data / "market_hours" / "market-hours-database.json.gz"
    closes = json.loads(gzip.decompress(path.read_bytes()))["entries"]["Future-cme-ES"]["earlyCloses"]
    noons = [datetime.strptime(day, "%m/%d/%Y") for day, close in closes.items() if close == "13:00:00"]  # noqa: DTZ007
    assert len(noons) > 50
    for day in noons:
        noon = day.replace(hour=13, tzinfo=NEW_YORK)
        assert is_open(ES, noon - MINUTE)
        assert not is_open(ES, noon)
