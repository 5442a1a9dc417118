"""That the twin tests notice a mistake: twenty of them here, all in `bench/mutation.py`."""

import re

import numpy as np
import pytest

from tests.tools.formulas.mutants import KINDS, Mutant, Twin, mutants_of
from tests.tools.formulas.slips import alone, slips
from tests.tools.formulas.test_twin import PANELS, TWIN
from tools.formulas.catalogue import formulas
from tools.formulas.engine import iter_trees
from tools.formulas.operators import OPERATORS
from tools.formulas.parse import parse
from tools.formulas.tree import text_of

MISTAKES = (
    ("alpha101_101", "smooth", "0.001 -> 0.0011 at 1.1"),
    ("alpha101_052", "smooth", "delay over 5 -> 4 at 0.0.1.1"),
    ("alpha101_059", "smooth", "decay_linear over 16.2289 -> 17.2289 at 0.0.1"),
    ("alpha158_cntp5", "with holes and ticks", "greater -> greater_equal at 0"),
    ("alpha360_volume20", "unrelated", "add -> subtract at 1"),
    ("alpha101_041", "smooth", "power -> multiply at 0"),
    ("alpha101_012", "smooth", "no sign at 0"),
    ("alpha101_077", "unrelated", "vwap -> close at 0.0.0.1.0"),
    ("alpha158_beta20", "smooth", "ts_slope -> delta at 0"),
    ("alpha101_053", "smooth", "divide the other way at 0.0"),
)
"""Formula, panel, change: each kind, each set, and what only ties, zeros or prices out of order show."""

SLIPS = (
    ("ddof 0", "alpha158_std20", "smooth"),
    ("arg_ties newest", "alpha101_060", "with holes and ticks"),
    ("rank_scale zero_to_one", "alpha101_005", "smooth"),
    ("decay_order oldest_heaviest", "alpha101_057", "smooth"),
    ("flat_correlation zero", "alpha191_036", "smooth"),
    ("less as less_equal", "alpha158_cntp5", "with holes and ticks"),
    ("ts_max one bar shorter", "alpha158_max20", "smooth"),
    ("sma begun with zero", "alpha191_009", "smooth"),
    ("where with its branches swapped", "alpha101_007", "smooth"),
    ("ts_quantile q for 1 - q", "alpha158_qtlu5", "smooth"),
)


def _mutant(name: str, label: str) -> Mutant:
    return next(mutant for mutant in mutants_of(formulas()[name].tree) if mutant.label == label)


@pytest.mark.parametrize(("name", "panel", "change"), MISTAKES)
def test_a_changed_formula_is_no_longer_the_twins(name: str, panel: str, change: str) -> None:
    trees = {"right": formulas()[name].tree, "wrong": _mutant(name, change).tree}
    found = dict(iter_trees(trees, PANELS[panel]))
    twin = Twin(TWIN[name], PANELS[panel])
    assert twin.notices(found["wrong"])
    assert not twin.notices(found["right"])


@pytest.mark.parametrize(("label", "name", "panel"), SLIPS)
def test_a_slip_in_an_operator_shows_in_a_formula(label: str, name: str, panel: str) -> None:
    slip = next(slip for slip in slips() if slip.label == label)
    found = slip.compute({name: formulas()[name].tree}, PANELS[panel])
    assert Twin(TWIN[name], PANELS[panel]).notices(found[name])


@pytest.mark.parametrize("panel", PANELS)
def test_every_operator_alone_is_the_twins(panel: str) -> None:
    trees = {name: alone(name)[0] for name in OPERATORS}
    wrong = [
        name
        for name, found in iter_trees(trees, PANELS[panel])
        if Twin(alone(name)[1], PANELS[panel]).notices(found)
    ]
    assert not wrong


def test_a_slip_is_gone_once_it_has_been_computed() -> None:
    tree = formulas()["alpha101_001"].tree
    (before,) = dict(iter_trees({"it": tree}, PANELS["smooth"])).values()
    for slip in slips():
        if re.match(r"ts_argmax|where|rank|power|delay", slip.label):
            slip.compute({"it": tree}, PANELS["smooth"])
    (after,) = dict(iter_trees({"it": tree}, PANELS["smooth"])).values()
    np.testing.assert_array_equal(before, after)


def test_every_change_is_a_formula_of_its_own() -> None:
    for name in ("alpha101_007", "alpha191_030", "alpha191_149", "alpha158_qtld5", "alpha191_055"):
        tree = formulas()[name].tree
        changed = [mutant.tree for mutant in mutants_of(tree)]
        assert len({tree, *changed}) == len(changed) + 1
        assert all(parse(text_of(mutant)) == mutant for mutant in changed)


def test_every_kind_of_change_is_made() -> None:
    made = {mutant.kind for formula in formulas().values() for mutant in mutants_of(formula.tree)}
    assert made == set(KINDS)
