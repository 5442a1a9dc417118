"""Would the tests notice a mistake? Every change of every catalogue line, every slip of an operator.

    python -m bench.mutation --write

A change is noticed when the formula's values are no longer those of the plain twin on one of the panels of
`test_twin.py`, by the rule of that test. What is not noticed must be the same formula, by the calculus of
`equivalence.py` or for a reason given below, or show in tied cells or on a wider panel only; exits 1 when
something is neither.
"""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from bench.equivalence import relation
from bench.report import publish, table
from contracts.market import Float2D
from tests.tools.formulas.mutants import KINDS, Kind, Mutant, Twin, mutants_of
from tests.tools.formulas.panels import random_panel
from tests.tools.formulas.slips import Slip, alone, slips
from tests.tools.formulas.test_twin import PANELS, TWIN, differs
from tools.formulas.catalogue import SETS, formulas
from tools.formulas.conventions import DEFAULT
from tools.formulas.engine import Panel, iter_trees
from tools.formulas.operators import OPERATORS
from tools.formulas.plan import make_plan
from tools.formulas.tree import Node

NOTICED, PROVEN = "noticed", "the same on paper"
TIED = "shows only in cells that hang on last bits, which the twin test excuses"
WIDER = "shows on a wider panel only"

REASONS = (
    (
        r"alpha101_(021|024)|alpha191_(004|098)",
        r"(less|equal) -> less_equal",
        "the other side of || holds there anyway",
    ),
    (
        r"alpha191_(003|019|059)",
        r"-> (less|greater)_equal",
        "equality is decided before or after with the same result",
    ),
    (
        r"alpha191_(112|129|167|172|186|190)",
        r"-> (less|greater)_equal",
        "at equality the branch that it opens is 0, as the other one is",
    ),
    (
        r"alpha191_0(49|50|51)",
        r"no abs",
        "of two moves with a positive sum the one that is larger in size is positive",
    ),
    (
        r"alpha191_069",
        r"at 2\.0\.",
        "chooses between 0 and (a - b) / b where a is b: only windows without any move tell them apart",
    ),
    (
        r"alpha191_190",
        r"power -> signed_power",
        "where the ratio is negative, the same power elsewhere in the formula is missing",
    ),
    (
        r"alpha101_081",
        r"no rank",
        "a rank to the fourth in a product in a logarithm: a factor, and a rank outside",
    ),
    (
        r"alpha101_0(65|74)",
        r"",
        "moves a weight by less than 0.02: turns no comparison of two ranks on these panels",
    ),
    (r"alpha191_146", r"subtract the other way", "its square forgets the sign"),
    (
        r"alpha191_154",
        r"less -> less_equal",
        "a price difference equal to a correlation: no panel with both has been found",
    ),
    (
        r"alpha158_.*|alpha360_volume0",
        r"1e-12|add -> subtract",
        "without the guard 0 / 0: the numerator is 0 where the denominator is",
    ),
    (
        r"alpha101_.*",
        r"(sector|industry) -> |subindustry -> ",
        "one classification: the default reading takes all three for industry",
    ),
)
"""Name, change and why it changes nothing, of what the calculus does not know."""

