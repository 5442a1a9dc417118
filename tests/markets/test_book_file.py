"""Recorded feeds become snapshots, updates, trades and quotes; a line that does not fit is refused."""

import gzip
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import FeedFormatError
from contracts.ticks import BookSnapshot, BookUpdate
from markets.book_file import BookFile, levels, read_book_file

NS = 1_700_000_000_000_000_000
SNAPSHOT = '{"lastUpdateId":10,"bids":[["99.50000000","1.25000000"],["99.00000000","2.00000000"]],"asks":[]}'


def stream(kind: str, data: str, symbol: str = "BTCUSDT") -> str:
    return f'{{"stream":"btcusdt@{kind}","data":{{"s":"{symbol}",{data}}}}}'


DEPTH = stream(
    "depth@100ms", '"U":11,"u":14,"b":[["99.50000000","0.00000000"]],"a":[["100.01000000","3.10000000"]]'
)
PERP = stream("depth@0ms", '"U":12,"u":14,"pu":9,"b":[["99.50","0.000"]],"a":[]')
TICKER = stream("bookTicker", '"u":13,"b":"99.50","B":"1.5","a":"99.60","A":"2.500"')
TRADE = stream("trade", '"t":7,"p":"99.60","q":"0.5","m":false')
LATER_TRADE = TRADE.replace('"t":7', '"t":8')


def read(folder: Path, *lines: str, instrument: str = "BTCUSDT") -> BookFile:
    path = folder / "feed"
    path.write_text("".join(f"{NS + i * 1_500_000} {line}\n" for i, line in enumerate(lines)))
    return read_book_file(path, instrument=instrument)


def test_each_kind_is_read_at_the_millisecond_after_its_receipt(tmp_path: Path) -> None:
    found = read(tmp_path, SNAPSHOT, DEPTH, TICKER, TRADE, LATER_TRADE.replace("false", "true"))
    snapshot, update = found.messages
    assert isinstance(snapshot, BookSnapshot)
    assert isinstance(update, BookUpdate)
    start = NS // 1_000_000
    assert (snapshot.time, snapshot.last_id, snapshot.is_whole) == (start, 10, False)
    assert (snapshot.bid_ticks.tolist(), snapshot.bid_quantity.tolist()) == ([9950, 9900], [1.25, 2.0])
    assert snapshot.ask_ticks.shape == (0,)
    assert (update.time, update.first_id, update.last_id, update.previous_id) == (start + 2, 11, 14, None)
    assert (update.bid_ticks.tolist(), update.bid_quantity.tolist()) == ([9950], [0.0])
    assert (update.ask_ticks.tolist(), update.ask_quantity.tolist()) == ([10001], [3.1])
    assert (found.quotes.time.tolist(), found.quote_ids.tolist()) == ([start + 3], [13])
    assert (found.quotes.bid[0], found.quotes.ask[0]) == (99.5, 99.6)
    assert (found.quotes.bid_size[0], found.quotes.ask_size[0]) == (1.5, 2.5)
    assert found.trades.time.tolist() == [start + 5, start + 6]
    assert found.trades.aggressor.tolist() == [1, -1]
    assert (found.trades.price.tolist(), found.trades.quantity.tolist()) == ([99.6] * 2, [0.5] * 2)
    assert found.n_rows == 5


def test_update_of_a_perpetual_says_which_one_it_follows(tmp_path: Path) -> None:
    (update,) = read(tmp_path, PERP, instrument="BTCUSDT-PERP").messages
    assert isinstance(update, BookUpdate)
    assert (update.first_id, update.last_id, update.previous_id, update.follows_id) == (12, 14, 9, 9)
    assert update.bid_ticks.tolist() == [995]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("no message", "a message of a Binance feed"),
        ('{"stream":1}', "the field 'data'"),
        ("[]", "a message of a Binance feed"),
        (DEPTH.replace('"U":11,', ""), "the field 'U'"),
        (DEPTH.replace('"U":11', '"U":"11"'), "an id, found '11'"),
        (DEPTH.replace('"U":11', '"U":15'), "to rise from pu to U to u"),
        (PERP.replace('"pu":9', '"pu":12'), "to rise from pu to U to u"),
        (DEPTH.replace("99.50000000", "99.50100000"), r"in steps of 0.01, found 99.50100000"),
        (DEPTH.replace("99.50000000", "0.00000000"), "prices over zero"),
        (DEPTH.replace("99.50000000", "-9.50000000"), "numbers such as 0.10"),
        (DEPTH.replace("99.50000000", "99,50"), "numbers such as 0.10"),
        (DEPTH.replace("99.50000000", "9950"), "numbers such as 0.10"),
        (DEPTH.replace("99.50000000", "1e2"), "numbers such as 0.10"),
        (DEPTH.replace("99.50000000", "٩٩.50000000"), "numbers such as 0.10"),
        (DEPTH.replace('"99.50000000"', "99.5"), "a message of a Binance feed"),
        (DEPTH.replace('"3.10000000"', '"NaN"'), "numbers such as 0.10"),
        (DEPTH.replace('],"a"', ',["99.0","1.00000000"]],"a"'), "all with the same decimals, found '99.0'"),
        (DEPTH.replace('"0.00000000"]', '"0.00000000","1"]'), "a message of a Binance feed"),
        (DEPTH.replace("BTCUSDT", "ETHUSDT"), "messages of BTCUSDT, found one of ETHUSDT"),
        (DEPTH.replace("depth@", "kline@"), "found the stream btcusdt@kline@100ms"),
        (TICKER.replace("99.60", "inf"), "a number such as 0.10, found 'inf'"),
        (TICKER.replace('"99.60"', "99.6"), "a message of a Binance feed"),
        (TRADE.replace("false", "null"), "whether the buyer was the maker, found None"),
        (
            TRADE.replace('"m"', '"X":"INSURANCE_FUND","m"'),
            "a trade of the market, found one of kind INSURANCE_FUND",
        ),
        (SNAPSHOT.replace('"asks"', '"offers"'), "the field 'asks'"),
        (SNAPSHOT.replace("10", "true"), "an id, found True"),
        (TICKER.replace('"u":13', '"u":9999999999999999999'), "an id, found 9999999999999999999"),
        (TICKER.replace("btcusdt@bookTicker", "btcusdt"), "found the stream btcusdt"),
        (TICKER.replace('"btcusdt@bookTicker"', "5"), "a message of a Binance feed"),
        (TRADE.replace('"t":7,', ""), "the field 't'"),
    ],
)
def test_line_that_does_not_fit_is_refused_at_its_row(tmp_path: Path, line: str, what: str) -> None:
    with pytest.raises(FeedFormatError, match=what) as caught:
        read(tmp_path, SNAPSHOT, line, LATER_TRADE)
    assert caught.value.fields["row"] == 2
    assert "row 2: expected" in str(caught.value)


