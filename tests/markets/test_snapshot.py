"""A snapshot holds what was known at `as_of`, or says in a reason why it is not fit to decide on."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from contracts.canonical import sha256_hex
from contracts.errors import DataUnavailable
from contracts.market import BarClosed, Bars, Instrument, Quote, Timeframe, to_ms
from contracts.ports import Feed
from contracts.records import MarketSnapshot, Rate
from markets.bars import ChunkReader, ChunkWriter, closed_by, no_bars, resample
from markets.instruments import INSTRUMENTS
from markets.snapshot import SnapshotSettings, build_snapshot, check_bars, recheck_snapshot
from tests.markets.bar_scene import DictBlobs, hourly, make_bars
from tests.markets.moments import EURUSD, HOUR, SPX, XAUUSD, utc

START = utc("2017-03-01 00:00")
BARS = hourly(START, 900)
AS_OF = BARS[:850].last_close_time
SETTINGS = SnapshotSettings()


class BarsFeed:
    """Serves these bars and a quote; `tells_all` forgets what time it is, as a broken feed would."""

    name = "bars"

    def __init__(self, bars: Bars, *, tells_all: bool = False) -> None:
        self.series: dict[Timeframe, Bars] = {}
        self.quoted: Callable[[datetime], Quote | None] = lambda at: Quote(bid=1.1, ask=1.1002, at=at)
        self.told_rates: tuple[Rate, ...] = ()
        self.base = bars
        self._tells_all = tells_all

    def instruments(self) -> tuple[str, ...]:
        return ("EURUSD",)

    async def events(self, timeframe: Timeframe) -> AsyncIterator[tuple[BarClosed, ...]]:
        for _ in ():
            yield ()

    async def bars(self, instrument_id: str, timeframe: Timeframe, until: datetime, count: int) -> Bars:
        if instrument_id != "EURUSD":
            raise DataUnavailable(f"expected EURUSD, found {instrument_id}")
        told = self.series.get(timeframe)
        if told is None:
            told = self.base if timeframe is Timeframe.H1 else resample(self.base, "forex", timeframe)
        return (told if self._tells_all else closed_by(told, until))[-count:]

    async def quote(self, instrument_id: str, at: datetime) -> Quote | None:
        return self.quoted(at)

    async def rates(self, at: datetime) -> tuple[Rate, ...]:
        return self.told_rates


async def snap(
    feed: Feed,
    as_of: datetime = AS_OF,
    instrument: Instrument = EURUSD,
    timeframe: Timeframe = Timeframe.H1,
    settings: SnapshotSettings = SETTINGS,
    blobs: DictBlobs | None = None,
    held: tuple[str, ...] = (),
) -> MarketSnapshot:
    """A snapshot, after making sure that replay comes to the same one."""
    blobs = blobs or DictBlobs()
    snapshot = await build_snapshot(
        cycle_id=sha256_hex(b"cycle"),
        state_id=sha256_hex(b"state"),
        as_of=as_of,
        instrument=instrument,
        timeframe=timeframe,
        feed=feed,
        writer=ChunkWriter(blobs),
        settings=settings,
        held=held,
    )
    assert recheck_snapshot(snapshot, ChunkReader(blobs), settings).record_id == snapshot.record_id
    return snapshot


def codes(snapshot: MarketSnapshot) -> list[str]:
    assert snapshot.ends_cycle == bool(snapshot.reasons)
    assert all("expected" in reason.text and "found" in reason.text for reason in snapshot.reasons)
    return [reason.code for reason in snapshot.reasons]


def spoilt(change: Callable[[dict[str, np.ndarray]], None]) -> BarsFeed:
    """A feed whose hourly bars up to AS_OF had `change` done to copies of their columns."""
    bars = closed_by(BARS, AS_OF)
    names = ("open_time", "close_time", "open", "high", "low", "close", "volume")
    columns = {name: getattr(bars, name).copy() for name in names}
    change(columns)
    feed = BarsFeed(BARS, tells_all=True)
    feed.series = {
        Timeframe.H1: replace(bars, **columns),
        Timeframe.H4: resample(bars, "forex", Timeframe.H4, AS_OF),
    }
    return feed


async def test_clean_bars_give_a_fit_snapshot_with_both_timeframes() -> None:
    blobs = DictBlobs()
    feed = BarsFeed(BARS)
    feed.told_rates = (Rate(base_currency="EUR", quote_currency="USD", rate=1.1, at=AS_OF),)
    snapshot = await snap(feed, blobs=blobs)
    assert codes(snapshot) == []
    assert snapshot.parents == (sha256_hex(b"state"),)
    assert (snapshot.instrument, snapshot.universe) == (EURUSD, ("EURUSD",))
    assert [s.timeframe for s in snapshot.series] == [Timeframe.H1, Timeframe.H4]
    assert (snapshot.series[0].n_bars, snapshot.series[0].last_close) == (600, AS_OF)
    assert (snapshot.quote, snapshot.rates) == (feed.quoted(AS_OF), feed.told_rates)
    loaded = ChunkReader(blobs).bars_of(snapshot)
    np.testing.assert_array_equal(loaded[Timeframe.H1].close, BARS.close[250:850])
    assert loaded[Timeframe.H4].close_time[-1] <= to_ms(AS_OF)


async def test_a_weekly_decision_needs_one_series_only() -> None:
    snapshot = await snap(BarsFeed(BARS), timeframe=Timeframe.W1)
    assert [s.timeframe for s in snapshot.series] == [Timeframe.W1]


async def test_bars_after_as_of_change_nothing() -> None:
    is_future = BARS.close_time > to_ms(AS_OF)
    factor = np.where(is_future, 2.0, 1.0)
    other = replace(BARS, open=BARS.open * factor, high=BARS.high * factor, close=BARS.close * factor)
    assert await snap(BarsFeed(other)) == await snap(BarsFeed(BARS))


async def test_the_same_moment_seen_by_a_fresh_process_is_the_same_record() -> None:
    blobs = DictBlobs()
    for hours in range(5):
        seen = await snap(BarsFeed(BARS), AS_OF - (4 - hours) * HOUR, blobs=blobs)
    assert seen.record_id == (await snap(BarsFeed(BARS))).record_id


async def test_an_hour_later_only_the_open_tails_are_stored_anew() -> None:
    blobs = DictBlobs()
    settings = SnapshotSettings(bars=200)
    await snap(BarsFeed(BARS), settings=settings, blobs=blobs)
    for hours in range(1, 9):
        n_before = len(blobs.stored)
        await snap(BarsFeed(BARS), BARS[: 850 + hours].last_close_time, settings=settings, blobs=blobs)
        assert len(blobs.stored) - n_before <= 2


# Refusals


async def test_no_bars_are_refused() -> None:
    snapshot = await snap(BarsFeed(no_bars()))
    assert codes(snapshot) == ["no_bars"]
    assert (snapshot.series[0].n_bars, snapshot.series[0].first_close) == (0, None)


async def test_a_feed_that_does_not_serve_the_instrument_makes_a_refused_snapshot() -> None:
    snapshot = await snap(BarsFeed(BARS), instrument=INSTRUMENTS["GBPUSD"])
    assert codes(snapshot) == ["unavailable", "unavailable", "no_bars"]
    assert snapshot.reasons[0].text == "expected EURUSD, found GBPUSD"


@pytest.mark.parametrize(("n", "expected"), [(59, ["too_few"]), (60, [])])
async def test_fewer_bars_than_the_minimum_are_refused(n: int, expected: list[str]) -> None:
    bars = BARS[:n]
    assert codes(await snap(BarsFeed(bars), bars.last_close_time)) == expected


@pytest.mark.parametrize(("hours", "expected"), [(2, []), (2.01, ["stale"])])
async def test_bars_older_than_two_timeframes_are_stale(hours: float, expected: list[str]) -> None:
    bars = BARS[:850]
    assert codes(await snap(BarsFeed(bars), AS_OF + hours * HOUR)) == expected


async def test_a_weekend_makes_nothing_stale() -> None:
    friday = utc("2017-03-31 21:00")
    bars = closed_by(BARS, friday)
    assert bars.last_close_time == friday
    assert codes(await snap(BarsFeed(bars), utc("2017-04-02 22:30"))) == []
    assert codes(await snap(BarsFeed(bars), utc("2017-04-02 23:30"))) == ["stale"]


async def test_a_stale_higher_timeframe_is_refused() -> None:
    feed = BarsFeed(BARS)
    feed.series = {Timeframe.H4: resample(BARS, "forex", Timeframe.H4, AS_OF - 13 * HOUR)}
    snapshot = await snap(feed)
    assert codes(snapshot) == ["stale"]
    assert "4h bars" in snapshot.reasons[0].text


@pytest.mark.parametrize(("n_missing", "expected"), [(5, []), (6, ["gapped"])])
async def test_more_than_a_twentieth_of_the_newest_bars_missing_is_refused(
    n_missing: int, expected: list[str]
) -> None:
    def drop(columns: dict[str, np.ndarray]) -> None:
        for name, values in columns.items():
            columns[name] = np.delete(values, np.arange(800, 800 + n_missing))

    snapshot = await snap(spoilt(drop))
    assert codes(snapshot) == expected
    assert all(f"found {n_missing} of 106 missing" in reason.text for reason in snapshot.reasons)


async def test_bars_missing_before_the_gap_window_are_passed_over() -> None:
    def drop(columns: dict[str, np.ndarray]) -> None:
        for name, values in columns.items():
            columns[name] = np.delete(values, np.arange(500, 740))

    assert codes(await snap(spoilt(drop))) == []


@pytest.mark.parametrize("price", ["open", "high", "low", "close"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
async def test_a_price_that_is_not_finite_is_refused(price: str, value: float) -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        columns[price][700] = value

    assert codes(await snap(spoilt(spoil))) == ["non_finite"]


async def test_an_unknown_volume_is_fit() -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        columns["volume"][:] = np.nan

    assert codes(await snap(spoilt(spoil))) == []


@pytest.mark.parametrize("value", [0.0, -1.0])
async def test_a_price_that_is_not_positive_is_refused(value: float) -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        columns["low"][700] = value

    assert codes(await snap(spoilt(spoil))) == ["not_positive"]


@pytest.mark.parametrize(("price", "value"), [("high", 0.5), ("low", 2.0), ("close", 2.0), ("open", 0.5)])
async def test_prices_that_contradict_each_other_are_refused(price: str, value: float) -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        columns[price][700] = value

    assert codes(await snap(spoilt(spoil))) == ["bad_ohlc"]


@pytest.mark.parametrize("column", ["open_time", "close_time"])
async def test_times_that_repeat_are_refused(column: str) -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        columns[column][700] = columns[column][699]

    assert codes(await snap(spoilt(spoil))) == ["out_of_order"]


async def test_times_that_go_back_are_refused() -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        for values in columns.values():
            values[700:702] = values[700:702][::-1]

    assert codes(await snap(spoilt(spoil))) == ["out_of_order"]


async def test_a_bar_that_closes_before_it_opens_is_refused() -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        columns["open_time"] += 3_600_000

    assert codes(await snap(spoilt(spoil))) == ["out_of_order"]


async def test_a_bar_closing_after_as_of_is_refused() -> None:
    assert codes(await snap(BarsFeed(BARS, tells_all=True))) == ["ahead_of_as_of", "ahead_of_as_of"]


async def test_a_crossed_quote_is_refused() -> None:
    feed = BarsFeed(BARS)
    feed.quoted = lambda _: Quote(bid=1.1, ask=1.0999, at=AS_OF)
    assert codes(await snap(feed)) == ["crossed"]


async def test_a_quote_with_a_bid_of_nothing_is_refused() -> None:
    feed = BarsFeed(BARS)
    feed.quoted = lambda _: Quote(bid=0.0, ask=1.1, at=AS_OF)
    assert codes(await snap(feed)) == ["not_positive"]


async def test_a_quote_or_a_rate_from_after_as_of_is_refused() -> None:
    feed = BarsFeed(BARS)
    late = AS_OF + timedelta(milliseconds=1)
    feed.quoted = lambda _: Quote(bid=1.1, ask=1.1001, at=late)
    feed.told_rates = (Rate(base_currency="EUR", quote_currency="USD", rate=1.1, at=late),)
    assert codes(await snap(feed)) == ["ahead_of_as_of", "ahead_of_as_of"]


async def test_no_quote_is_no_reason() -> None:
    feed = BarsFeed(BARS)
    feed.quoted = lambda _: None
    assert codes(await snap(feed)) == []


async def test_all_reasons_are_told_at_once() -> None:
    bars = BARS[:30]
    feed = BarsFeed(bars)
    feed.quoted = lambda _: Quote(bid=1.2, ask=1.1, at=START)
    assert codes(await snap(feed, bars.last_close_time + 9 * HOUR)) == [
        "too_few",
        "stale",
        "stale",
        "crossed",
    ]


# Rechecking


async def test_a_recheck_under_other_settings_differs_in_what_they_say() -> None:
    blobs = DictBlobs()
    snapshot = await snap(BarsFeed(BARS), blobs=blobs)
    assert snapshot.record_id
    stricter = recheck_snapshot(snapshot, ChunkReader(blobs), SnapshotSettings(min_bars=601))
    assert [reason.code for reason in stricter.reasons] == ["too_few"]
    assert stricter.record_id != snapshot.record_id


async def test_a_recheck_finds_what_a_record_left_out() -> None:
    blobs = DictBlobs()
    snapshot = await snap(BarsFeed(BARS[:30]), BARS[:30].last_close_time, blobs=blobs)
    forged = MarketSnapshot.model_validate(snapshot.model_dump() | {"reasons": ()})
    assert recheck_snapshot(forged, ChunkReader(blobs), SETTINGS) == snapshot


# In session, filtered hour


@pytest.mark.parametrize(
    ("as_of", "timeframe", "expected"),
    [
        ("2017-03-29 12:00", Timeframe.H1, True),
        ("2017-03-31 21:00", Timeframe.H1, False),
        ("2017-04-02 21:00", Timeframe.H1, True),
        ("2017-03-31 21:00", Timeframe.D1, True),
        ("2017-03-31 21:00", Timeframe.W1, True),
    ],
)
async def test_in_session_means_an_order_can_trade_within_one_timeframe(
    as_of: str, timeframe: Timeframe, expected: bool
) -> None:
    assert (await snap(BarsFeed(BARS), utc(as_of), timeframe=timeframe)).in_session is expected


async def test_a_market_that_opens_a_whole_timeframe_later_is_not_in_session() -> None:
    # Gold pauses from 17:00 to 18:00 New York.
    at = utc("2017-03-29 21:00")
    assert not (await snap(BarsFeed(BARS), at, XAUUSD)).in_session
    assert (await snap(BarsFeed(BARS), at, XAUUSD, Timeframe.H4)).in_session


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2017-03-29 14:00", None),
        ("2017-03-29 15:00", "London fix"),
        ("2017-03-29 18:00", "New York afternoon"),
    ],
)
async def test_the_filtered_hour_is_named(as_of: str, expected: str | None) -> None:
    assert (await snap(BarsFeed(BARS), utc(as_of))).filtered_hour == expected


# Other calendars


def daily_index(*, without: tuple[str, ...] = ()) -> Bars:
    days = [utc("2017-10-02 00:00") + timedelta(days=i) for i in range(90)]
    closed = {"2017-11-23", "2017-12-25", *without}
    dates = [d for d in days if d.weekday() < 5 and d.strftime("%Y-%m-%d") not in closed]
    bars = make_bars([to_ms(d) for d in dates], Timeframe.D1)
    is_summer = bars.open_time < to_ms(utc("2017-11-05 00:00"))
    return replace(bars, close_time=bars.open_time + np.where(is_summer, 20, 21) * 3_600_000)


def daily_reasons(bars: Bars, as_of: str, **settings: float) -> list[str]:
    strict = SnapshotSettings.model_validate({"max_missing_share": 0, "min_bars": 2, **settings})
    return [r.code for r in check_bars(SPX, Timeframe.D1, bars, utc(as_of), strict)]


def test_weekends_holidays_and_half_days_are_no_gaps_in_daily_index_bars() -> None:
    assert daily_reasons(daily_index(), "2017-12-29 21:00") == []


@pytest.mark.parametrize("day", ["2017-10-18", "2017-11-24", "2017-12-26"])
def test_one_lost_session_is_a_gap_in_daily_index_bars(day: str) -> None:
    assert daily_reasons(daily_index(without=(day,)), "2017-12-29 21:00") == ["gapped"]


@pytest.mark.parametrize(("as_of", "expected"), [("2018-01-03 21:00", []), ("2018-01-04 15:00", ["stale"])])
def test_daily_index_bars_are_stale_after_two_sessions(as_of: str, expected: list[str]) -> None:
    assert daily_reasons(daily_index(), as_of) == expected


def test_the_daily_pause_of_gold_is_no_gap() -> None:
    opens = [utc("2017-05-16 00:00") + i * HOUR for i in range(60)]
    pause = {21}
    bars = make_bars([to_ms(at) for at in opens if at.hour not in pause])
    settings = SnapshotSettings(max_missing_share=0, min_bars=2)
    assert check_bars(XAUUSD, Timeframe.H1, bars, bars.last_close_time, settings) == ()
    hole = make_bars([to_ms(at) for at in opens if at.hour not in {21, 22}])
    found = check_bars(XAUUSD, Timeframe.H1, hole, hole.last_close_time, settings)
    assert [reason.code for reason in found] == ["gapped"]


class TwoPairs(BarsFeed):
    """The same bars under another name too."""

    async def bars(self, instrument_id: str, timeframe: Timeframe, until: datetime, count: int) -> Bars:
        asked = "EURUSD" if instrument_id == "GBPUSD" else instrument_id
        return await super().bars(asked, timeframe, until, count)


async def test_what_is_held_is_stored_beside_what_is_decided_on_and_its_faults_refuse_nothing() -> None:
    blobs = DictBlobs()
    snapshot = await snap(TwoPairs(BARS), blobs=blobs, held=("GBPUSD", "EURUSD", "XAUUSD"))
    assert [(series.instrument_id, series.timeframe) for series in snapshot.held] == [
        ("GBPUSD", Timeframe.H1)
    ]
    assert {series.instrument_id for series in snapshot.series} == {"EURUSD"}
    assert snapshot.reasons == ()
    (name, bars), *others = ChunkReader(blobs).held_of(snapshot).items()
    assert (name, others) == ("GBPUSD", [])
    assert (len(bars), bars.last_close_time) == (SETTINGS.bars, AS_OF)
