"""A file is read exactly as described, or refused with its name, row and column; real files are read."""

import gzip
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from contracts.canonical import sha256_hex
from contracts.errors import FeedFormatError, ToolInputError
from contracts.market import Bars, Timeframe, from_ms, to_ms
from markets import samples
from markets.price_file import PriceColumns, PriceFile, PriceSeries, read_prices
from markets.samples import sample_sources
from markets.tick_file import read_ticks
from tests.conftest import ROOT
from tests.markets.bar_scene import ONE_SIDED, TWO_SIDED, one_sided, write_lines
from tests.markets.moments import LONDON, NEW_YORK, utc

HEADER = "time,open,high,low,close"
MONDAY = ("2017-05-15 10:00,1.10,1.12,1.09,1.11", "2017-05-15 11:00,1.11,1.13,1.10,1.12")


def read(path: Path, *lines: str, **changes: object) -> PriceSeries:
    return read_prices(one_sided(write_lines(path, *lines), **changes))


def asks(series: PriceSeries) -> Bars:
    return series.sides["ask"]


def opens(series: PriceSeries) -> list[datetime]:
    (bars, *_) = series.sides.values()
    return [from_ms(t) for t in bars.open_time]


def refused(path: Path, *lines: str, **changes: object) -> FeedFormatError:
    with pytest.raises(FeedFormatError) as caught:
        read(path, *lines, **changes)
    assert str(path) in str(caught.value)
    assert caught.value.fields["path"] == str(path)
    return caught.value


# What is read


def test_prices_are_read_with_their_times_side_and_no_volume(tmp_path: Path) -> None:
    series = read(tmp_path / "a.csv", HEADER, *MONDAY)
    bars = asks(series)
    assert list(series.sides) == ["ask"]
    assert series.instrument.instrument_id == "EURUSD"
    assert opens(series) == [utc("2017-05-15 10:00"), utc("2017-05-15 11:00")]
    assert bars.last_close_time == utc("2017-05-15 12:00")
    assert (bars.open[0], bars.high[0], bars.low[0], bars.close[0]) == (1.10, 1.12, 1.09, 1.11)
    assert np.isnan(bars.volume).all()
    assert (series.report.n_rows, series.report.n_closed_market) == (2, 0)