@pytest.mark.parametrize("text", [b"1.5 {}", b"-5 {}", b"{}", b"", b"123 "])
def test_line_without_its_time_or_message_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "feed"
    path.write_bytes(text + b"\n")
    with pytest.raises(FeedFormatError, match="row 1"):
        read_book_file(path, instrument="BTCUSDT")


@pytest.mark.parametrize("stamp", ["1700000000", "9" * 30])
def test_time_that_is_no_count_of_nanoseconds_is_refused(tmp_path: Path, stamp: str) -> None:
    path = tmp_path / "feed"
    path.write_text(f"{stamp} {TICKER}\n")
    with pytest.raises(FeedFormatError, match=f"row 1: expected .* from 1990 to 2035, found {stamp}"):
        read_book_file(path, instrument="BTCUSDT")


def test_trade_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeedFormatError, match="row 3: expected a trade after number 8, found 8"):
        read(tmp_path, TRADE, LATER_TRADE, LATER_TRADE)


def test_time_that_goes_back_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "feed"
    path.write_text(f"{NS + 2_000_000} {TRADE}\n{NS} {LATER_TRADE}\n")
    with pytest.raises(FeedFormatError, match="row 2: expected a time not before"):
        read_book_file(path, instrument="BTCUSDT")


def test_file_that_is_not_there_or_empty_or_cut_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeedFormatError, match="found none"):
        read_book_file(tmp_path / "none", instrument="BTCUSDT")
    with pytest.raises(FeedFormatError, match="an empty file"):
        read(tmp_path)
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(f"{NS} {TICKER}\n".encode() * 50)[:-20])
    with pytest.raises(FeedFormatError, match="a readable file"):
        read_book_file(cut, instrument="BTCUSDT")


@given(
    st.lists(st.integers(1, 10**12), min_size=1, max_size=8),
    st.sampled_from(["0.01", "0.1", "0.25", "0.00000001", "5"]),
    st.integers(0, 10**15),
)
def test_prices_become_ticks_and_quantities_the_nearest_numbers(
    ticks: list[int], tick: str, quantity: int
) -> None:
    prices = [Decimal(tick) * n for n in ticks if Decimal(tick) * n < 10**10]
    pairs = [(f"{price:.8f}", f"{Decimal(quantity) / 10**8:.8f}") for price in prices]
    found, quantities = levels(pairs, Decimal(tick))
    assert found.tolist() == [int(price / Decimal(tick)) for price in prices]
    assert quantities.tolist() == [float(text) for _, text in pairs]


@pytest.mark.slow
def test_recorded_feeds_are_read_whole(shared_data: Path) -> None:
    folder = shared_data / "crypto_l2"
    for name, instrument, n_rows, n_messages, n_trades, n_quotes, n_levels in (
        ("spot_btcusdt_20240808", "BTCUSDT", 41_249, 3_452, 9_757, 28_040, 126_090),
        ("spot_btcusdt_20240809", "BTCUSDT", 58_325, 3_044, 10_147, 45_134, 174_021),
        ("usdm_btcusdt_20240808", "BTCUSDT-PERP", 93_954, 6_552, 21_313, 66_089, 445_521),
    ):
        found = read_book_file(folder / f"binance_{name}.gz", instrument=instrument)
        counts = (found.n_rows, len(found.messages), len(found.trades), len(found.quotes))
        assert counts == (n_rows, n_messages, n_trades, n_quotes)
        assert sum(len(m.bid_ticks) + len(m.ask_ticks) for m in found.messages) == n_levels
        assert (found.quotes.ask > found.quotes.bid).all()
        assert (np.diff(found.quotes.time) >= 0).all()
