"""Ticks become bars of bid and ask; dirty ones are dropped and counted; bad rows are refused."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import FeedFormatError, ToolInputError
from contracts.market import Timeframe, from_ms
from markets.price_file import PriceSeries
from markets.tick_bars import read_tick_bars
from markets.tick_table import QuoteColumns, TickFile, TradeColumns
from tests.markets.moments import utc
from tests.markets.price_scene import write_lines


def day_of(path: Path, instrument: str = "EURUSD", time_zone: str = "UTC") -> TickFile:
    return TickFile(
        path=path,
        instrument=instrument,
        columns=QuoteColumns(time="column_1", bid="column_2", ask="column_3"),
        counts="ms",
        day=date(2014, 5, 7),
        time_zone=time_zone,
        has_header=False,
    )


def ticks(path: Path, *lines: str, timeframe: Timeframe = Timeframe.M5) -> PriceSeries:
    return read_tick_bars(day_of(write_lines(path, *lines)), timeframe)


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
        ("90000001,1.1,1.2", "column_1"),
        ("4000.5,1.1,1.2", "column_1"),
    ],
)
def test_a_bad_tick_is_refused_with_its_row_and_column(tmp_path: Path, line: str, column: str) -> None:
    with pytest.raises(FeedFormatError) as caught:
        ticks(tmp_path / "t.csv", "3000,1.1,1.2", "3000,1.1,1.2", line)
    assert (caught.value.fields["row"], caught.value.fields["column"]) == (3, column)


def test_a_zone_moves_midnight(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "t.csv", "0,1.1,1.2")
    series = read_tick_bars(day_of(path, time_zone="America/New_York"), Timeframe.H1)
    assert from_ms(int(series.sides["bid"].open_time[0])) == utc("2014-05-07 04:00")


def test_a_zone_whose_midnight_falls_inside_a_bar_is_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "t.csv", "0,1.1,1.2")
    with pytest.raises(ToolInputError, match="begin at midnight"):
        read_tick_bars(day_of(path, time_zone="Asia/Kolkata"), Timeframe.H1)


def test_trades_are_no_quotes_to_make_bars_of(tmp_path: Path) -> None:
    columns = TradeColumns(time="column_1", price="column_2", quantity="column_3")
    source = day_of(write_lines(tmp_path / "t.csv", "0,1.1,1.2")).model_copy(update={"columns": columns})
    with pytest.raises(ToolInputError, match="expected a file of quotes"):
        read_tick_bars(source, Timeframe.M5)


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
    series = read_tick_bars(day_of(path, name.rsplit("_", 1)[-1]), Timeframe.M5)
    assert (series.report.n_rows, series.report.n_dropped) == (n_ticks, n_dirty)
    assert len(series.sides["bid"]) == 288
    assert (series.sides["ask"].close > series.sides["bid"].close).all()


def test_clean_and_cleaned_ticks_of_one_day_agree(shared_data: Path) -> None:
    # The FXCM file does not say its zone; at five hours behind UTC, and only there, it agrees.
    median_pips = {}
    for zone in ("Etc/GMT+4", "Etc/GMT+5", "Etc/GMT+6"):
        dirty, clean = (
            read_tick_bars(
                day_of(shared_data / "fx_ticks" / f"{name}_eurusd_20140507_quote.zip", time_zone=its_zone),
                Timeframe.M5,
            ).sides["bid"]
            for name, its_zone in (("fxcm_dirty", zone), ("oanda", "UTC"))
        )
        _, mine, its = np.intersect1d(dirty.open_time, clean.open_time, return_indices=True)
        median_pips[zone] = float(np.median(np.abs(dirty.close[mine] - clean.close[its]))) * 10_000
    assert median_pips["Etc/GMT+5"] < 0.5
    assert min(median_pips["Etc/GMT+4"], median_pips["Etc/GMT+6"]) > 2