@pytest.mark.parametrize("end", ["", "\r", "\r\n\r\n", "\n\n  \n"])
def test_line_ends_and_blank_lines_at_the_end_are_no_rows(tmp_path: Path, end: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(("\ufeff" + "\r\n".join([HEADER, *MONDAY]) + end).encode())
    assert len(asks(read_prices(one_sided(path)))) == 2


def test_gzip_zip_and_parquet_give_the_same_bars_as_plain_text(tmp_path: Path) -> None:
    plain = write_lines(tmp_path / "a.csv", HEADER, *MONDAY)
    write_lines(tmp_path / "a.csv.gz", HEADER, *MONDAY)
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(plain, "inside.csv")
    pl.read_csv(plain, try_parse_dates=False).write_parquet(tmp_path / "a.parquet")
    expected = asks(read_prices(one_sided(plain)))
    for name in ("a.csv.gz", "a.zip", "a.parquet"):
        bars = asks(read_prices(one_sided(tmp_path / name)))
        np.testing.assert_array_equal(bars.open_time, expected.open_time)
        np.testing.assert_array_equal(bars.close, expected.close)


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Athens"])
def test_parquet_times_need_no_format(tmp_path: Path, zone: str | None) -> None:
    frame = pl.read_csv(write_lines(tmp_path / "a.csv", HEADER, *MONDAY))
    times = pl.col("time").str.strptime(pl.Datetime("us"), "%Y-%m-%d %H:%M").dt.replace_time_zone(zone)
    frame.with_columns(times).write_parquet(tmp_path / "a.parquet")
    series = read_prices(one_sided(tmp_path / "a.parquet", time_format=None))
    assert opens(series)[0] == utc("2017-05-15 07:00" if zone == "Europe/Athens" else "2017-05-15 10:00")


def test_bid_and_ask_columns_give_both_sides_and_crossed_bars_are_counted(tmp_path: Path) -> None:
    header = "time," + ",".join(f"{s}_{p}" for s in ("bid", "ask") for p in ("open", "high", "low", "close"))
    path = write_lines(
        tmp_path / "a.csv",
        header,
        "2017-05-15 10:00,1.10,1.12,1.09,1.11,1.11,1.13,1.10,1.12",
        "2017-05-15 11:00,1.10,1.12,1.09,1.11,1.09,1.11,1.08,1.10",
    )
    series = read_prices(one_sided(path, columns=TWO_SIDED, side=None))
    assert (series.sides["bid"].close[0], series.sides["ask"].close[0]) == (1.11, 1.12)
    assert series.report.n_crossed == 1


def test_day_first_times_with_fractions_are_read(tmp_path: Path) -> None:
    series = read(
        tmp_path / "a.csv",
        HEADER,
        "01.02.2017 10:00:00.000,1,1,1,1",
        time_format="%d.%m.%Y %H:%M:%S.%f",
    )
    assert opens(series) == [utc("2017-02-01 10:00")]


def test_date_and_time_in_two_columns_are_read(tmp_path: Path) -> None:
    columns = PriceColumns(time="t", date="d", open="o", high="h", low="l", close="c", volume="v")
    series = read(
        tmp_path / "a.csv",
        "d;t;o;h;l;c;v",
        "2017.05.15;10:00;1;1;1;1;12",
        "2017.05.15;11:00;1;1;1;1;",
        columns=columns,
        separator=";",
        time_format="%Y.%m.%d %H:%M",
    )
    assert opens(series)[0] == utc("2017-05-15 10:00")
    assert asks(series).volume[0] == 12
    assert np.isnan(asks(series).volume[1])


def test_a_file_without_a_header_is_read_by_column_number(tmp_path: Path) -> None:
    columns = PriceColumns(
        time="column_1", open="column_2", high="column_3", low="column_4", close="column_5"
    )
    assert len(asks(read(tmp_path / "a.csv", *MONDAY, columns=columns, has_header=False))) == 2
    error = refused(
        tmp_path / "b.csv", MONDAY[0], MONDAY[1].replace("1.13", "x"), columns=columns, has_header=False
    )
    assert error.fields["row"] == 2


def test_times_stamped_at_the_close_are_moved_to_the_open(tmp_path: Path) -> None:
    series = read(tmp_path / "a.csv", HEADER, *MONDAY, stamped="close")
    assert opens(series)[0] == utc("2017-05-15 09:00")
    assert asks(series).last_close_time == utc("2017-05-15 11:00")


def test_integer_points_are_scaled_and_their_noise_rounded_away(tmp_path: Path) -> None:
    row = "2017-05-15 10:00,165580.0,165759.0,165580.00000000003,165759.0"
    bars = asks(read(tmp_path / "a.csv", HEADER, row, price_scale=100_000))
    assert (bars.open[0], bars.low[0], bars.high[0]) == (1.6558, 1.6558, 1.65759)


def test_local_times_follow_the_clock_changes_of_their_zone(tmp_path: Path) -> None:
    rows = ("2017-03-24 12:00,1,1,1,1", "2017-03-27 12:00,1,1,1,1")
    series = read(tmp_path / "a.csv", HEADER, *rows, time_zone="Europe/London")
    assert opens(series) == [utc("2017-03-24 12:00"), utc("2017-03-27 11:00")]


@pytest.mark.parametrize("minutes", [60, 15])
def test_the_hour_a_clock_shows_twice_is_read_twice(tmp_path: Path, minutes: int) -> None:
    start = utc("2017-10-28 22:00")
    moments = [start + i * timedelta(minutes=minutes) for i in range(6 * 60 // minutes)]
    stamps = [at.astimezone(LONDON).strftime("%Y-%m-%d %H:%M") for at in moments]
    series = read(
        tmp_path / "a.csv",
        HEADER,
        *(f"{stamp},1,1,1,1" for stamp in stamps),
        instrument="BTCUSD",
        time_zone="Europe/London",
        timeframe=Timeframe.H1 if minutes == 60 else Timeframe.M15,
    )
    assert opens(series) == moments


def test_times_with_an_offset_are_read_as_written(tmp_path: Path) -> None:
    series = read(
        tmp_path / "a.csv",
        HEADER,
        "2017-05-15T10:00:00+02:00,1,1,1,1",
        time_format="%Y-%m-%dT%H:%M:%S%z",
    )
    assert opens(series) == [utc("2017-05-15 08:00")]


# What is refused, with row and column


@pytest.mark.parametrize(
    ("row", "column", "found"),
    [
        ("2017-05-15 12:00,x,1.13,1.10,1.12", "open", "'x'"),
        ("2017-05-15 12:00,1.11,1.13,1.10,", "close", "nothing"),
        ("2017-05-15 12:00,1.11,1.13,1.10", "close", "nothing"),
        ("2017-05-15 12:00,1.11,nan,1.10,1.12", "high", "'nan'"),
        ("2017-05-15 12:00,1.11,inf,1.10,1.12", "high", "'inf'"),
        ('2017-05-15 12:00,"1,11",1.13,1.10,1.12', "open", "'1,11'"),
        ("2017-05-15 12:00,0,1.13,0,1.12", "open", "'0'"),
        ("2017-05-15 12:00,1.11,1.13,-1.10,1.12", "low", "'-1.10'"),
        ("2017-05-15 12:00,1.11,1.10,1.13,1.12", "high", "'1.10'"),
        ("2017-05-15 12:00,1.14,1.13,1.10,1.12", "open", "'1.14'"),
        ("2017-05-15 12:00,1.11,1.13,1.10,1.09", "close", "'1.09'"),
        ("soon,1.11,1.13,1.10,1.12", "time", "'soon'"),
        (",1.11,1.13,1.10,1.12", "time", "nothing"),
        ("2017-02-30 12:00,1.11,1.13,1.10,1.12", "time", "'2017-02-30 12:00'"),
        ("15/05/2017 12:00,1.11,1.13,1.10,1.12", "time", "'15/05/2017 12:00'"),
        ("2017-05-15 11:00,1.11,1.13,1.10,1.12", "time", "'2017-05-15 11:00'"),
        ("2017-05-15 09:00,1.11,1.13,1.10,1.12", "time", "'2017-05-15 09:00'"),
        ("2017-05-15 12:30,1.11,1.13,1.10,1.12", "time", "'2017-05-15 12:30'"),
        ("2077-05-15 12:00,1.11,1.13,1.10,1.12", "time", "'2077-05-15 12:00'"),
    ],
)
def test_a_bad_cell_is_refused_with_its_row_and_column(
    tmp_path: Path, row: str, column: str, found: str
) -> None:
    path = tmp_path / "a.csv"
    error = refused(path, HEADER, *MONDAY, row)
    assert (error.fields["row"], error.fields["column"]) == (4, column)
    assert f"row 4, column {column}: expected" in str(error)
    assert f"found {found}" in str(error)


@pytest.mark.parametrize(
    ("rows", "row", "found"),
    [
        (("2017-05-15 10:00,1,1,1,1,9",), 2, "6"),
        ((MONDAY[0], '2017-05-15 11:00,1,"1,1,1', MONDAY[1]), 3, "one left open"),
    ],
)
def test_a_broken_row_is_refused_with_its_number(
    tmp_path: Path, rows: tuple[str, ...], row: int, found: str
) -> None:
    error = refused(tmp_path / "a.csv", HEADER, *rows)
    assert error.fields["row"] == row
    assert str(error).endswith(f"found {found}")


def test_a_blank_line_between_rows_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "a.csv", HEADER, MONDAY[0], "", MONDAY[1]).fields["row"] == 3


def test_bytes_that_are_no_text_are_refused_with_their_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("\n".join([HEADER, *MONDAY]).encode() + b"\n2017\xff,1,1,1,1\n")
    with pytest.raises(FeedFormatError, match="row 4: expected UTF-8 text"):
        read_prices(one_sided(path))


@pytest.mark.parametrize("lines", [(), (HEADER,), (HEADER, "", "")])
def test_a_file_without_rows_is_refused(tmp_path: Path, lines: tuple[str, ...]) -> None:
    assert "rows of prices" in str(refused(tmp_path / "a.csv", *lines))


def test_a_file_of_no_bytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    with pytest.raises(FeedFormatError, match="an empty file"):
        read_prices(one_sided(tmp_path / "a.csv"))


def test_a_missing_column_is_refused_naming_those_that_exist(tmp_path: Path) -> None:
    error = refused(tmp_path / "a.csv", "time,open,high,low,last", *MONDAY)
    assert (error.fields["row"], error.fields["column"]) == (1, "close")
    assert "found columns time, open, high, low, last" in str(error)


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path / "a.csv", "time,open,high,low,close,close", MONDAY[0] + ",1.11")
    assert error.fields["column"] == "close"


def test_text_among_volumes_is_refused_and_so_is_a_negative_one(tmp_path: Path) -> None:
    columns = ONE_SIDED.model_copy(update={"volume": "volume"})
    for volume in ("many", "-1"):
        error = refused(tmp_path / "a.csv", HEADER + ",volume", f"{MONDAY[0]},{volume}", columns=columns)
        assert error.fields["column"] == "volume"


def test_an_hour_the_clock_skips_is_refused(tmp_path: Path) -> None:
    error = refused(
        tmp_path / "a.csv",
        HEADER,
        "2017-03-26 00:00,1,1,1,1",
        "2017-03-26 01:00,1,1,1,1",
        instrument="BTCUSD",
        time_zone="Europe/London",
    )
    assert error.fields["row"] == 3
    assert "a local time that exists in Europe/London" in str(error)


def test_text_times_without_a_format_are_refused(tmp_path: Path) -> None:
    assert "time_format" in str(refused(tmp_path / "a.csv", HEADER, *MONDAY, time_format=None))


@pytest.mark.parametrize("content", [b"", b"PAR1junk", b"\x1f\x8bjunk"])
@pytest.mark.parametrize("suffix", [".parquet", ".csv.gz", ".zip"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(FeedFormatError, match=re.escape(str(path))):
        read_prices(one_sided(path))


def test_a_cut_gzip_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress("\n".join([HEADER, *MONDAY]).encode())[:-12])
    with pytest.raises(FeedFormatError, match="expected a CSV or Parquet file"):
        read_prices(one_sided(path))


def test_a_missing_file_and_a_zip_of_two_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FeedFormatError, match="found none"):
        read_prices(one_sided(tmp_path / "absent.csv"))
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("one.csv", HEADER)
        archive.writestr("two.csv", HEADER)
    with pytest.raises(FeedFormatError, match="found 2: one.csv, two.csv"):
        read_prices(one_sided(tmp_path / "a.zip"))


def test_a_parquet_column_of_the_wrong_kind_is_refused(tmp_path: Path) -> None:
    frame = pl.DataFrame({"time": [1.5], "open": [1.0], "high": [1.0], "low": [1.0], "close": [True]})
    frame.write_parquet(tmp_path / "a.parquet")
    with pytest.raises(FeedFormatError, match="column time: expected text or times"):
        read_prices(one_sided(tmp_path / "a.parquet"))
    frame.with_columns(time=pl.lit("2017-05-15 10:00")).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(FeedFormatError, match="column close: expected numbers"):
        read_prices(one_sided(tmp_path / "a.parquet"))


# Zone and date order


def weeks_of_hours(shift: timedelta = timedelta(0)) -> list[str]:
    """Four forex weeks in UTC, written `shift` late."""
    hours = (utc("2017-05-14 21:00") + timedelta(hours=i) for i in range(28 * 24))
    return [
        f"{at + shift:%Y-%m-%d %H:%M},1,1,1,1"
        for at in hours
        if (at - utc("2017-05-14 21:00")) % timedelta(days=7) < timedelta(days=5)
    ]


@pytest.mark.parametrize("hours", [-9, -1, 1, 2, 7])
def test_a_wrong_zone_is_refused_saying_how_many_bars_where_and_what_to_look_at(
    tmp_path: Path, hours: int
) -> None:
    error = refused(tmp_path / "a.csv", HEADER, *weeks_of_hours(timedelta(hours=hours)))
    assert f"found {4 * abs(hours)} of 480, first " in str(error)
    assert "look at time_zone" in str(error)


def test_the_right_zone_is_accepted(tmp_path: Path) -> None:
    assert read(tmp_path / "a.csv", HEADER, *weeks_of_hours()).report.n_closed_market == 0


def test_bars_outside_the_session_are_kept_and_counted_up_to_the_limit(tmp_path: Path) -> None:
    rows = [*weeks_of_hours(), "2017-06-10 12:00,1,1,1,1"]
    series = read(tmp_path / "a.csv", HEADER, *rows)
    assert (series.report.n_rows, series.report.n_closed_market) == (481, 1)
    assert opens(series)[-1] == utc("2017-06-10 12:00")
    assert "found 1 of 481" in str(refused(tmp_path / "a.csv", HEADER, *rows, max_closed_share=0.002))


def test_swapped_day_and_month_are_refused_where_time_goes_back(tmp_path: Path) -> None:
    # 31 January and 1 February 2017, read month first, are 1 January after a month 31.
    rows = ("01.02.2017 10:00,1,1,1,1", "02.02.2017 10:00,1,1,1,1", "01.03.2017 10:00,1,1,1,1")
    error = refused(tmp_path / "a.csv", HEADER, *rows, time_format="%m.%d.%Y %H:%M", max_closed_share=1)
    assert error.fields["row"] == 4
    assert "day and month" in str(error)


def test_swapped_day_and_month_are_refused_at_the_thirteenth(tmp_path: Path) -> None:
    rows = ("12.01.2017 10:00,1,1,1,1", "13.01.2017 10:00,1,1,1,1")
    error = refused(tmp_path / "a.csv", HEADER, *rows, time_format="%m.%d.%Y %H:%M")
    assert error.fields["row"] == 3


def test_swapped_day_and_month_are_refused_by_the_weekends_they_fall_on(tmp_path: Path) -> None:
    days = [d for d in range(2, 12) if date(2017, 1, d).weekday() < 5]
    rows = [f"{day:02}.01.2017 10:00,1,1,1,1" for day in days]
    error = refused(tmp_path / "a.csv", HEADER, *rows, time_format="%m.%d.%Y %H:%M")
    assert "order of day and month" in str(error)


def test_daily_forex_bars_off_the_new_york_close_are_refused(tmp_path: Path) -> None:
    error = refused(
        tmp_path / "a.csv", HEADER, "2017-05-15,1,1,1,1", time_format="%Y-%m-%d", timeframe=Timeframe.D1
    )
    assert "1d bars of EURUSD to open on time" in str(error)


def test_daily_index_bars_are_known_from_the_close_of_the_session(tmp_path: Path) -> None:
    series = read(
        tmp_path / "a.csv",
        HEADER,
        "2017-05-15,1,1,1,1",
        "2017-12-15,1,1,1,1",
        instrument="^GSPC",
        time_format="%Y-%m-%d",
        timeframe=Timeframe.D1,
    )
    closes = [from_ms(t) for t in asks(series).close_time]
    assert closes == [utc("2017-05-15 20:00"), utc("2017-12-15 21:00")]


# Descriptions


@pytest.mark.parametrize(
    "changes",
    [
        {"instrument": "EURUDS"},
        {"time_zone": "Middle/Earth"},
        {"time_format": "%f"},
        {"time_format": "%Y%z", "time_zone": "Europe/London"},
        {"timeframe": "2h"},
        {"side": None},
        {"columns": TWO_SIDED},
        {"columns": {"time": "time", "open": "open"}},
        {"columns": {**TWO_SIDED.model_dump(), "open": "open"}},
        {"price_scale": 0},
        {"price_scale": float("inf")},
        {"separator": "ab"},
        {"separator": "é"},
        {"stamped": "middle"},
        {"colour": "red"},
    ],
)
def test_an_impossible_description_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        one_sided(Path("a.csv"), **changes)


def test_a_description_survives_json() -> None:
    source = sample_sources()["eurusd-2017"]
    assert PriceFile.model_validate_json(source.model_dump_json()) == source


# Real files


def test_oanda_hourly_files_are_read_as_bid_and_ask(shared_data: Path) -> None:
    path = shared_data / "fx_hourly" / "oanda_eurusd_1h.csv.gz"
    series = read_prices(one_sided(path, columns=TWO_SIDED, side=None, time_format="%Y%m%d %H:%M"))
    bid, ask = series.sides["bid"], series.sides["ask"]
    assert (series.report.n_rows, series.report.n_closed_market, series.report.n_crossed) == (62_116, 44, 0)
    assert opens(series)[0] == utc("2007-01-01 21:00")
    assert (bid.open[0], ask.close[0]) == (1.31927, 1.32035)
    assert (ask.low > bid.low).all()
    assert np.isnan(bid.volume).all()


MT5_COLUMNS = PriceColumns(
    time="Date", open="open", high="high", low="low", close="close", volume="tick_volume"
)


def mt5(shared_data: Path, symbol: str, scale: float, **changes: object) -> PriceFile:
    path = shared_data / "fx_hourly" / f"mt5_{symbol}_1h.csv.gz"
    described = {
        "instrument": symbol,
        "columns": MT5_COLUMNS,
        "time_format": "%Y-%m-%d %H:%M:%S",
        "side": "bid",
        "price_scale": scale,
        "time_zone": "Europe/Athens",
    }
    return one_sided(path, **(described | changes))


@pytest.mark.parametrize(
    ("symbol", "scale", "n_rows", "low", "high"),
    [
        ("gbpusd", 1e5, 30_986, 1.1, 1.8),
        ("usdjpy", 1e3, 30_990, 95, 130),
        ("xauusd", 1e2, 29_338, 1000, 1400),
    ],
)
def test_mt5_files_in_points_are_read_at_their_scale(
    shared_data: Path, symbol: str, scale: float, n_rows: int, low: float, high: float
) -> None:
    series = read_prices(mt5(shared_data, symbol, scale))
    bars = series.sides["bid"]
    assert series.report.n_rows == n_rows
    assert low < bars.low.min() < bars.high.max() < high
    assert (bars.volume > 0).all()


@pytest.mark.parametrize("zone", ["UTC", "Europe/London", "Europe/Berlin"])
def test_a_wrong_zone_of_an_mt5_file_is_refused(shared_data: Path, zone: str) -> None:
    with pytest.raises(FeedFormatError, match="while GBPUSD is closed"):
        read_prices(mt5(shared_data, "gbpusd", 1e5, time_zone=zone))


# Ticks


def ticks(path: Path, *lines: str, timeframe: Timeframe = Timeframe.M5) -> PriceSeries:
    return read_ticks(
        write_lines(path, *lines), instrument="EURUSD", day=date(2014, 5, 7), timeframe=timeframe
    )


def test_ticks_become_bars_of_bid_and_ask_without_the_dirty_ones(tmp_path: Path) -> None:
    series = ticks(
        tmp_path / "t.csv",
        "0,1.10,1.12",
        "1000,1.30,1.10",
        "2000,1.20,1.20",
        "3000,1.09,1.13",
        "299999,1.11,1.14",
        "600000,1.08,1.10",
    )
    bid, ask = series.sides["bid"], series.sides["ask"]
    assert [from_ms(t) for t in bid.open_time] == [utc("2014-05-07 00:00"), utc("2014-05-07 00:10")]
    assert (bid.open[0], bid.high[0], bid.low[0], bid.close[0]) == (1.10, 1.11, 1.09, 1.11)
    assert (ask.open[0], ask.high[0], ask.low[0], ask.close[0]) == (1.12, 1.14, 1.12, 1.14)
    assert (series.report.n_rows, series.report.n_dropped, series.report.n_crossed) == (6, 2, 1)


def test_half_dirty_ticks_are_read_and_more_are_refused(tmp_path: Path) -> None:
    clean, dirty = "0,1.1,1.2", "0,1.2,1.1"
    assert ticks(tmp_path / "t.csv", clean, dirty).report.n_dropped == 1
    with pytest.raises(FeedFormatError, match=r"at most 50% .* found 2 of 3"):
        ticks(tmp_path / "t.csv", clean, dirty, dirty)


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("4000,one,1.2", "column_2"),
        ("4000,1.1,", "column_3"),
        ("4000,0,1.2", "column_2"),
        ("4000,1.1,-1.2", "column_3"),
        ("2999,1.1,1.2", "column_1"),
        ("-1,1.1,1.2", "column_1"),
        ("86400000,1.1,1.2", "column_1"),
        ("4000.5,1.1,1.2", "column_1"),
    ],
)
def test_a_bad_tick_is_refused_with_its_row_and_column(tmp_path: Path, line: str, column: str) -> None:
    with pytest.raises(FeedFormatError) as caught:
        ticks(tmp_path / "t.csv", "3000,1.1,1.2", "3000,1.1,1.2", line)
    assert (caught.value.fields["row"], caught.value.fields["column"]) == (3, column)


