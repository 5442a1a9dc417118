"""Files of trades and quotes: read as described, and refused at the first cell that does not fit."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from contracts.errors import FeedFormatError
from contracts.market import to_ms
from contracts.ticks import Quotes, Trades
from markets.tick_table import QuoteColumns, TickFile, TradeColumns, read_ticks_of
from tests.markets.moments import utc
from tests.markets.price_scene import write_lines

TRADES = TradeColumns(time="t", price="p", quantity="q", aggressor="side")
QUOTES = QuoteColumns(time="column_1", bid="column_2", ask="column_3")


def trade_file(path: Path, *lines: str, **changes: object) -> TickFile:
    described = {"columns": TRADES, "time_format": "%Y-%m-%d %H:%M:%S.%f"} | changes
    return TickFile.model_validate(
        {"path": write_lines(path, "t,p,q,side", *lines), "instrument": "ES", **described}
    )


def test_trades_are_read_with_who_took_and_may_share_a_time(tmp_path: Path) -> None:
    found = read_ticks_of(
        trade_file(
            tmp_path / "t.csv",
            "2013-10-07 13:30:00.250,1674.25,3,buy",
            "2013-10-07 13:30:00.250,1674.00,2,sell",
            "2013-10-07 13:30:01.000,1674.00,1,",
        )
    )
    assert isinstance(found, Trades)
    start = to_ms(utc("2013-10-07 13:30"))
    assert found.time.tolist() == [start + 250, start + 250, start + 1000]
    assert found.price.tolist() == [1674.25, 1674.0, 1674.0]
    assert found.quantity.tolist() == [3.0, 2.0, 1.0]
    assert found.aggressor.tolist() == [1, -1, 0]


def test_without_a_column_for_it_nobody_knows_who_took(tmp_path: Path) -> None:
    columns = TradeColumns(time="t", price="p", quantity="q")
    source = trade_file(tmp_path / "t.csv", "2013-10-07 13:30:00.250,1674.25,3,buy", columns=columns)
    found = read_ticks_of(source)
    assert isinstance(found, Trades)
    assert found.aggressor.tolist() == [0]


def test_quotes_counted_from_midnight_of_a_day_in_its_zone(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "q.csv", "0,1.10,1.12", "1500,1.11,1.10")
    source = TickFile(
        path=path,
        instrument="EURUSD",
        columns=QUOTES,
        counts="ms",
        day=date(2014, 5, 7),
        time_zone="America/New_York",
        has_header=False,
    )
    found = read_ticks_of(source)
    assert isinstance(found, Quotes)
    assert found.time.tolist() == [to_ms(utc("2014-05-07 04:00")), to_ms(utc("2014-05-07 04:00")) + 1500]
    # A crossed quote stands; what reads it says what it makes of it.
    assert (found.bid.tolist(), found.ask.tolist()) == ([1.10, 1.11], [1.12, 1.10])
    assert np.isnan(found.bid_size).all()
    assert np.isnan(found.ask_size).all()


@pytest.mark.parametrize(
    ("counts", "written", "ms"),
    [
        ("ms", "1723075200123", 1723075200123),
        ("us", "1723075200123000", 1723075200123),
        # Up to the next millisecond: within its own one it was not known from the start.
        ("us", "1723075200123001", 1723075200124),
        ("ns", "1723075200123000001", 1723075200124),
    ],
)
def test_times_counted_since_1970_never_come_out_early(
    tmp_path: Path, counts: str, written: str, ms: int
) -> None:
    source = trade_file(tmp_path / "t.csv", f"{written},1,1,", counts=counts, time_format=None)
    assert read_ticks_of(source).time.tolist() == [ms]


def test_an_hour_that_the_clock_shows_twice_is_read_in_order(tmp_path: Path) -> None:
    lines = [f"2014-11-02 01:{minute}:00.0,1,1," for minute in ("30", "30", "59", "10", "10", "40")]
    found = read_ticks_of(trade_file(tmp_path / "t.csv", *lines, time_zone="America/New_York"))
    start = to_ms(utc("2014-11-02 05:00"))
    assert ((found.time - start) // 60_000).tolist() == [30, 30, 59, 70, 70, 100]


@pytest.mark.parametrize(
    ("line", "column", "expected"),
    [
        ("2013-10-07 13:29:59.000,1,1,buy", "t", "a time not before"),
        ("noon,1,1,buy", "t", "a time written as"),
        ("1980-10-07 13:30:00.250,1,1,buy", "t", "1990 to 2035"),
        ("2013-10-07 13:30:01.000,0,1,buy", "p", "above zero"),
        ("2013-10-07 13:30:01.000,one,1,buy", "p", "a number"),
        ("2013-10-07 13:30:01.000,1,-1,buy", "q", "above zero"),
        ("2013-10-07 13:30:01.000,1,,buy", "q", "a number"),
        ("2013-10-07 13:30:01.000,1,1,hold", "side", "buy, sell or nothing"),
    ],
)
def test_a_bad_row_is_refused_with_its_place(tmp_path: Path, line: str, column: str, expected: str) -> None:
    source = trade_file(tmp_path / "t.csv", "2013-10-07 13:30:00.250,1,1,buy", line)
    with pytest.raises(FeedFormatError, match=f"row 3, column {column}: expected .*{expected}"):
        read_ticks_of(source)


def test_a_size_may_be_absent_and_never_negative(tmp_path: Path) -> None:
    columns = QuoteColumns(time="t", bid="b", ask="a", bid_size="bs", ask_size="as")

    def read(*lines: str) -> Quotes:
        path = write_lines(tmp_path / "q.csv", "t,b,a,bs,as", *lines)
        found = read_ticks_of(TickFile(path=path, instrument="ES", columns=columns, counts="ms"))
        assert isinstance(found, Quotes)
        return found

    found = read("1723075200123,1,2,,5")
    assert np.isnan(found.bid_size[0])
    assert found.ask_size[0] == 5
    with pytest.raises(FeedFormatError, match="column bs: expected a size of zero or more"):
        read("1723075200123,1,2,-1,5")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"columns": {"time": "t", "price": "p"}}, "quantity"),
        ({"columns": {"time": "t", "bid": "p", "ask": "q", "price": "p"}}, "price"),
        ({"counts": "ms", "time_format": "%Y"}, "expected counts or time_format, found both"),
        ({"counts": None, "day": "2014-05-07"}, "expected counts beside day"),
        ({"instrument": "NOTHING"}, "NOTHING"),
        ({"time_zone": "Nowhere"}, "IANA"),
    ],
)
def test_a_description_that_cannot_be_meant_is_refused(changes: dict[str, object], named: str) -> None:
    described = {"path": "t.csv", "instrument": "ES", "columns": TRADES, "counts": "ms"}
    with pytest.raises(ValidationError, match=named):
        TickFile.model_validate(described | changes)