SLIP_REASONS = {
    "multiply as and": "of two numbers, and is their product",
    "and as multiply": "of conditions, the product",
    "and as min": "of conditions, the smaller",
    "or as max": "of conditions, the larger",
    "ts_corr with its inputs swapped": "symmetric",
    "ts_cov with its inputs swapped": "symmetric",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one mutant."""

    formula: str
    mutant: Mutant
    verdict: str

    @property
    def set_name(self) -> str:
        return self.formula.split("_")[0]


class Twins:
    """The twins of one formula, made as they are asked for."""

    def __init__(self, plain: Callable[[Panel], Float2D]) -> None:
        self._plain = plain
        self._made: dict[str, Twin] = {}

    def notice(self, panel: str, found: Float2D) -> bool:
        if panel not in self._made:
            self._made[panel] = Twin(self._plain, PANELS[panel])
        return self._made[panel].notices(found)


def main() -> int:
    """Measure, publish, and judge."""
    with ProcessPoolExecutor() as pool:
        outcomes = [
            outcome for of_one in pool.map(judge_formula, formulas(), chunksize=5) for outcome in of_one
        ]
    judged = list(judge_slips())
    unexplained = [o for o in outcomes if o.verdict == ""]
    missed = [label for label, verdict in judged if verdict == ""]
    publish("mutation", "Mistakes that the tests of the formulas notice", _page(outcomes, judged))
    for outcome in unexplained:
        print(f"expected a reason, found none: {outcome.formula}: {outcome.mutant.label}")
    for label in missed:
        print(f"expected to be noticed: {label}")
    return int(bool(unexplained or missed))


# the catalogue


def judge_formula(name: str) -> list[Outcome]:
    """Every mutant of one formula."""
    return list(_judged(name))


def _judged(name: str) -> Iterator[Outcome]:
    tree = formulas()[name].tree
    mutants = {mutant.label: mutant for mutant in mutants_of(tree)}
    trees = {label: mutant.tree for label, mutant in mutants.items()}
    steps = make_plan({**trees, "": tree}, PANELS["smooth"], DEFAULT).outputs
    is_one_plan = {n: steps[n] == steps[""] and mutants[n].kind != "field" for n in trees}
    left = dict(trees)
    tied: set[str] = set()
    twins = Twins(TWIN[name])
    for panel in PANELS:
        found = dict(iter_trees({"": tree, **left}, PANELS[panel]))
        right = found.pop("")
        for label, values in found.items():
            if twins.notice(panel, values):
                del left[label]
            elif differs(values, right).any():
                tied.add(label)
    wider = _shown_on_wider(tree, left)
    for label, mutant in mutants.items():
        if label not in left:
            yield Outcome(name, mutant, NOTICED)
        elif relation(tree, mutant.tree) == "same" or is_one_plan[label]:
            yield Outcome(name, mutant, PROVEN)
        elif label in tied:
            yield Outcome(name, mutant, TIED)
        else:
            yield Outcome(name, mutant, _reason(name, label) or (WIDER if label in wider else ""))


def _shown_on_wider(tree: Node, left: Mapping[str, Node]) -> set[str]:
    """Of the mutants, those that part from the formula in many cells among many instruments."""
    if not left:
        return set()
    found = dict(iter_trees({"": tree, **left}, _WIDE))
    right = found.pop("")
    return {label for label, values in found.items() if np.count_nonzero(differs(values, right)) > 10}


_WIDE = random_panel(400, 60, seed=5, decimals=1)


def _reason(name: str, label: str) -> str:
    found = [
        why for names, changes, why in REASONS if re.fullmatch(names, name) and re.search(changes, label)
    ]
    return found[0] if found else ""


# the operators


def judge_slips() -> Iterator[tuple[str, str]]:
    """Every slip and whether one formula, or the operator alone, is no longer the twin's."""
    trees = {name: formula.tree for name, formula in formulas().items()}
    plain = dict(TWIN)
    for name in OPERATORS:
        trees[name], plain[name] = alone(name)
    twins = {name: Twins(plain[name]) for name in trees}
    right = {panel: dict(iter_trees(trees, PANELS[panel])) for panel in PANELS}
    for slip in slips():
        if _is_noticed(slip, {n: tree for n, tree in trees.items() if slip.shows_in(tree)}, twins, right):
            yield slip.label, NOTICED
        else:
            yield slip.label, SLIP_REASONS.get(slip.label, "")


def _is_noticed(
    slip: Slip,
    trees: Mapping[str, Node],
    twins: Mapping[str, Twins],
    right: Mapping[str, Mapping[str, Float2D]],
) -> bool:
    for panel in PANELS:
        found = slip.compute(trees, PANELS[panel])
        n_off = {name: int(np.count_nonzero(differs(found[name], right[panel][name]))) for name in found}
        for name in sorted(found, key=lambda name: -n_off[name]):
            if n_off[name] and twins[name].notice(panel, found[name]):
                return True
    return False


# the page


def _page(outcomes: list[Outcome], judged: list[tuple[str, str]]) -> str:
    lost = [o for o in outcomes if o.verdict != NOTICED]
    n_slips, n_seen = len(judged), sum(verdict == NOTICED for _, verdict in judged)
    reasons = Counter((o.verdict, o.set_name) for o in lost)
    hand = [o for o in lost if o.verdict != PROVEN]
    parts = [
        f"Of {len(outcomes):,} changes of the {len(formulas())} formulas {len(outcomes) - len(lost):,} are "
        f"noticed on the {len(PANELS)} panels of `test_twin.py`. Changes noticed, of those made:",
        table(("change", *SETS, "all"), [_row(kind, outcomes) for kind in KINDS]),
        "The others:",
        table(
            ("why", *SETS),
            [
                (why, *(str(reasons[why, name]) for name in SETS))
                for why in dict.fromkeys(o.verdict for o in lost)
            ],
        ),
        f"Of {n_slips} slips of an operator {n_seen} are noticed, in a formula or by the operator on plain "
        "fields. The others:",
        table(("slip", "why"), [(label, why) for label, why in judged if why != NOTICED]),
        "The changes that are not proven to be the same by rule, one by one:",
        table(
            ("formula", "change", "why"),
            [(o.formula, o.mutant.label, o.verdict or "not known") for o in hand],
        ),
    ]
    return "\n\n".join(parts)


def _row(kind: Kind, outcomes: list[Outcome]) -> tuple[str, ...]:
    cells: list[str] = [kind]
    for wanted in (*SETS, ""):
        made = [o for o in outcomes if o.mutant.kind == kind and wanted in ("", o.set_name)]
        cells.append(f"{sum(o.verdict == NOTICED for o in made)} of {len(made)}" if made else "")
    return tuple(cells)


if __name__ == "__main__":
    sys.exit(main())