def test_ticks_of_a_day_make_no_bars_longer_than_an_hour(tmp_path: Path) -> None:
    with pytest.raises(ToolInputError, match="1h or less"):
        ticks(tmp_path / "t.csv", "0,1.1,1.2", timeframe=Timeframe.H4)


@pytest.mark.parametrize(
    ("name", "n_ticks", "n_dirty"),
    [("fxcm_dirty_eurusd", 89_504, 22_670), ("oanda_eurusd", 41_367, 0), ("oanda_nzdusd", 41_960, 0)],
)
def test_recorded_ticks_are_read_and_their_dirt_counted(
    shared_data: Path, name: str, n_ticks: int, n_dirty: int
) -> None:
    path = shared_data / "fx_ticks" / f"{name}_20140507_quote.zip"
    series = read_ticks(
        path, instrument=name.rsplit("_", 1)[-1], day=date(2014, 5, 7), timeframe=Timeframe.M5
    )
    assert (series.report.n_rows, series.report.n_dropped) == (n_ticks, n_dirty)
    assert len(series.sides["bid"]) == 288
    assert (series.sides["ask"].close > series.sides["bid"].close).all()


def test_clean_and_cleaned_ticks_of_one_day_agree(shared_data: Path) -> None:
    mids = []
    for name in ("fxcm_dirty", "oanda"):
        path = shared_data / "fx_ticks" / f"{name}_eurusd_20140507_quote.zip"
        sides = read_ticks(path, instrument="EURUSD", day=date(2014, 5, 7), timeframe=Timeframe.M5).sides
        mids.append((sides["bid"].close + sides["ask"].close) / 2)
    assert np.abs(mids[0] - mids[1]).max() < 0.0002


