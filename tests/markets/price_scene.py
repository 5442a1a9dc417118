"""Price files on disk and their descriptions, for the tests that read or refuse them."""

import gzip
from datetime import datetime
from pathlib import Path

import pytest

from contracts.errors import FeedFormatError
from contracts.market import Bars, from_ms
from markets.price_file import PriceColumns, PriceFile, PriceSeries, read_prices

HEADER = "time,open,high,low,close"
MONDAY = ("2017-05-15 10:00,1.10,1.12,1.09,1.11", "2017-05-15 11:00,1.11,1.13,1.10,1.12")
ONE_SIDED = PriceColumns(time="time", open="open", high="high", low="low", close="close")
TWO_SIDED = PriceColumns(
    time="time",
    bid_open="bid_open",
    bid_high="bid_high",
    bid_low="bid_low",
    bid_close="bid_close",
    ask_open="ask_open",
    ask_high="ask_high",
    ask_low="ask_low",
    ask_close="ask_close",
)


def write_lines(path: Path, *lines: str) -> Path:
    """These lines as a file, compressed where its name ends in .gz."""
    text = "\n".join(lines) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def one_sided(path: Path, **changes: object) -> PriceFile:
    """The description of an hourly file of EUR/USD asks, with `changes`."""
    described = {
        "path": path,
        "instrument": "EURUSD",
        "timeframe": "1h",
        "columns": ONE_SIDED,
        "side": "ask",
        "time_format": "%Y-%m-%d %H:%M",
    }
    return PriceFile.model_validate(described | changes)


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
