"""Resampling tells nothing of an open period; chunks keep bars exactly and are shared between snapshots."""

from datetime import datetime, timedelta
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import JournalCorrupt, ToolInputError
from contracts.market import Bars, PriceSide, Timeframe, from_ms, to_ms
from contracts.records import BarSeries, ChunkRef
from markets.bars import (
    CHUNK_PERIODS,
    ChunkReader,
    ChunkWriter,
    closed_by,
    decode_bars,
    encode_bars,
    no_bars,
    resample,
)
from tests.markets.bar_scene import DictBlobs, hourly, make_bars
from tests.markets.moments import utc

MONDAY = utc("2017-05-15 00:00")
HOUR = timedelta(hours=1)
COLUMNS = ("open_time", "close_time", "open", "high", "low", "close", "volume")


def assert_equal(one: Bars, other: Bars) -> None:
    assert one.side == other.side
    for column in COLUMNS:
        np.testing.assert_array_equal(getattr(one, column), getattr(other, column), err_msg=column)


def bars_of(rows: list[tuple[str, float, float, float, float, float]]) -> Bars:
    opens = np.array([to_ms(utc(row[0])) for row in rows], dtype=np.int64)
    open_, high, low, close, volume = np.array([row[1:] for row in rows], dtype=np.float64).T
    return Bars(opens, opens + 3_600_000, open_, high, low, close, volume, "bid")


# Resampling


def test_four_hours_are_anchored_at_the_new_york_close_with_hand_computed_prices() -> None:
    # 17:00 New York is 21:00 UTC in May.
    bars = bars_of(
        [
            ("2017-05-15 20:00", 1.0, 1.1, 0.9, 1.05, 5),
            ("2017-05-15 21:00", 1.05, 1.2, 1.0, 1.15, 1),
            ("2017-05-15 22:00", 1.15, 1.3, 1.1, 1.25, 2),
            ("2017-05-15 23:00", 1.25, 1.26, 0.8, 0.9, 3),
            ("2017-05-16 00:00", 0.9, 1.0, 0.85, 0.95, 4),
        ]
    )
    periods = resample(bars, "forex", Timeframe.H4, utc("2017-05-16 01:00"))
    assert [from_ms(t) for t in periods.open_time] == [utc("2017-05-15 17:00"), utc("2017-05-15 21:00")]
    assert [from_ms(t) for t in periods.close_time] == [utc("2017-05-15 21:00"), utc("2017-05-16 01:00")]
    newest = periods[1:]
    assert (newest.open[0], newest.high[0], newest.low[0], newest.close[0]) == (1.05, 1.3, 0.8, 0.95)
    assert newest.volume[0] == 10
    assert newest.side == "bid"


def test_a_period_that_has_not_ended_is_not_told() -> None:
    bars = hourly(utc("2017-05-15 21:00"), 8)
    assert len(resample(bars, "forex", Timeframe.H4, utc("2017-05-16 04:59"))) == 1
    assert len(resample(bars, "forex", Timeframe.H4, utc("2017-05-16 05:00"))) == 2


def test_a_period_with_missing_bars_still_ends_on_time() -> None:
    bars = hourly(utc("2017-05-15 21:00"), 2)
    assert len(resample(bars, "forex", Timeframe.H4, utc("2017-05-16 00:59"))) == 0
    assert len(resample(bars, "forex", Timeframe.H4, utc("2017-05-16 01:00"))) == 1


def test_an_unknown_volume_makes_the_volume_of_its_period_unknown() -> None:
    bars = bars_of([("2017-05-15 21:00", 1, 1, 1, 1, float("nan")), ("2017-05-15 22:00", 1, 1, 1, 1, 2.0)])
    assert np.isnan(resample(bars, "forex", Timeframe.H4).volume).all()


def test_a_friday_of_a_forex_week_ends_its_weekly_bar() -> None:
    bars = hourly(utc("2017-05-14 21:00"), 121)
    weeks = resample(bars, "forex", Timeframe.W1, utc("2017-05-21 21:00"))
    assert len(weeks) == 1
    assert weeks.close[0] == bars.close[119]