# Samples


@pytest.mark.parametrize("name", sorted(sample_sources()))
def test_a_bundled_sample_is_the_file_its_source_table_says(name: str) -> None:
    source = sample_sources()[name]
    sources = (ROOT / "SOURCES.md").read_text(encoding="utf-8")
    assert source.path.parent == Path(samples.__file__).parent / "samples"
    assert f"`{source.path.name}` | `{sha256_hex(source.path.read_bytes())}`" in sources
    series = read_prices(source)
    assert re.search(rf"`{name}` \| `{source.path.name}` \| {series.report.n_rows:,} ", sources)


def test_the_forex_sample_follows_the_new_york_week() -> None:
    bars = read_prices(sample_sources()["eurusd-2017"]).sides["ask"]
    is_first = np.diff(bars.open_time, prepend=0) > 40 * 3_600_000
    local = [from_ms(t).astimezone(NEW_YORK) for t in bars.open_time[is_first]]
    starts = {(at.strftime("%a"), at.hour) for at in local}
    # The eve of Christmas alone starts an hour late.
    assert starts == {("Sun", 17), ("Sun", 18)}
    assert sum(at.hour == 18 for at in local) == 1
    assert bars.open_time[0] == to_ms(utc("2017-01-01 22:00"))


@pytest.mark.parametrize("name", ["spx-daily", "ixic-daily"])
def test_every_session_of_the_index_samples_is_there(name: str) -> None:
    series = read_prices(sample_sources()[name])
    (bars,) = series.sides.values()
    assert series.report.n_closed_market == 0
    assert opens(series)[0] == utc("1999-01-04 00:00")
    assert opens(series)[-1] == utc("2018-12-31 00:00")
    # 4 trading days were lost after 11 September 2001: the longest pause is a week.
    assert np.diff(bars.open_time).max() == 7 * 86_400_000
