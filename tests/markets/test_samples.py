"""The bundled samples are the files their source table names, in the zone it says, and complete."""

import re
from pathlib import Path

import numpy as np
import pytest

from contracts.canonical import sha256_hex
from contracts.market import from_ms, to_ms
from contracts.ticks import Trades
from markets import samples
from markets.price_file import read_prices
from markets.samples import sample_sources, sample_ticks
from markets.tick_table import read_ticks_of
from tests.conftest import ROOT
from tests.markets.moments import NEW_YORK, utc


@pytest.mark.parametrize("name", sorted(sample_sources()))
def test_a_bundled_sample_is_the_file_its_source_table_says(name: str) -> None:
    source = sample_sources()[name]
    check_source(name, source.path, read_prices(source).report.n_rows)


@pytest.mark.parametrize("name", sorted(sample_ticks()))
def test_a_bundled_file_of_trades_is_the_file_its_source_table_says(name: str) -> None:
    source = sample_ticks()[name]
    check_source(name, source.path, len(read_ticks_of(source)))


def check_source(name: str, path: Path, n_rows: int) -> None:
    sources = (ROOT / "SOURCES.md").read_text(encoding="utf-8")
    assert path.parent == Path(samples.__file__).parent / "samples"
    assert f"`{path.name}` | `{sha256_hex(path.read_bytes())}`" in sources
    assert re.search(rf"`{name}` \| `{path.name}` \| {n_rows:,} ", sources)


def test_the_hour_of_trades_lies_in_a_session_of_chicago_and_falls() -> None:
    trades = read_ticks_of(sample_ticks()["es-trades-2013"])
    assert isinstance(trades, Trades)
    first, last = (from_ms(int(at)) for at in trades.time[[0, -1]])
    assert utc("2013-09-03 14:45") <= first < last < utc("2013-09-03 15:45")
    assert (trades.price.max(), trades.price.min()) == (1647.75, 1637.25)
    assert set(trades.price % 0.25) == {0.0}
    assert trades.quantity.sum() == 320_640
    assert not trades.aggressor.any()


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
    assert from_ms(int(bars.open_time[0])) == utc("1999-01-04 00:00")
    assert from_ms(int(bars.open_time[-1])) == utc("2018-12-31 00:00")
    # 4 trading days were lost after 11 September 2001: the longest pause is a week.
    assert np.diff(bars.open_time).max() == 7 * 86_400_000