def test_the_same_timeframe_gives_the_same_bars() -> None:
    bars = hourly(MONDAY, 30)
    assert_equal(resample(bars, "forex", Timeframe.H1), bars)


def test_bars_longer_than_the_period_are_refused() -> None:
    with pytest.raises(ToolInputError, match="1h or shorter"):
        resample(make_bars([to_ms(MONDAY)], Timeframe.H4), "crypto", Timeframe.H1)


def test_bars_out_of_order_are_refused() -> None:
    bars = hourly(MONDAY, 3)
    with pytest.raises(ToolInputError, match="time order"):
        resample(bars[::-1], "forex", Timeframe.H4)


def test_no_bars_resample_to_no_bars() -> None:
    assert len(resample(no_bars("ask"), "forex", Timeframe.H4, MONDAY)) == 0


LONG = hourly(utc("2017-03-01 00:00"), 700)


@given(
    n=st.integers(1, len(LONG)),
    timeframe=st.sampled_from([Timeframe.H4, Timeframe.D1, Timeframe.W1]),
    late=st.integers(0, 3 * 3600),
)
def test_what_was_told_at_a_moment_is_the_later_telling_cut_by_close_time(
    n: int, timeframe: Timeframe, late: int
) -> None:
    as_of = LONG[:n].last_close_time + timedelta(seconds=late)
    known = closed_by(LONG, as_of)
    assert_equal(
        resample(known, "forex", timeframe, as_of), closed_by(resample(LONG, "forex", timeframe), as_of)
    )


@given(n=st.integers(1, len(LONG) - 1), timeframe=st.sampled_from([Timeframe.H4, Timeframe.D1]))
def test_bars_after_as_of_change_nothing(n: int, timeframe: Timeframe) -> None:
    as_of = LONG[:n].last_close_time
    is_future = LONG.close_time > to_ms(as_of)
    factor = np.where(is_future, 3.0, 1.0)
    disturbed = Bars(
        LONG.open_time,
        LONG.close_time,
        LONG.open * factor,
        LONG.high * factor,
        LONG.low * factor,
        LONG.close * factor,
        LONG.volume * factor,
        LONG.side,
    )
    assert_equal(resample(LONG, "forex", timeframe, as_of), resample(disturbed, "forex", timeframe, as_of))


# Chunks


@pytest.mark.parametrize("side", ["mid", "bid", "ask", "trade"])
@pytest.mark.parametrize("n", [0, 1, 200])
def test_encoded_bars_come_back_bit_for_bit(side: PriceSide, n: int) -> None:
    bars = make_bars(range(0, n * 3_600_000, 3_600_000), side=side)
    bars.volume[: n // 2] = np.nan
    assert_equal(decode_bars(encode_bars(bars)), bars)


def test_equal_bars_have_equal_bytes_and_another_side_has_others() -> None:
    bars = hourly(MONDAY, 20)
    assert encode_bars(bars) == encode_bars(hourly(MONDAY, 20))
    as_bid = make_bars(bars.open_time.tolist(), side="bid")
    assert encode_bars(bars) != encode_bars(as_bid)


def test_the_bytes_of_a_known_chunk_stay_what_they_are() -> None:
    # Another encoding gives the same bars another name in every manifest on record.
    blob = DictBlobs().put(encode_bars(bars_of([("2017-05-15 21:00", 1.0, 1.5, 0.5, 1.25, 7)])))
    assert blob == "3ff01c85f87f94b65d2bfe856aba6d39eafb67fe712045c0b7477b010b34c14c"


def test_a_chunk_is_readable_with_numpy_alone() -> None:
    rows = np.load(BytesIO(encode_bars(make_bars([0], side="ask"))), allow_pickle=False)
    assert rows.dtype.names == (
        "open_time",
        "close_time",
        "ask_open",
        "ask_high",
        "ask_low",
        "ask_close",
        "volume",
    )


def other_array() -> bytes:
    buffer = BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


CHUNK = encode_bars(hourly(MONDAY, 9))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"junk",
        CHUNK[:-20],
        CHUNK[:-56],
        CHUNK + b"x",
        CHUNK + CHUNK[-56:],
        CHUNK[:100],
        CHUNK.replace(b"open_time", b"Open_time"),
        b"x" * len(CHUNK),
        other_array(),
    ],
)
def test_other_bytes_are_corrupt(data: bytes) -> None:
    with pytest.raises(JournalCorrupt, match="expected a chunk of bars"):
        decode_bars(data)


