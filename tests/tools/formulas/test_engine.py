"""The engine: what holds for every formula whatever it computes, and what the engine itself promises."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from contracts.errors import ToolInputError
from tests.tools.formulas.panels import is_same, random_panel
from tools.formulas.catalogue import Formula, find_formula, published
from tools.formulas.conventions import DEFAULT, Conventions
from tools.formulas.engine import Panel, compute_formulas, iter_formulas, why_missing
from tools.formulas.reach import reach_of

ALL = tuple(published())
CROSS_SECTIONAL = {name for name in ALL if reach_of(published()[name].tree, DEFAULT).is_cross_sectional}
RECURSIVE = {name for name in ALL if reach_of(published()[name].tree, DEFAULT).is_recursive}
BARS, COLUMNS = 320, 10
PANEL = random_panel(BARS, COLUMNS, seed=5, holes=0.001)


def _cut(panel: Panel, rows: slice) -> Panel:
    return {name: np.ascontiguousarray(values[rows]) for name, values in panel.items()}


def _mine(text: str) -> dict[str, Formula]:
    return {"mine": Formula("mine", text, "", "", "")}


def _value(text: str, panel: Panel, conventions: Conventions = DEFAULT) -> np.ndarray:
    return compute_formulas(["mine"], panel, conventions=conventions, catalogue=_mine(text))["mine"]


@pytest.mark.slow
def test_a_changed_future_changes_no_row_of_the_past() -> None:
    now = 280
    changed = {name: values.copy() for name, values in PANEL.items()}
    for name, values in changed.items():
        if name != "industry":
            values[now:] *= 1.7
            values[now + 3, 2] = np.nan
    before, after = compute_formulas(ALL, PANEL), compute_formulas(ALL, changed)
    for name in ALL:
        assert np.array_equal(before[name][:now], after[name][:now], equal_nan=True), name
    assert (
        sum(not np.array_equal(before[name][now:], after[name][now:], equal_nan=True) for name in ALL) > 800
    )


@pytest.mark.slow
def test_a_panel_cut_at_a_row_gives_the_same_rows() -> None:
    whole, cut = compute_formulas(ALL, PANEL), compute_formulas(ALL, _cut(PANEL, slice(0, 290)))
    for name in ALL:
        assert np.array_equal(whole[name][:290], cut[name], equal_nan=True), name


@pytest.mark.slow
def test_where_the_panel_begins_changes_nothing_after_the_lookback() -> None:
    begin = 40
    panel = {name: values for name, values in PANEL.items() if name != "returns"}
    whole, later = compute_formulas(ALL, panel), compute_formulas(ALL, _cut(panel, slice(begin, None)))
    for name in ALL:
        reach = reach_of(published()[name].tree, DEFAULT)
        known_from = min(reach.bars - 1, BARS - begin)
        old, new = whole[name][begin + known_from :], later[name][known_from:]
        if name not in RECURSIVE:
            assert np.array_equal(old, new, equal_nan=True), name
        # A choice may be known before both of its branches are, and a regression that skips bars as well.
        if "?" not in published()[name].text and "_where" not in published()[name].text:
            assert np.isnan(later[name][: reach.bars - 1]).all(), name


@pytest.mark.slow
def test_recursive_averages_forget_where_the_panel_begins() -> None:
    """An sma(x, d, q) of two histories that share k bars differs by at most (1 - q/d)^k of the range of x."""
    long = random_panel(2600, 6, seed=6)
    begin = 300
    whole, later = (
        compute_formulas(RECURSIVE, long),
        compute_formulas(RECURSIVE, _cut(long, slice(begin, None))),
    )
    for name in RECURSIVE:
        settled = reach_of(published()[name].tree, DEFAULT).settled_bars
        old, new = whole[name][begin + 3 * settled :], later[name][3 * settled :]
        assert np.isfinite(old).any(), name
        assert np.array_equal(np.isnan(old), np.isnan(new)), name
        scale = np.nanmax(np.abs(whole[name]))
        assert np.nanmax(np.abs(old - new)) <= 1e-5 * scale, name


@pytest.mark.slow
def test_permuted_instruments_permute_the_results() -> None:
    order = np.random.default_rng(3).permutation(COLUMNS)
    moved = {name: np.ascontiguousarray(values[:, order]) for name, values in PANEL.items()}
    straight, permuted = compute_formulas(ALL, PANEL), compute_formulas(ALL, moved)
    for name in ALL:
        # The mean of a group and the sum of a row are added in another order.
        tolerance = 1e-9 if name in CROSS_SECTIONAL else 0.0
        off = np.abs(straight[name][:, order] - permuted[name]) > tolerance * np.abs(permuted[name])
        assert np.array_equal(np.isnan(straight[name][:, order]), np.isnan(permuted[name])), name
        assert np.count_nonzero(off) <= 0.02 * off.size, name


@pytest.mark.slow
@pytest.mark.parametrize(("price", "volume"), [(8.0, 1.0), (1.0, 4.0)])
def test_scaling_prices_or_volumes_does_what_the_unit_says(price: float, volume: float) -> None:
    """By powers of two, so that scaling rounds nothing and ties stay ties."""
    powers = {"price": (1, 0), "volume": (0, 1), "price*volume": (1, 1), "ratio": (0, 0)}
    from tools.formulas.operators import FIELDS
    from tools.formulas.units import Unit, unit_of

    scaled = {}
    for name, values in PANEL.items():
        p, v = powers[FIELDS[name].unit] if name in FIELDS else (0, 0)
        scaled[name] = values * price**p * volume**v
    plain, large = compute_formulas(ALL, PANEL), compute_formulas(ALL, scaled)
    n_proved = 0
    for name in ALL:
        unit = unit_of(published()[name].tree)
        if not isinstance(unit, Unit) or unit.is_log:
            continue
        expected = plain[name] * price**unit.price * volume**unit.volume
        assert np.array_equal(np.isnan(expected), np.isnan(large[name])), name
        off = np.abs(expected - large[name]) > 1e-8 * np.abs(expected)
        # A guard of 1e-12 beside a price of 8 is not the guard beside a price of 1.
        assert np.count_nonzero(off) <= 0.005 * off.size, name
        n_proved += 1
    assert n_proved > 700


@pytest.mark.slow
def test_a_missing_instrument_stays_out_of_the_others_but_for_ranks() -> None:
    silenced = {name: values.copy() for name, values in PANEL.items()}
    for name in ("open", "high", "low", "close", "volume", "vwap", "amount", "returns", "cap"):
        silenced[name][150:170, 4] = np.nan
    full, less = compute_formulas(ALL, PANEL), compute_formulas(ALL, silenced)
    others = [column for column in range(COLUMNS) if column != 4]
    for name in set(ALL) - CROSS_SECTIONAL:
        assert np.array_equal(full[name][:, others], less[name][:, others], equal_nan=True), name
    for name in CROSS_SECTIONAL:
        assert np.array_equal(np.isnan(full[name][:150]), np.isnan(less[name][:150])), name


@pytest.mark.slow
def test_the_last_row_alone_is_the_last_row_of_the_history() -> None:
    for bars in (BARS, 60, 3, 1):
        panel = _cut(PANEL, slice(BARS - bars, None))
        whole, last = compute_formulas(ALL, panel), compute_formulas(ALL, panel, last_only=True)
        for name in ALL:
            assert last[name].shape == (1, COLUMNS)
            assert np.array_equal(whole[name][-1:], last[name], equal_nan=True), (name, bars)


@pytest.mark.slow
def test_formulas_computed_together_are_the_same_as_each_alone() -> None:
    together = compute_formulas(ALL, PANEL)
    for name in ALL[::7]:
        alone = compute_formulas([name], PANEL)[name]
        assert np.array_equal(together[name], alone, equal_nan=True), name


@pytest.mark.slow
def test_threads_and_order_change_no_bit() -> None:
    wide = random_panel(300, 400, seed=8)
    names = ALL[:292:5]
    one = compute_formulas(names, wide, threads=1)
    three = compute_formulas(tuple(reversed(names)), wide, threads=3)
    for name in names:
        assert np.array_equal(one[name], three[name], equal_nan=True), name


def test_arrays_are_the_callers_own() -> None:
    names = ["alpha101_012", "alpha101_009", "alpha158_open0", "alpha360_open0"]
    kept = [(name, values, values.copy()) for name, values in iter_formulas(names, PANEL)]
    for name, values, copy in kept:
        assert np.array_equal(values, copy, equal_nan=True), name
        assert values.flags.writeable
    assert not np.shares_memory(kept[2][1], kept[3][1])


def test_the_panel_is_not_written() -> None:
    before = {name: values.copy() for name, values in PANEL.items()}
    compute_formulas(ALL[::20], PANEL)
    assert all(np.array_equal(before[name], PANEL[name], equal_nan=True) for name in PANEL)


def test_a_field_that_is_absent_makes_a_formula_missing_with_the_reason() -> None:
    prices = {name: PANEL[name] for name in ("open", "high", "low", "close")}
    names = ["alpha101_012", "alpha101_009", "alpha191_030", "alpha101_048", "alpha101_056"]
    assert why_missing(names, prices) == {
        "alpha101_012": "needs volume",
        "alpha191_030": "needs factor_market and factor_size and factor_value",
        "alpha101_048": "needs industry",
        "alpha101_056": "needs cap",
    }
    found = compute_formulas(names, prices)
    assert [bool(np.isnan(found[name]).all()) for name in names] == [True, False, True, True, True]


def test_fields_with_a_definition_are_computed_when_absent() -> None:
    names = ["alpha101_001", "alpha101_005", "alpha191_070"]
    without_returns = {name: values for name, values in PANEL.items() if name != "returns"}
    without_vwap = {name: values for name, values in PANEL.items() if name != "vwap"}
    without_amount = {name: values for name, values in PANEL.items() if name != "amount"}
    expected = compute_formulas(names, PANEL)
    for panel in (without_returns, without_vwap, without_amount):
        found = compute_formulas(names, panel)
        assert all(is_same(found[name], expected[name]) for name in names)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"colour": np.ones((4, 2))}, "found 'colour'"),
        ({"close": np.ones((4, 3))}, "one shape"),
        ({"close": np.ones(4)}, "found float64 of (4,)"),
        ({"close": np.ones((4, 2), np.float32)}, "found float32"),
        ({"close": np.full((4, 2), np.inf)}, "found infinity"),
        ({"close": [[1.0, 2.0]]}, "found list"),
        ({"close": pd.DataFrame([[1.0, 2.0]])}, "found DataFrame"),
    ],
)
def test_a_panel_that_is_not_fit_is_refused(change: Mapping[str, Any], says: str) -> None:
    with pytest.raises(ToolInputError, match="expected") as caught:
        compute_formulas(["alpha101_101"], {"open": np.ones((4, 2)), **change})
    assert says in str(caught.value)


def test_no_panel_and_an_empty_one_are_refused() -> None:
    for panel in ({}, {"close": np.ones((0, 2))}, {"close": np.ones((2, 0))}):
        with pytest.raises(ToolInputError, match="expected"):
            compute_formulas(["alpha101_101"], panel)


def test_unknown_names_are_refused_before_anything_is_computed() -> None:
    with pytest.raises(ToolInputError, match="alpha101_999"):
        next(iter_formulas(["alpha101_001", "alpha101_999"], PANEL))


def test_a_text_in_place_of_names_and_no_thread_are_refused() -> None:
    with pytest.raises(ToolInputError, match="put it in a list"):
        compute_formulas("alpha101_101", PANEL)
    for threads in (0, -1):
        with pytest.raises(ToolInputError, match="at least one thread"):
            compute_formulas(["alpha101_101"], PANEL, threads=threads)


def test_a_name_given_twice_is_computed_once() -> None:
    twice = ["alpha101_101", "alpha158_kmid", "alpha101_101"]
    assert list(compute_formulas(twice, PANEL)) == ["alpha101_101", "alpha158_kmid"]
    assert len(list(iter_formulas(twice, PANEL))) == 2


def test_whole_powers_and_roots_are_those_of_the_library() -> None:
    close = PANEL["close"]
    for power in (1, 2, 3, 4, 5, 6, 0.5, 1.5, -1, 0):
        expected = np.power(close, power)
        assert is_same(_value(f"close ^ {power}", PANEL), np.where(np.isnan(close), np.nan, expected), 1e-14)


def test_what_is_not_a_finite_number_is_missing() -> None:
    panel = {"close": np.array([[4.0, 0.0, -4.0, 1e300]]), "open": np.array([[0.0, 0.0, 0.5, 1e300]])}
    for text, known in {
        "close / open": [False, False, True, True],
        "close ^ open": [True, True, False, False],
        "log(close)": [True, False, False, True],
        "close * open": [True, True, True, False],
        "close ^ 2": [True, True, True, False],
        "close + open": [True, True, True, True],
        "signed_power(close, open)": [True, True, True, False],
        "close ^ 0.5": [True, True, False, True],
    }.items():
        assert np.isfinite(_value(text, panel))[0].tolist() == known, text
        assert not np.isinf(_value(text, panel)).any()


def test_signed_power_of_zero_is_zero_whatever_the_power() -> None:
    panel = {"close": np.array([[0.0, -3.0, 3.0, 0.0]]), "open": np.array([[0.0, 0.0, 0.0, 2.0]])}
    assert _value("signed_power(close, open)", panel)[0].tolist() == [0.0, -1.0, 1.0, 0.0]


def test_a_choice_needs_only_what_it_chose() -> None:
    panel = {"close": np.array([[1.0, 2.0, np.nan]]), "open": np.array([[2.0, np.nan, 1.0]])}
    assert _value("close > 0 ? close : open", panel)[0].tolist()[:2] == [1.0, 2.0]
    assert np.isnan(_value("close > 0 ? close : 7", panel)[0, 2])
    assert np.isnan(_value("open > 1 ? 3 : 4", panel)[0, 1])


@pytest.mark.parametrize(
    ("text", "switch", "expected"),
    [
        ("rank(close)", {"rank_scale": "zero_to_one"}, [0.0, 0.5, 1.0]),
        ("rank(close)", {}, [1 / 3, 2 / 3, 1.0]),
        ("ts_rank(close, 3)", {"ts_rank_scale": "zero_to_one"}, [1.0, 0.0, 0.5]),
        ("ts_rank(close, 3)", {"ts_rank_scale": "ordinal"}, [3.0, 1.0, 2.0]),
        ("ts_std(close, 3)", {"ddof": 0}, [np.std([1, 2, 3]), np.std([9, 8, 7]), np.std([8, 9, 8.5])]),
        ("ts_argmax(close, 3)", {}, [0.0, 2.0, 1.0]),
        ("ts_argmax(close, 3)", {"arg_extreme": "position"}, [3.0, 1.0, 2.0]),
        ("decay_linear(close, 3)", {"decay_order": "oldest_heaviest"}, [10 / 6, 50 / 6, 50.5 / 6]),
        ("ts_mean(close, 2.5)", {}, [2.5, 7.5, 8.75]),
        ("ts_mean(close, 2.5)", {"windows": "round"}, [2.0, 8.0, 25.5 / 3]),
        ("adv(3)", {}, [200.0, 200.0, 200.0]),
        ("adv(3)", {"adv": "money"}, [2.0, 2.0, 2.0]),
        ("vwap", {"vwap": "typical_price"}, [3.0, 7.0, 8.5]),
        ("vwap", {"vwap": "amount_over_volume"}, [0.01, 0.01, 0.01]),
        ("ts_corr(close, volume, 3)", {"flat_correlation": "zero"}, [0.0, 0.0, 0.0]),
        ("ts_mean(close, 9)", {"incomplete_window": "partial"}, [2.0, 8.0, 8.5]),
    ],
)
def test_switches_choose_the_other_reading(
    text: str, switch: dict[str, object], expected: list[float]
) -> None:
    close = np.array([[1.0, 9.0, 8.0], [2.0, 8.0, 9.0], [3.0, 7.0, 8.5]])
    panel = {
        "close": close,
        "high": close,
        "low": close,
        "volume": np.full((3, 3), 200.0),
        "amount": np.full((3, 3), 2.0),
        "vwap": close + 1,
    }
    found = _value(text, panel, Conventions.model_validate(switch))
    assert found[-1] == pytest.approx(expected, rel=1e-12)


def test_every_published_formula_is_found_by_name() -> None:
    assert find_formula("alpha191_015").text == "open / delay(close, 1) - 1"
