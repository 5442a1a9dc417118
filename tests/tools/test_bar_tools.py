"""What holds for every registered tool that has one value a bar."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.market import Float1D
from tests.tools.price_paths import scaled, traded_bars, with_missing
from tools.formulas.catalogue import SETS
from tools.registry import Tool, ToolValue, all_tools
from tools.talib_entries import catalogue

TOOLS = [entry for entry in all_tools() if entry.group not in SETS and entry.estimate is None]
"""Those with a series; a tool that estimates has its laws where its model is tested."""
TALIB = frozenset(catalogue())
"""These sum as they run, so that their last digits depend on where the bars begin."""
every_tool = pytest.mark.parametrize("entry", TOOLS, ids=lambda entry: entry.name)
quickly = settings(max_examples=10, deadline=None)
PLENTY = 300
"""More bars than any tool needs with its default settings."""

POWERS: dict[str, tuple[int | None, int]] = {
    "price": (1, 0),
    "price per bar": (1, 0),
    "price squared": (2, 0),
    "price x volume": (1, 1),
    "price per volume": (1, -1),
    "volume": (0, 1),
    "bps per million traded": (-1, -1),
    # An angle on paper: no power of the price.
    "degrees of one price unit a bar": (None, 0),
}
"""How a unit grows with prices and with volumes; every other one with neither."""
LATER = ("no pivot of this level is confirmed on these bars",)
"""Of tools whose first value waits for the market, not for a count of bars."""


@every_tool
@quickly
@given(st.integers(0, 2**32 - 1), st.integers(0, PLENTY), st.sampled_from([0.0, 0.3, 0.9]))
def test_series_has_one_value_a_bar_and_none_infinite(entry: Tool, seed: int, n: int, still: float) -> None:
    values = entry.series(traded_bars(seed, n, still))
    assert values.shape == (n,)
    assert values.dtype == np.float64
    assert not np.isinf(values).any()


@every_tool
@quickly
@given(st.integers(0, 2**32 - 1), st.integers(1, PLENTY))
def test_changed_future_leaves_every_earlier_value_as_it_was(entry: Tool, seed: int, known: int) -> None:
    bars, other = traded_bars(seed, PLENTY, 0.2), traded_bars(seed + 1, PLENTY, level=7.0)
    columns = ("open", "high", "low", "close", "volume")
    changed = replace(
        bars, **{name: np.r_[getattr(bars, name)[:known], getattr(other, name)[known:]] for name in columns}
    )
    before = entry.series(bars)[:known]
    np.testing.assert_array_equal(entry.series(changed)[:known], before)
    np.testing.assert_allclose(entry.series(bars[:known]), before, rtol=1e-12, atol=0)


@every_tool
@quickly
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e5))
def test_scaled_prices_and_volumes_scale_the_units_that_name_them_and_nothing_else(
    entry: Tool, seed: int, factor: float
) -> None:
    bars = traded_bars(seed, PLENTY, 0.1)
    of_price, of_volume = POWERS.get(entry.unit, (0, 0))
    if of_price is not None:
        _assert_alike(entry.series(scaled(bars, factor)), entry.series(bars) * factor**of_price)
    busier = replace(bars, volume=bars.volume * factor)
    _assert_alike(entry.series(busier), entry.series(bars) * factor**of_volume)


def _assert_alike(found: Float1D, expected: Float1D) -> None:
    # Differences of averages lose digits near zero: the size to compare with is the series' own.
    size = float(np.nanmax(np.abs(expected), initial=0.0))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * size)


@every_tool
def test_short_sample_has_a_reason_and_one_bar_more_a_value(entry: Tool) -> None:
    needed = entry.min_bars(**entry.check())
    rows = "bar" if needed == 1 else "bars"
    for n in range(needed):
        found = entry.call(traded_bars(5, n))
        assert found == ToolValue(None, n, f"needs {needed} {rows}, has {n}")
        assert np.isnan(entry.series(traded_bars(5, n))).all()
    bars = traded_bars(5, PLENTY)
    first = np.flatnonzero(np.isfinite(entry.series(bars)))[0]
    if entry.undefined in LATER:
        assert first >= needed - 1
        assert entry.call(bars[:first]).reason == entry.undefined
    else:
        assert first == needed - 1
        assert entry.call(traded_bars(5, needed)).value is not None


@every_tool
@quickly
@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, PLENTY - 1),
    st.sampled_from([np.nan, np.inf, -np.inf]),
    st.data(),
)
def test_missing_price_is_never_read_over(
    entry: Tool, seed: int, index: int, missing: float, data: st.DataObject
) -> None:
    column = data.draw(st.sampled_from(entry.columns))
    bars = with_missing(traded_bars(seed, PLENTY), column, index, missing)
    values = entry.series(bars)
    covered = PLENTY if entry.settled_bars else entry.min_bars(**entry.check()) - 1
    assert np.isnan(values[index : index + covered]).all()
    if PLENTY - index < covered:
        found = entry.call(bars)
        assert found.value is None
        assert found.reason is not None
        assert column in found.reason


@every_tool
def test_windowed_tool_forgets_a_missing_price(entry: Tool) -> None:
    bars = traded_bars(4, PLENTY)
    gapped = with_missing(bars, entry.columns[-1], 20)
    if entry.settled_bars:
        assert np.isnan(entry.series(gapped)[20:]).all()
    else:
        beyond = 20 + entry.min_bars(**entry.check())
        found, expected = entry.series(gapped)[beyond:], entry.series(bars)[beyond:]
        if entry.name in TALIB:
            _assert_alike(found, expected)
        else:
            np.testing.assert_array_equal(found, expected)


@every_tool
@quickly
@given(st.integers(0, 2**32 - 1), st.integers(1, PLENTY), st.sampled_from([0.0, 0.5]))
def test_call_is_the_end_of_the_series(entry: Tool, seed: int, n: int, still: float) -> None:
    bars = traded_bars(seed, n, still)
    found, last = entry.call(bars), entry.series(bars)[-1]
    assert (found.value is None) == bool(np.isnan(last))
    assert (found.value is None) == (found.reason is not None)
    if found.value is not None:
        size = float(np.nanmax(np.abs(entry.series(bars))))
        assert found.value == pytest.approx(last, rel=1e-12, abs=1e-9 * size * (entry.name in TALIB))


@every_tool
def test_tool_leaves_the_bars_as_they_were(entry: Tool) -> None:
    bars = traded_bars(6, PLENTY)
    frozen = replace(bars, **{name: getattr(bars, name).copy() for name in entry.columns})
    for name in entry.columns:
        getattr(frozen, name).flags.writeable = False
    entry.series(frozen)
    for name in entry.columns:
        np.testing.assert_array_equal(getattr(frozen, name), getattr(bars, name))


@every_tool
def test_every_other_bar_of_a_longer_history_reads_like_its_copy(entry: Tool) -> None:
    strided = traded_bars(7, 2 * PLENTY)[::2]
    copied = replace(strided, **{name: getattr(strided, name).copy() for name in entry.columns})
    np.testing.assert_array_equal(entry.series(strided), entry.series(copied))