def windows(n_windows: int, count: int) -> list[Bars]:
    bars = hourly(utc("2017-02-01 00:00"), count + CHUNK_PERIODS + n_windows)
    return [bars[end - count - CHUNK_PERIODS + 1 : end] for end in range(len(bars) - n_windows, len(bars))]


def test_a_stored_series_loads_as_the_newest_bars() -> None:
    blobs = DictBlobs()
    (bars,) = windows(1, 600)
    series = ChunkWriter(blobs).store("EURUSD", Timeframe.H1, bars, 600)
    assert series.n_bars == 600
    assert series.last_close == bars.last_close_time
    assert series.first_close == from_ms(int(bars.close_time[-600]))
    assert_equal(ChunkReader(blobs).load(series), bars[-600:])


def test_consecutive_snapshots_share_every_chunk_but_the_newest() -> None:
    writer = ChunkWriter(DictBlobs())
    one, two = (writer.store("EURUSD", Timeframe.H1, bars, 600) for bars in windows(2, 600))
    assert [c.blob for c in one.chunks[:-1]] == [c.blob for c in two.chunks[:-1]]
    assert one.chunks[-1].blob != two.chunks[-1].blob


def test_the_oldest_chunk_stays_whole_while_the_window_moves_over_it() -> None:
    writer = ChunkWriter(DictBlobs())
    stored = [writer.store("EURUSD", Timeframe.H1, bars, 300) for bars in windows(60, 300)]
    oldest = {series.chunks[0].blob for series in stored}
    starts = [series.chunks[0].start for series in stored]
    assert len(oldest) <= 2
    assert len(set(starts)) > 40


def test_a_new_writer_names_the_same_chunks_as_one_that_saw_everything() -> None:
    old = ChunkWriter(DictBlobs())
    for bars in windows(40, 300):
        known = old.store("EURUSD", Timeframe.H1, bars, 300)
    assert ChunkWriter(DictBlobs()).store("EURUSD", Timeframe.H1, bars, 300) == known


def test_storing_again_puts_only_the_changed_tail() -> None:
    blobs = DictBlobs()
    writer = ChunkWriter(blobs)
    one, two = windows(2, 600)
    writer.store("EURUSD", Timeframe.H1, one, 600)
    before = blobs.n_puts
    writer.store("EURUSD", Timeframe.H1, one, 600)
    assert blobs.n_puts == before
    writer.store("EURUSD", Timeframe.H1, two, 600)
    assert blobs.n_puts == before + 1


def test_a_bar_revised_in_place_is_stored_anew() -> None:
    blobs = DictBlobs()
    writer, bars = ChunkWriter(blobs), hourly(MONDAY, 50)
    first = writer.store("EURUSD", Timeframe.H1, bars)
    bars.high[10] += 0.01
    second = writer.store("EURUSD", Timeframe.H1, bars)
    assert first.chunks != second.chunks
    assert_equal(ChunkReader(blobs).load(second), bars)


def test_a_bounded_writer_and_reader_still_tell_the_truth() -> None:
    blobs = DictBlobs()
    writer, reader = ChunkWriter(blobs, max_known=1), ChunkReader(blobs, max_chunks=1)
    (bars,) = windows(1, 600)
    series = writer.store("EURUSD", Timeframe.H1, bars, 600)
    assert series == writer.store("EURUSD", Timeframe.H1, bars, 600)
    assert_equal(reader.load(series), bars[-600:])
    assert_equal(reader.load(series), bars[-600:])


def test_a_chunk_in_use_is_not_the_one_forgotten() -> None:
    blobs = DictBlobs()
    writer = ChunkWriter(blobs, max_known=2)
    used, *others = (make_bars([i * 3_600_000]) for i in range(4))
    for other in others:
        writer.store("EURUSD", Timeframe.H1, used)
        writer.store("EURUSD", Timeframe.H1, other)
    assert blobs.n_puts == 4


