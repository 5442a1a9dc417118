"""What holds for every registered tool that reads trades, quotes or a book.

A new kind of input needs a builder in `BUILDERS`; until it has one its tools are not tested here, and the
first test says so unless the kind is in `ELSEWHERE`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.ticks import Beside, Quotes, Trades
from tests.tools.price_paths import random_bars
from tests.tools.test_bar_tools import POWERS
from tests.tools.tick_paths import random_quotes, random_trades
from tools.formulas.catalogue import SETS
from tools.registry import Tool, ToolValue, all_tools
from tools.shared_bars import SharedBars

PLENTY = 8000
"""More rows than any of these tools needs with its default settings."""


@dataclass(frozen=True, slots=True)
class Builder:
    """How to make an input from a seed and a count, and which of its columns are prices and quantities."""

    make: Callable[[int, int], Any]
    prices: tuple[str, ...]
    quantities: tuple[str, ...]


BUILDERS: Mapping[str, Builder] = {
    "trades": Builder(random_trades, ("price",), ("quantity",)),
    "quotes": Builder(random_quotes, ("bid", "ask"), ("bid_size", "ask_size")),
}
ELSEWHERE = {"bars", "other", "book"}
"""Inputs whose tools have their laws in tests of their own."""

TICK_TOOLS = [
    entry for entry in all_tools() if entry.group not in SETS and set(entry.inputs) <= set(BUILDERS)
]
every_tool = pytest.mark.parametrize("entry", TICK_TOOLS, ids=lambda entry: entry.name)
NO_NUMBER = (np.nan, np.inf, -np.inf)
quickly = settings(max_examples=15, deadline=None)

SHIFTED: Mapping[str, float | None] = {"price": 1.0, "bps": None}
"""How a unit moves with a shift of all prices; None where it is no multiple of it. Others stay."""
SEVERAL: Mapping[str, dict[str, float]] = {
    "trade_sign_autocorrelation": {"by_ticks": 1},
    "kyle_lambda": {"by_ticks": 1},
    "effective_spread": {"by_quotes": 1},
    "realized_spread": {"by_quotes": 1},
    "trade_impact": {"by_quotes": 1},
}
"""Settings beside the default ones that read other columns."""


def inputs_of(entry: Tool, seed: int, n: int = PLENTY) -> dict[str, Any]:
    return {name: BUILDERS[name].make(seed, n) for name in entry.inputs}


def asked(entry: Tool, given: Mapping[str, Any], **params: float) -> ToolValue:
    bars = SharedBars.of(random_bars(1, 30), beside=Beside(**given))
    return entry.call(bars, **params)


def settings_of(entry: Tool) -> list[dict[str, float]]:
    return [{}, *([SEVERAL[entry.name]] if entry.name in SEVERAL else [])]


def float_columns(rows: Any) -> list[str]:
    return [f.name for f in fields(rows) if getattr(rows, f.name).dtype == np.float64]


def with_value(rows: Any, column: str, index: int | slice, value: float) -> Any:
    values = getattr(rows, column).copy()
    values[index] = value
    return replace(rows, **{column: values})


def times_factor(entry: Tool, given: Mapping[str, Any], price: float, quantity: float) -> dict[str, Any]:
    found = {}
    for name, rows in given.items():
        kind = BUILDERS[name]
        columns = {c: getattr(rows, c) * price for c in kind.prices}
        columns |= {c: getattr(rows, c) * quantity for c in kind.quantities}
        found[name] = replace(rows, **columns)
    return found


def test_every_input_has_a_builder_or_its_laws_elsewhere() -> None:
    read = {name for entry in all_tools() for name in entry.inputs}
    assert read <= set(BUILDERS) | ELSEWHERE
    assert len(TICK_TOOLS) >= 12


@every_tool
def test_plenty_of_rows_give_a_number_and_the_same_again(entry: Tool) -> None:
    for params in settings_of(entry):
        found = asked(entry, inputs_of(entry, 3), **params)
        assert found.value is not None, found
        assert found.reason is None
        assert 0 < found.n_obs <= PLENTY
        assert np.isfinite(found.value)
        assert asked(entry, inputs_of(entry, 3), **params) == found


@every_tool
def test_too_few_rows_say_how_many_are_needed(entry: Tool) -> None:
    needed = entry.min_bars(**entry.check())
    for n in {0, 1, needed // 2, needed - 1} - {needed, -1}:
        if n >= needed:
            continue
        found = asked(entry, inputs_of(entry, 5) | {entry.inputs[0]: BUILDERS[entry.inputs[0]].make(5, n)})
        assert (found.value, found.n_obs) == (None, n)
        assert found.reason is not None
        assert found.reason.startswith(f"needs {needed} ")


@every_tool
def test_any_count_of_rows_gives_a_number_or_a_reason(entry: Tool) -> None:
    whole = inputs_of(entry, 6)
    for name in entry.inputs:
        for n in (0, 1, 2, 3, 10, 50, 500):
            for cut in (slice(0, n), slice(PLENTY - n, PLENTY)):
                found = asked(entry, whole | {name: whole[name][cut]})
                assert (found.value is None) == (found.reason is not None)


@every_tool
@quickly
@given(st.integers(0, 2**31), st.integers(0, PLENTY - 1), st.sampled_from(NO_NUMBER), st.data())
def test_missing_value_gives_no_number_or_was_not_read(
    entry: Tool, seed: int, index: int, missing: float, data: st.DataObject
) -> None:
    given_ = inputs_of(entry, seed)
    name = data.draw(st.sampled_from(entry.inputs))
    column = data.draw(st.sampled_from(float_columns(given_[name])))
    params = data.draw(st.sampled_from(settings_of(entry)))
    clean = asked(entry, given_, **params)
    found = asked(entry, given_ | {name: with_value(given_[name], column, index, missing)}, **params)
    assert found.value is None or found == clean
    assert (found.value is None) == (found.reason is not None)


@every_tool
def test_missing_column_is_named_or_was_not_read(entry: Tool) -> None:
    for params in settings_of(entry):
        given_ = inputs_of(entry, 8)
        clean = asked(entry, given_, **params)
        named = []
        for name in entry.inputs:
            for column in float_columns(given_[name]):
                broken = with_value(given_[name], column, slice(None), np.nan)
                found = asked(entry, given_ | {name: broken}, **params)
                if found != clean:
                    assert found.value is None
                    assert column in (found.reason or "")
                    named.append(column)
        if entry.name != "trade_sign_autocorrelation" or params:
            assert named


@every_tool
def test_trades_without_aggressor_have_no_number_unless_signs_are_not_read(entry: Tool) -> None:
    given_ = inputs_of(entry, 9)
    trades = given_.get("trades")
    if not isinstance(trades, Trades):
        return
    for unsaid in (slice(None), PLENTY - 200):
        found = asked(entry, given_ | {"trades": with_value(trades, "aggressor", unsaid, 0)})
        if found != asked(entry, given_):
            assert found.value is None
            assert "needs trades with their aggressor" in (found.reason or "")


@every_tool
@quickly
@given(st.integers(0, 2**31), st.integers(-8, 12), st.integers(-8, 12))
def test_scaled_prices_and_quantities_scale_the_units_that_name_them_and_nothing_else(
    entry: Tool, seed: int, of_price: int, of_quantity: int
) -> None:
    # Powers of two move no rounding, so that a trade at the mid stays there.
    given_, price, quantity = inputs_of(entry, seed), 2.0**of_price, 2.0**of_quantity
    power_of_price, power_of_quantity = POWERS.get(entry.unit, (0, 0))
    assert power_of_price is not None
    for params in settings_of(entry):
        clean = asked(entry, given_, **params)
        found = asked(entry, times_factor(entry, given_, price, quantity), **params)
        if clean.value is None:
            assert found.value is None
        else:
            factor = price**power_of_price * quantity**power_of_quantity
            assert found.value == pytest.approx(clean.value * factor, rel=1e-9)
            assert len(found.warnings) == len(clean.warnings)


@every_tool
@quickly
@given(st.integers(0, 2**31), st.sampled_from([-64.0, 32.0, 4096.0]))
def test_shifted_prices_shift_a_price_and_leave_what_is_a_difference(
    entry: Tool, seed: int, shift: float
) -> None:
    moves_by = SHIFTED.get(entry.unit, 0.0)
    if moves_by is None or entry.name.startswith("roll"):
        return
    given_ = inputs_of(entry, seed)
    moved = {
        name: replace(rows, **{c: getattr(rows, c) + shift for c in BUILDERS[name].prices})
        for name, rows in given_.items()
    }
    clean, found = asked(entry, given_), asked(entry, moved)
    assert clean.value is not None
    assert found.value == pytest.approx(clean.value + moves_by * shift, rel=1e-7, abs=1e-9)


@every_tool
@quickly
@given(st.integers(0, 2**31), st.integers(1, PLENTY))
def test_rows_that_come_later_change_nothing_that_was_known(entry: Tool, seed: int, known: int) -> None:
    given_ = inputs_of(entry, seed)
    at_ms = int(next(iter(given_.values())).time[known - 1])
    cut = {name: rows.known_by(at_ms) for name, rows in given_.items()}
    before = asked(entry, cut)
    later = {name: _with_another_future(rows, at_ms) for name, rows in given_.items()}
    assert asked(entry, {name: rows.known_by(at_ms) for name, rows in later.items()}) == before


def _with_another_future(rows: Any, at_ms: int) -> Any:
    begins = len(rows.known_by(at_ms))
    columns = {name: getattr(rows, name).copy() for name in float_columns(rows)}
    for values in columns.values():
        values[begins:] = values[begins:] * 3 + 1
    return replace(rows, **columns)


@every_tool
def test_still_market_gives_a_number_or_a_reason(entry: Tool) -> None:
    given_ = inputs_of(entry, 4)
    for name, rows in given_.items():
        still = {c: np.full(len(rows), 7.0 + (c == "ask")) for c in float_columns(rows)}
        given_[name] = replace(rows, **still)
    for params in settings_of(entry):
        found = asked(entry, given_, **params)
        assert (found.value is None) == (found.reason is not None)


@every_tool
def test_tool_leaves_what_it_reads_as_it_was_and_reads_every_other_row_like_its_copy(entry: Tool) -> None:
    given_ = inputs_of(entry, 7, 2 * PLENTY)
    strided = {name: rows[::2] for name, rows in given_.items()}
    copied = {name: _frozen_copy(rows) for name, rows in strided.items()}
    kept = {name: _frozen_copy(rows) for name, rows in strided.items()}
    for params in settings_of(entry):
        assert asked(entry, strided, **params) == asked(entry, copied, **params)
    for name, rows in strided.items():
        for column in fields(rows):
            np.testing.assert_array_equal(getattr(rows, column.name), getattr(kept[name], column.name))


def _frozen_copy(rows: Any) -> Any:
    columns = {column.name: getattr(rows, column.name).copy() for column in fields(rows)}
    for values in columns.values():
        values.flags.writeable = False
    return replace(rows, **columns)


def test_builders_give_rows_as_a_venue_does() -> None:
    for seed in range(5):
        quotes, trades = random_quotes(seed, 500), random_trades(seed, 500)
        for rows in (quotes, trades):
            assert (np.diff(rows.time) >= 0).all()
        assert isinstance(quotes, Quotes)
        assert (quotes.ask > quotes.bid).all()
        assert set(np.unique(trades.aggressor)) == {-1, 1}
