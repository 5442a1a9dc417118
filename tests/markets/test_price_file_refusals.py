"""What a price file must not be, each refused with the file, the row and the column in words."""

import gzip
import re
from datetime import date, timedelta
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import FeedFormatError
from contracts.market import Timeframe
from markets.price_file import read_prices
from tests.markets.moments import utc
from tests.markets.price_scene import HEADER, MONDAY, ONE_SIDED, asks, one_sided, opens, read, refused


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
    with pytest.raises(FeedFormatError, match=r"found 2: one\.csv, two\.csv"):
        read_prices(one_sided(tmp_path / "a.zip"))


def test_a_parquet_column_of_the_wrong_kind_is_refused(tmp_path: Path) -> None:
    frame = pl.DataFrame({"time": [1.5], "open": [1.0], "high": [1.0], "low": [1.0], "close": [True]})
    frame.write_parquet(tmp_path / "a.parquet")
    with pytest.raises(FeedFormatError, match="column time: expected text or times"):
        read_prices(one_sided(tmp_path / "a.parquet"))
    frame.with_columns(time=pl.lit("2017-05-15 10:00")).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(FeedFormatError, match="column close: expected numbers"):
        read_prices(one_sided(tmp_path / "a.parquet"))


@pytest.mark.parametrize("changes", [{"time_format": "%Y-%m-%d %I:%M"}, {"time_zone": "Factory"}])
def test_a_format_or_a_zone_that_polars_cannot_use_is_refused(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    assert refused(tmp_path / "a.csv", HEADER, *MONDAY, **changes).fields["column"] == "time"


@given(
    at=st.integers(0, 200),
    n_deleted=st.integers(0, 12),
    inserted=st.binary(max_size=6) | st.text("0123456789.,-: \n\r\"'e;", max_size=6).map(str.encode),
)
def test_a_damaged_file_is_refused_or_gives_sound_prices(
    tmp_path_factory: pytest.TempPathFactory, at: int, n_deleted: int, inserted: bytes
) -> None:
    text = ("\n".join([HEADER, *MONDAY, "2017-05-15 12:00,1.11,1.13,1.10,1.12"]) + "\n").encode()
    path = tmp_path_factory.getbasetemp() / "damaged.csv"
    path.write_bytes(text[:at] + inserted + text[at + n_deleted :])
    try:
        bars = asks(read_prices(one_sided(path)))
    except FeedFormatError:
        return
    assert (np.diff(bars.open_time) > 0).all()
    assert (bars.low > 0).all()
    assert (np.minimum(bars.open, bars.close) >= bars.low).all()
    assert (np.maximum(bars.open, bars.close) <= bars.high).all()
    assert np.isfinite(bars.high).all()


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
    series = read(tmp_path / "a.csv", HEADER, *weeks_of_hours(), max_closed_share=0)
    assert series.report.n_closed_market == 0


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
