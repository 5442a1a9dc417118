"""A price file is read exactly as it is described, and so are real ones; a bad description is refused."""

from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from contracts.errors import FeedFormatError
from contracts.market import Timeframe, from_ms
from markets.price_file import PriceColumns, PriceFile, read_prices
from markets.samples import sample_sources
from tests.markets.moments import LONDON, utc
from tests.markets.price_scene import (
    HEADER,
    MONDAY,
    ONE_SIDED,
    TWO_SIDED,
    asks,
    one_sided,
    opens,
    read,
    refused,
    write_lines,
)

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


@pytest.mark.parametrize("column", ["tick_volume", "<TICKVOL>", "Ticks"])
@pytest.mark.parametrize("instrument", ["BTCUSD", "ES"])
def test_counted_ticks_are_no_volume_of_futures_or_crypto(instrument: str, column: str) -> None:
    counted, traded = ({**ONE_SIDED.model_dump(), "volume": name} for name in (column, "ticker_volume"))
    assert one_sided(Path("a.csv"), columns=counted).columns.volume == column
    assert one_sided(Path("a.csv"), instrument=instrument, columns=traded).columns.volume == "ticker_volume"
    with pytest.raises(ValidationError, match="count of ticks; name the column of what was traded"):
        one_sided(Path("a.csv"), instrument=instrument, columns=counted)


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
