"""A value taken apart: every part is what the engine computes for it alone."""

from collections.abc import Iterator

import numpy as np
import pytest

from contracts.errors import ToolInputError
from tests.tools.formulas.panels import random_panel
from tools.formulas.catalogue import Formula, published
from tools.formulas.conventions import Conventions
from tools.formulas.engine import Panel, compute_formulas
from tools.formulas.explain import Explained, explain_formula
from tools.formulas.reach import reach_of

PANEL = random_panel(300, 8, seed=11, holes=0.002)
SMALL: Panel = {
    "open": np.array([[1.0, 5.0], [2.0, 4.0], [3.0, np.nan]]),
    "close": np.array([[1.0, 4.0], [3.0, 5.0], [2.0, 6.0]]),
    "industry": np.array([[1.0, 1.0]] * 3),
}


def mine(text: str) -> Formula:
    return Formula("mine", text, "", "", "")


def explained(text: str, panel: Panel = SMALL, column: int = 0) -> Explained:
    return explain_formula(mine(text), panel, column)


def parts_of(part: Explained) -> Iterator[Explained]:
    yield part
    for inner in part.parts:
        yield from parts_of(inner)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*published()][:292:9])
def test_every_part_has_the_value_that_the_engine_gives_it_alone(name: str) -> None:
    formula = published()[name]
    for column in (0, 5):
        found = {part.text: part.value for part in parts_of(explain_formula(formula, PANEL, column))}
        alone = {text: mine(text) for text in found}
        values = compute_formulas(alone, PANEL, catalogue=alone, last_only=True)
        for text, value in found.items():
            expected = float(values[text][-1, column])
            assert (np.isnan(expected) and value is None) or value == expected, text


def test_the_whole_formula_comes_first_and_windows_are_left_out() -> None:
    found = explained("ts_mean(close - open, 2) / 3")
    assert found == Explained(
        "ts_mean(close - open, 2) / 3",
        0.0,
        False,
        (
            Explained(
                "ts_mean(close - open, 2)",
                0.0,
                False,
                (
                    Explained(
                        "close - open",
                        -1.0,
                        False,
                        (Explained("close", 2.0, False, ()), Explained("open", 3.0, False, ())),
                    ),
                ),
            ),
        ),
    )


def test_a_missing_part_is_none_and_the_others_keep_their_values() -> None:
    found = explained("close / open", column=1)
    assert (found.value, [part.value for part in found.parts]) == (None, [6.0, None])


def test_a_field_that_the_panel_lacks_is_missing() -> None:
    found = explained("close * volume")
    assert (found.value, [(part.text, part.value) for part in found.parts]) == (
        None,
        [("close", 2.0), ("volume", None)],
    )


def test_conditions_say_so_and_a_negated_false_one_is_a_plain_zero() -> None:
    found = explained("-(close > open)")
    (condition,) = found.parts
    assert (found.is_condition, condition.is_condition) == (False, True)
    assert (found.value, condition.value) == (0.0, 0.0)
    assert str(found.value) == "0.0"


def test_a_choice_shows_its_condition_and_both_branches() -> None:
    found = explained("close > open ? close : -open")
    assert [(part.text, part.value) for part in found.parts] == [
        ("close > open", 0.0),
        ("close", 2.0),
        ("-open", -3.0),
    ]
    assert found.value == -3.0


def test_a_group_and_what_is_made_of_numbers_alone_are_no_parts() -> None:
    (part,) = explained("neutralize(close, industry)").parts
    assert part.text == "close"
    (part,) = explained("close * (1 - 0.25)").parts
    assert part.text == "close"


def test_the_mean_volume_is_a_part_although_it_names_no_field() -> None:
    panel = {**SMALL, "volume": np.full((3, 2), 200.0)}
    assert [(part.text, part.value) for part in explained("adv(2) / close", panel).parts] == [
        ("adv(2)", 200.0),
        ("close", 2.0),
    ]


def test_the_switches_reach_every_part() -> None:
    other = Conventions(rank_scale="zero_to_one")
    (part,) = explain_formula(mine("rank(close) + 1"), SMALL, 0, conventions=other).parts
    assert part.value == 0.0


def test_only_bars_up_to_the_last_row_count() -> None:
    formula = published()["alpha101_101"]
    cut = {name: values[:200] for name, values in PANEL.items()}
    cut = {name: np.ascontiguousarray(values) for name, values in cut.items()}
    whole = compute_formulas([formula.name], PANEL)[formula.name]
    assert explain_formula(formula, cut, 3).value == whole[199, 3]


def test_a_panel_that_is_not_fit_is_refused() -> None:
    with pytest.raises(ToolInputError, match="expected"):
        explained("close", {"close": np.ones(3)})


def test_the_sample_of_formulas_covers_ranks_windows_and_averages() -> None:
    sample = [reach_of(published()[name].tree, Conventions()) for name in [*published()][:292:9]]
    assert {reach.is_cross_sectional for reach in sample} == {reach.is_recursive for reach in sample}