def test_a_chunk_is_the_file_numpy_itself_would_write() -> None:
    for n in (0, 1, 99, 128):
        data = encode_bars(hourly(MONDAY, n))
        buffer = BytesIO()
        rows = np.load(BytesIO(data), allow_pickle=False)
        np.lib.format.write_array(buffer, rows, version=(1, 0), allow_pickle=False)
        assert data == buffer.getvalue()


def test_chunks_of_two_sides_in_one_series_are_corrupt() -> None:
    blobs = DictBlobs()
    writer = ChunkWriter(blobs)
    bid = writer.store("EURUSD", Timeframe.H1, make_bars([0], side="bid"))
    ask = writer.store("EURUSD", Timeframe.H1, make_bars([3_600_000], side="ask"))
    both = ask.model_copy(update={"chunks": (*bid.chunks, *ask.chunks), "n_bars": 2})
    with pytest.raises(JournalCorrupt, match="one side"):
        ChunkReader(blobs).load(both)


def test_a_writer_tells_apart_instruments_timeframes_and_sides_of_one_moment() -> None:
    blobs = DictBlobs()
    writer, reader = ChunkWriter(blobs), ChunkReader(blobs)
    told = [
        ("A", Timeframe.H1, make_bars([0], side="bid")),
        ("A", Timeframe.H1, make_bars([0], side="ask")),
        ("A", Timeframe.H4, make_bars([0], Timeframe.H4, side="bid")),
        ("B", Timeframe.H1, make_bars([0], side="bid")),
    ]
    told[-1][2].close[:] += 1.0
    stored = [(writer.store(*one), one[2]) for one in (*told, *told)]
    for series, bars in stored:
        assert_equal(reader.load(series), bars)


def test_loaded_bars_are_the_callers_own() -> None:
    blobs = DictBlobs()
    reader, bars = ChunkReader(blobs), hourly(MONDAY, 10)
    series = ChunkWriter(blobs).store("EURUSD", Timeframe.H1, bars)
    reader.load(series).close[:] = 0.0
    assert_equal(reader.load(series), bars)


def test_no_bars_store_as_no_chunks() -> None:
    series = ChunkWriter(DictBlobs()).store("EURUSD", Timeframe.H1, no_bars(), 600)
    assert series == BarSeries(
        instrument_id="EURUSD",
        timeframe=Timeframe.H1,
        chunks=(),
        n_bars=0,
        first_close=None,
        last_close=None,
    )
    assert len(ChunkReader(DictBlobs()).load(series)) == 0


def test_a_manifest_that_does_not_fit_its_chunks_is_corrupt() -> None:
    blobs = DictBlobs()
    series = ChunkWriter(blobs).store("EURUSD", Timeframe.H1, hourly(MONDAY, 10))
    first, *rest = series.chunks
    shorter = series.model_copy(
        update={"chunks": (ChunkRef(blob=first.blob, start=1, stop=first.stop), *rest)}
    )
    with pytest.raises(JournalCorrupt, match="expected 10 1h bars of EURUSD"):
        ChunkReader(blobs).load(shorter)


@given(
    start=st.datetimes(datetime(2000, 1, 1), datetime(2020, 1, 1)),  # noqa: DTZ001
    n=st.integers(0, 400),
    count=st.integers(0, 400),
    timeframe=st.sampled_from(list(Timeframe)),
)
def test_any_window_of_any_timeframe_survives_storing(
    start: datetime, n: int, count: int, timeframe: Timeframe
) -> None:
    step = timeframe.seconds * 1000
    first = to_ms(start.replace(tzinfo=MONDAY.tzinfo)) // step * step
    bars = make_bars(range(first, first + n * step, step), timeframe, side="trade")
    blobs = DictBlobs()
    series = ChunkWriter(blobs).store("X", timeframe, bars, count)
    loaded = ChunkReader(blobs).load(series)
    kept = bars[max(n - count, 0) :]
    assert len(loaded) == len(kept)
    np.testing.assert_array_equal(loaded.close, kept.close)
    np.testing.assert_array_equal(loaded.open_time, kept.open_time)
