"""Recorded Binance feeds: a line is the local nanoseconds, a space, and what the exchange sent, as JSON.

Four things are read: a REST depth snapshot, and of the combined stream depthUpdate, bookTicker and trade; one
instrument a file. The first line that does not fit ends the reading with a FeedFormatError that names file
and row. Prices become whole ticks by integers alone; a price between two ticks is refused.

Every time is the one of receipt, rounded up to a millisecond, because that is when a desk could know it. The
recorder's clock may be off the exchange's by seconds.
"""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from pydantic import BaseModel, ConfigDict, field_validator

from contracts.errors import FeedFormatError
from contracts.market import Float1D, Instrument, Int1D
from contracts.ticks import BookMessage, BookSnapshot, BookUpdate, Quotes, Trades
from markets.file_times import FIRST_MS, PAST_LAST_MS
from markets.instruments import known_id, resolve

_NUMBER = re.compile(r"[0-9]{1,10}\.([0-9]{1,8})")
_LARGEST_SHOWN = 60
_LARGEST_ID = 2**63 - 1


class BookSource(BaseModel):
    """A recorded feed among the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    """Plain or .gz; a relative one from where the desk starts."""
    instrument: str
    """Any name `markets/instruments.py` resolves."""

    @field_validator("instrument")
    @classmethod
    def _is_known(cls, alias: str) -> str:
        return known_id(alias)


@dataclass(frozen=True, slots=True)
class BookFile:
    """What one file holds, each kind in the order of receipt."""

    instrument: Instrument
    messages: tuple[BookMessage, ...]
    trades: Trades
    quotes: Quotes
    quote_ids: Int1D
    """The change after which each quote stood, to hold a book against."""
    n_rows: int


class _Unfit(ValueError):
    """A message is not what it must be, said in our words."""


class _Rows:
    """The rows of trades and of quotes as they come."""

    def __init__(self) -> None:
        self.trades: list[tuple[int, float, float, int]] = []
        self.quotes: list[tuple[int, float, float, float, float, int]] = []
        self.last_trade = -1


def read_book_file(path: Path, *, instrument: str) -> BookFile:
    """Read a plain or .gz file of one instrument. Raises FeedFormatError."""
    row = resolve(instrument)
    path = path.expanduser()
    if not path.is_file():
        raise FeedFormatError(f"expected a recorded feed at {path}, found none", path=str(path))
    rows, messages = _Rows(), list[BookMessage]()
    number = before = 0
    for number, line in enumerate(_lines(path), start=1):
        try:
            time, message = _read(line, row, rows)
            if time < before:
                raise _Unfit("expected a time not before the row above, found an earlier one")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _error(path, number, error, line) from error
        before = time
        if message is not None:
            messages.append(message)
    if number == 0:
        raise FeedFormatError(f"{path}: expected messages, found an empty file", path=str(path))
    return BookFile(row, tuple(messages), *_columns(rows), number)


def levels(pairs: Sequence[tuple[str, str]], tick_size: Decimal) -> tuple[Int1D, Float1D]:
    """Ticks and quantities of prices and quantities written as decimals. ValueError for what is neither."""
    prices, quantities = [price for price, _ in pairs], [quantity for _, quantity in pairs]
    return _ticks(prices, tick_size), _floats(quantities)


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from file
    except (OSError, EOFError, zlib.error) as error:
        expected = f"expected a readable file at {path}, found: {error}"
        raise FeedFormatError(expected, path=str(path)) from error


def _read(line: bytes, row: Instrument, rows: _Rows) -> tuple[int, BookMessage | None]:
    time, text = _received(line)
    sent = orjson.loads(text)
    if "stream" not in sent:
        return time, _snapshot(time, sent, row.tick_size)
    stream, data = sent["stream"], sent["data"]
    kind = stream.partition("@")[2].partition("@")[0]
    if data["s"] != row.base_currency + row.quote_currency:
        expected = f"{row.base_currency}{row.quote_currency}"
        raise _Unfit(f"expected messages of {expected}, found one of {data['s']}")
    if kind == "depth":
        return time, _update(time, data, row.tick_size)
    if kind == "bookTicker":
        bid, bid_size, ask, ask_size = (_float(data[name]) for name in "bBaA")
        rows.quotes.append((time, bid, ask, bid_size, ask_size, _whole(data["u"])))
    elif kind == "trade":
        rows.trades.append((time, *_trade(data, rows)))
    else:
        raise _Unfit(f"expected depth, bookTicker or trade, found the stream {stream}")
    return time, None


def _received(line: bytes) -> tuple[int, bytes]:
    """When a message came, and the message."""
    stamp, _, text = line.partition(b" ")
    if not stamp.isdigit():
        found = line[:_LARGEST_SHOWN]
        raise _Unfit(f"expected nanoseconds since 1970 and a space before the message, found {found!r}")
    time = -(-int(stamp) // 1_000_000)
    if not FIRST_MS <= time < PAST_LAST_MS:
        shown = stamp[:_LARGEST_SHOWN].decode()
        raise _Unfit(f"expected nanoseconds since 1970 of a time from 1990 to 2035, found {shown}")
    return time, text


def _trade(data: dict[str, Any], rows: _Rows) -> tuple[float, float, int]:
    """Price, quantity and who took; a trade that was told before would count twice."""
    if data.get("X", "MARKET") != "MARKET":
        raise _Unfit(f"expected a trade of the market, found one of kind {data['X']}")
    number = _whole(data["t"])
    if number <= rows.last_trade:
        raise _Unfit(f"expected a trade after number {rows.last_trade}, found {number}; leave out the row")
    rows.last_trade = number
    # `m`: the buyer was the maker, so the seller took.
    is_maker_buyer = data["m"]
    if not isinstance(is_maker_buyer, bool):
        raise _Unfit(f"expected whether the buyer was the maker, found {is_maker_buyer!r}")
    return _float(data["p"]), _float(data["q"]), -1 if is_maker_buyer else 1


def _snapshot(time: int, sent: dict[str, Any], tick_size: Decimal) -> BookSnapshot:
    bids, asks = levels(sent["bids"], tick_size), levels(sent["asks"], tick_size)
    return BookSnapshot(time, _whole(sent["lastUpdateId"]), *bids, *asks)


def _update(time: int, data: dict[str, Any], tick_size: Decimal) -> BookUpdate:
    first, last = _whole(data["U"]), _whole(data["u"])
    previous = _whole(data["pu"]) if "pu" in data else None
    if not (first <= last and (previous is None or previous < first)):
        found = f"pu {previous}, U {first}, u {last}"
        raise _Unfit(f"expected the ids of an update to rise from pu to U to u, found {found}")
    return BookUpdate(
        time, first, last, previous, *levels(data["b"], tick_size), *levels(data["a"], tick_size)
    )


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST_ID:
        raise _Unfit(f"expected an id, found {value!r}")
    return value


def _ticks(texts: list[str], tick_size: Decimal) -> Int1D:
    if not texts:
        return np.empty(0, np.int64)
    decimals = _decimals(texts)
    written = np.fromstring(",".join(texts).replace(".", ""), dtype=np.int64, sep=",")
    ratio = Fraction(1, 10**decimals) / Fraction(tick_size)
    ticks, rest = np.divmod(written * ratio.numerator, ratio.denominator)
    is_bad = (rest != 0) | (ticks <= 0)
    if is_bad.any():
        found = texts[int(is_bad.argmax())]
        raise _Unfit(f"expected prices over zero in steps of {tick_size}, found {found}")
    return ticks


def _floats(texts: list[str]) -> Float1D:
    if not texts:
        return np.empty(0)
    _decimals(texts)
    return np.fromstring(",".join(texts), dtype=np.float64, sep=",")


def _float(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise _Unfit(f"expected a number such as 0.10, found {text!r}")
    return float(text)


def _decimals(texts: list[str]) -> int:
    """How many decimals all of them have; ValueError where they differ or one is no such number."""
    first = _NUMBER.fullmatch(texts[0])
    decimals = len(first[1]) if first else 0
    pattern = re.compile(rf"[0-9]{{1,10}}\.[0-9]{{{decimals}}}")
    # One look at all of them is many times faster than one at each.
    if first and re.fullmatch(rf"(?:{pattern.pattern},)+", ",".join([*texts, ""])):
        return decimals
    found = next((text for text in texts if not pattern.fullmatch(text)), texts[0])
    raise _Unfit(f"expected numbers such as 0.10, all with the same decimals, found {found!r}")


def _columns(rows: _Rows) -> tuple[Trades, Quotes, Int1D]:
    times, prices, quantities, aggressors = zip(*rows.trades, strict=True) if rows.trades else ((),) * 4
    trades = Trades(_ints(times), np.array(prices, float), np.array(quantities, float), _ints(aggressors))
    columns = list(zip(*rows.quotes, strict=True)) if rows.quotes else [()] * 6
    quotes = Quotes(_ints(columns[0]), *(np.array(column, float) for column in columns[1:5]))
    return trades, quotes, _ints(columns[5])


def _ints(values: Sequence[int | float]) -> Int1D:
    return np.array(values, np.int64)


def _error(path: Path, row: int, error: Exception, line: bytes) -> FeedFormatError:
    what = f"expected a message of a Binance feed, found {line[:_LARGEST_SHOWN]!r}"
    if isinstance(error, KeyError):
        what = f"expected the field {error}, found none"
    elif isinstance(error, _Unfit):
        what = str(error)
    return FeedFormatError(f"{path}, row {row}: {what}", path=str(path), row=row)
