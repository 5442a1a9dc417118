"""A replayed feed tells the past as it was known: never a bar before its close, the same however asked."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.errors import DataUnavailable, FeedFormatError, SettingsError
from contracts.market import BarClosed, Timeframe, from_ms, to_ms
from contracts.ports import Feed
from markets.bars import resample
from markets.instruments import INSTRUMENTS
from markets.price_file import read_prices
from markets.replay_feed import AssumedSpread, ReplayFeed, ReplayFeedSettings
from markets.samples import sample_sources
from tests.markets.moments import utc
from tests.markets.price_scene import HEADER, TWO_SIDED, one_sided, write_lines

NOW = ReplayFeedSettings()
EURUSD_2017 = sample_sources()["eurusd-2017"]
SAMPLE = ReplayFeed([EURUSD_2017], NOW)
HOURLY = read_prices(EURUSD_2017).sides["ask"]
ROWS = tuple(
    f"2017-05-15 {hour:02}:00,{1 + hour / 100},{1.01 + hour / 100},{0.99 + hour / 100},{1.005 + hour / 100}"
    for hour in range(10, 18)
)


def feed_of(tmp_path: Path, told: ReplayFeedSettings = NOW, **changes: object) -> ReplayFeed:
    return ReplayFeed([one_sided(write_lines(tmp_path / "a.csv", HEADER, *ROWS), **changes)], told)


async def told(feed: ReplayFeed, timeframe: Timeframe) -> list[tuple[BarClosed, ...]]:
    return [bars async for bars in feed.events(timeframe)]


def test_it_is_a_feed() -> None:
    feed: Feed = SAMPLE
    assert feed.name == "replay"
    assert feed.instruments() == ("EURUSD",)
    assert SAMPLE.reports[0].n_rows == 6225


# Bars


@pytest.mark.parametrize("timeframe", [Timeframe.H1, Timeframe.H4, Timeframe.D1, Timeframe.W1])
@given(late_s=st.integers(0, 364 * 86_400), count=st.integers(1, 700))
async def test_bars_are_what_resampling_the_prefix_gives(
    timeframe: Timeframe, late_s: int, count: int
) -> None:
    until = utc("2017-01-01 22:00") + timedelta(seconds=late_s)
    prefix = HOURLY[: int((HOURLY.close_time <= to_ms(until)).sum())]
    expected = resample(prefix, "forex", timeframe, until)[-count:]
    bars = await SAMPLE.bars("EURUSD", timeframe, until, count)
    for column in ("open_time", "close_time", "open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(bars, column), getattr(expected, column), err_msg=column)
    assert (bars.close_time <= to_ms(until)).all()


async def test_prices_after_the_moment_change_no_answer(tmp_path: Path) -> None:
    until = utc("2017-05-15 15:00")
    before = feed_of(tmp_path)
    disturbed = [row if row < "2017-05-15 15" else row.split(",")[0] + ",9,9,9,9" for row in ROWS]
    after = ReplayFeed([one_sided(write_lines(tmp_path / "b.csv", HEADER, *disturbed))], NOW)
    for timeframe in (Timeframe.H1, Timeframe.H4, Timeframe.D1):
        one = await before.bars("EURUSD", timeframe, until, 10)
        other = await after.bars("EURUSD", timeframe, until, 10)
        np.testing.assert_array_equal(one.close, other.close)
        np.testing.assert_array_equal(one.high, other.high)
        assert before.last_closed(timeframe, until) == after.last_closed(timeframe, until)
    assert await before.quote("EURUSD", until) == await after.quote("EURUSD", until)
    assert await before.rates(until) == await after.rates(until)
    assert (await before.bars("EURUSD", Timeframe.H1, until + timedelta(hours=1), 1)).close[0] != 9
    assert (await after.bars("EURUSD", Timeframe.H1, until + timedelta(hours=1), 1)).close[0] == 9


async def test_short_history_gives_fewer_bars_and_none_before_the_first_close(tmp_path: Path) -> None:
    feed = feed_of(tmp_path)
    assert len(await feed.bars("EURUSD", Timeframe.H1, utc("2017-05-15 12:00"), 600)) == 2
    assert len(await feed.bars("EURUSD", Timeframe.H1, utc("2017-05-15 10:59"), 600)) == 0
    assert len(await feed.bars("EURUSD", Timeframe.H1, utc("2017-05-15 12:00"), 0)) == 0
    assert await feed.quote("EURUSD", utc("2017-05-15 10:59")) is None
    assert await feed.rates(utc("2017-05-15 10:59")) == ()
    assert feed.last_closed(Timeframe.H1, utc("2017-05-15 10:59")) == ()


@pytest.mark.parametrize(("name", "timeframe"), [("GBPUSD", Timeframe.H1), ("EURUSD", Timeframe.M30)])
async def test_what_it_does_not_serve_is_unavailable(name: str, timeframe: Timeframe) -> None:
    with pytest.raises(DataUnavailable, match=f"expected {timeframe} bars of {name}"):
        await SAMPLE.bars(name, timeframe, utc("2017-06-01 00:00"), 1)
    assert await SAMPLE.quote("GBPUSD", utc("2017-06-01 00:00")) is None


# Both sides


@pytest.mark.parametrize(
    ("side", "bid", "ask"),
    [("ask", 1.10485, 1.105), ("bid", 1.105, 1.10515), ("mid", 1.104925, 1.105075)],
)
async def test_the_missing_side_is_made_with_the_assumed_spread_and_says_so(
    tmp_path: Path, side: str, bid: float, ask: float
) -> None:
    feed = feed_of(tmp_path, side=side)
    at = utc("2017-05-15 11:30")
    quote = await feed.quote("EURUSD", at)
    assert quote is not None
    assert [quote.bid, quote.ask] == pytest.approx([bid, ask])
    assert quote.at == utc("2017-05-15 11:00")
    assert quote.is_spread_assumed
    ((bar,), *_) = await told(feed, Timeframe.H1)
    assert [bar.bid.close, bar.ask.close] == pytest.approx([bid, ask])
    assert bar.is_spread_assumed
    bars = await feed.bars("EURUSD", Timeframe.H1, at, 1)
    assert (bars.side, bars.close[0]) == (side, 1.105)
    (rate,) = await feed.rates(at)
    assert (rate.base_currency, rate.quote_currency) == ("EUR", "USD")
    assert rate.rate == pytest.approx((bid + ask) / 2)
    assert rate.at == quote.at


@pytest.mark.parametrize(
    ("instrument", "spread"),
    [("EURUSD", 0.00015), ("USDJPY", 0.015), ("XAUUSD", 0.30), ("ES", 0.25), ("SPX", 0.5), ("BTCUSD", 0.4)],
)
def test_the_default_spread_of_each_market_is_a_price_distance(instrument: str, spread: float) -> None:
    found = AssumedSpread().of(INSTRUMENTS[instrument], np.array([2000.0, 2000.0]))
    assert found == pytest.approx([spread, spread])


async def test_a_file_with_both_sides_is_read_at_mid_with_its_own_spread(shared_data: Path) -> None:
    path = shared_data / "fx_hourly" / "oanda_eurusd_1h.csv.gz"
    source = one_sided(path, columns=TWO_SIDED, side=None, time_format="%Y%m%d %H:%M")
    feed = ReplayFeed([source], NOW)
    at = utc("2007-01-01 22:00")
    bars = await feed.bars("EURUSD", Timeframe.H1, at, 5)
    assert bars.side == "mid"
    assert bars.close[0] == pytest.approx((1.31935 + 1.32035) / 2)
    quote = await feed.quote("EURUSD", at)
    assert quote is not None
    assert (quote.bid, quote.ask, quote.is_spread_assumed) == (1.31935, 1.32035, False)


# Events


async def test_events_are_the_bars_in_order_of_their_close() -> None:
    events = await told(SAMPLE, Timeframe.H4)
    closes = [bars[0].close_time for bars in events]
    assert closes == sorted(set(closes))
    whole = await SAMPLE.bars("EURUSD", Timeframe.H4, closes[-1], 10_000)
    assert [to_ms(at) for at in closes] == whole.close_time.tolist()
    assert [bars[0].ask.high for bars in events] == whole.high.tolist()


async def test_two_instruments_closing_together_are_one_event_in_source_order(tmp_path: Path) -> None:
    late = write_lines(tmp_path / "b.csv", HEADER, *ROWS[2:4])
    sources = [
        one_sided(late, instrument="USDJPY"),
        one_sided(write_lines(tmp_path / "a.csv", HEADER, *ROWS)),
    ]
    feed = ReplayFeed(sources, NOW)
    assert feed.instruments() == ("USDJPY", "EURUSD")
    events = [[bar.instrument_id for bar in bars] for bars in await told(feed, Timeframe.H1)]
    assert events == [["EURUSD"]] * 2 + [["USDJPY", "EURUSD"]] * 2 + [["EURUSD"]] * 4
    rates = await feed.rates(utc("2017-05-15 18:00"))
    assert [(rate.base_currency, rate.at.hour) for rate in rates] == [("USD", 14), ("EUR", 18)]
    earlier = await feed.rates(utc("2017-05-15 13:00"))
    assert [(rate.base_currency, rate.at.hour) for rate in earlier] == [("USD", 13), ("EUR", 13)]
    assert earlier[1].rate != rates[1].rate


async def test_start_and_end_bound_the_events_by_close_time_and_not_the_history(tmp_path: Path) -> None:
    bounds = ReplayFeedSettings(start=utc("2017-05-15 13:00"), end=utc("2017-05-15 15:00"))
    feed = feed_of(tmp_path, bounds)
    closes = [bars[0].close_time.hour for bars in await told(feed, Timeframe.H1)]
    assert closes == [13, 14, 15]
    assert len(await feed.bars("EURUSD", Timeframe.H1, utc("2017-05-15 13:00"), 600)) == 3


async def test_longer_files_are_left_out_of_shorter_events_but_not_of_longer_ones() -> None:
    sources = sample_sources()
    bounds = ReplayFeedSettings(start=utc("2017-06-05 00:00"), end=utc("2017-06-07 00:00"))
    feed = ReplayFeed([sources["spx-daily"], EURUSD_2017], bounds)
    assert {bar.instrument_id for bars in await told(feed, Timeframe.H1) for bar in bars} == {"EURUSD"}
    daily = [[(b.instrument_id, b.close_time.hour) for b in bars] for bars in await told(feed, Timeframe.D1)]
    assert daily == [[("SPX", 20)], [("EURUSD", 21)]] * 2


async def test_events_that_no_file_can_tell_are_refused() -> None:
    feed = ReplayFeed([sample_sources()["spx-daily"]], NOW)
    with pytest.raises(SettingsError, match="found SPX 1d"):
        await told(feed, Timeframe.H1)


async def test_the_last_closed_bars_are_those_told_last() -> None:
    events = await told(SAMPLE, Timeframe.H4)
    at = events[100][0].close_time
    assert SAMPLE.last_closed(Timeframe.H4, at) == events[100]
    assert SAMPLE.last_closed(Timeframe.H4, at - timedelta(seconds=1)) == events[99]


# Refusals


def test_no_source_and_a_second_source_of_one_instrument_are_refused() -> None:
    with pytest.raises(SettingsError, match="at least one price file"):
        ReplayFeed([], NOW)
    with pytest.raises(SettingsError, match="one price file of EURUSD"):
        ReplayFeed([EURUSD_2017, EURUSD_2017], NOW)


def test_a_bad_file_refuses_the_whole_feed(tmp_path: Path) -> None:
    with pytest.raises(FeedFormatError, match="row 2, column open"):
        ReplayFeed(
            [EURUSD_2017, one_sided(write_lines(tmp_path / "a.csv", HEADER, "2017-05-15 10:00,x,1,1,1"))],
            NOW,
        )


@pytest.mark.parametrize(
    "settings_given",
    [
        {"start": utc("2017-05-16 00:00"), "end": utc("2017-05-15 00:00")},
        {"start": datetime(2017, 5, 15)},  # noqa: DTZ001
        {"assumed_spread": {"forex_pips": -1}},
        {"assumed_spread": {"forex_pipettes": 1}},
    ],
)
def test_impossible_settings_are_refused(settings_given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ReplayFeedSettings.model_validate(settings_given)


def test_the_sample_begins_with_the_year() -> None:
    assert from_ms(int(HOURLY.close_time[0])) == utc("2017-01-01 23:00")
