"""Every formula on real prices: nothing infinite, and where there is never a value, it is known why."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from bench.coverage import NO_VWAP, WHY_EMPTY, Coverage, cover
from bench.forex_files import POINTS
from bench.real_panels import forex_panel, oanda_panel
from tools.formulas.catalogue import published
from tools.formulas.conventions import DEFAULT
from tools.formulas.engine import Panel, compute_formulas, why_missing
from tools.formulas.reach import reach_of

pytestmark = pytest.mark.slow

ALL = tuple(published())
BARS = 3_000
NEVER_KNOWN_HERE = {"alpha101_096", "alpha191_064"}
"""Of the ten forex symbols, whose ranks hardly ever change from hour to hour."""


@pytest.fixture(scope="module")
def forex(shared_data: Path) -> Panel:
    return forex_panel(shared_data, BARS)


@pytest.fixture(scope="module")
def oanda(shared_data: Path) -> Panel:
    return oanda_panel(shared_data, BARS)


@pytest.fixture(scope="module")
def forex_coverage(forex: Panel) -> Mapping[str, Coverage]:
    return cover(forex)


@pytest.fixture(scope="module")
def oanda_coverage(oanda: Panel) -> Mapping[str, Coverage]:
    return cover(oanda)


def test_the_panel_is_the_ten_symbols_at_their_prices(forex: Panel) -> None:
    assert forex["close"].shape == (BARS, len(POINTS))
    low, high = np.nanmin(forex["low"], axis=0), np.nanmax(forex["high"], axis=0)
    # GBP/USD in the second half of 2018.
    assert low[0] > 1.2
    assert high[0] < 1.4
    assert np.isnan(forex["close"]).mean() < 0.02
    assert (forex["volume"][np.isfinite(forex["volume"])] > 0).all()


def test_what_a_panel_lacks_is_named_and_nothing_else_is(forex: Panel, oanda: Panel) -> None:
    told = set(why_missing(ALL, forex, conventions=NO_VWAP).values())
    assert told == {
        "needs amount",
        "needs cap",
        "needs benchmark_close",
        "needs benchmark_close and benchmark_open",
        "needs factor_market and factor_size and factor_value",
    }
    by_volume = {
        name
        for name, reason in why_missing(ALL, oanda, conventions=NO_VWAP).items()
        if "volume" in reason.split()
    }
    reads = {name for name in ALL if "volume" in reach_of(published()[name].tree, NO_VWAP).fields}
    assert by_volume == reads
    assert "needs volume" in why_missing(["alpha101_012"], oanda).values()


def test_without_a_vwap_the_default_reading_says_so(forex: Panel) -> None:
    lacking = why_missing(ALL, forex)
    reads = {name for name in ALL if "vwap" in reach_of(published()[name].tree, DEFAULT).fields}
    assert reads == {name for name, reason in lacking.items() if "vwap" in reason}
    assert len(reads) > 100


def test_nothing_is_infinite(forex: Panel, oanda: Panel) -> None:
    for panel in (forex, oanda):
        for name, values in compute_formulas(ALL, panel, conventions=NO_VWAP).items():
            assert not np.isinf(values).any(), name


def test_those_that_are_never_known_are_the_explained_ones(
    forex_coverage: Mapping[str, Coverage], oanda_coverage: Mapping[str, Coverage]
) -> None:
    assert {name for name, one in forex_coverage.items() if one.is_empty} == NEVER_KNOWN_HERE
    assert {name for name, one in oanda_coverage.items() if one.is_empty} == set()
    assert set(WHY_EMPTY) >= NEVER_KNOWN_HERE


def test_flat_ranks_are_what_keeps_them_from_a_value(forex: Panel) -> None:
    filled = cover(forex, NO_VWAP.model_copy(update={"flat_correlation": "zero"}))
    assert not [name for name, one in filled.items() if one.is_empty]
    assert min(one.known for one in filled.values() if one.reason is None) > 0.6


def test_those_that_never_change_are_the_explained_ones(
    forex_coverage: Mapping[str, Coverage], oanda_coverage: Mapping[str, Coverage], oanda: Panel
) -> None:
    assert {name for name, one in forex_coverage.items() if one.is_constant} == {"alpha360_close0"}
    assert {name for name, one in oanda_coverage.items() if one.is_constant} == {
        "alpha360_close0",
        "alpha101_004",
        "alpha191_015",
    }
    # In these months every open is the close before it, so there is never a gap.
    assert np.array_equal(oanda["open"][1:], oanda["close"][:-1])


def test_what_is_bounded_on_paper_is_bounded_on_real_prices(
    forex_coverage: Mapping[str, Coverage],
) -> None:
    for name, one in forex_coverage.items():
        text = published()[name].text
        if one.reason is not None or one.is_empty:
            continue
        if text.startswith(("ts_corr(", "-ts_corr(")) and text.count("ts_corr") == 1 and text.endswith(")"):
            assert -1 <= one.low <= one.high <= 1, name
        if text.startswith("ts_rank(") and name.startswith("alpha158"):
            assert 0 < one.low <= one.high <= 1, name
    assert 0 <= forex_coverage["alpha158_cntp60"].low < forex_coverage["alpha158_cntp60"].high <= 1
    assert 0 <= forex_coverage["alpha158_rsv5"].low < forex_coverage["alpha158_rsv5"].high <= 1


def test_the_last_row_alone_is_the_last_row_of_the_history(forex: Panel, oanda: Panel) -> None:
    for panel in (forex, oanda):
        for rows in (BARS, 2_501):
            cut = {name: np.ascontiguousarray(values[:rows]) for name, values in panel.items()}
            whole = compute_formulas(ALL, cut, conventions=NO_VWAP)
            last = compute_formulas(ALL, cut, conventions=NO_VWAP, last_only=True)
            for name in ALL:
                assert np.array_equal(whole[name][-1:], last[name], equal_nan=True), name


def test_later_bars_change_no_earlier_row(forex: Panel) -> None:
    rows = 2_700
    whole = compute_formulas(ALL, forex, conventions=NO_VWAP)
    cut = {name: np.ascontiguousarray(values[:rows]) for name, values in forex.items()}
    for name, values in compute_formulas(ALL, cut, conventions=NO_VWAP).items():
        assert np.array_equal(whole[name][:rows], values, equal_nan=True), name
