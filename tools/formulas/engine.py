"""Computes formulas on a panel.

    names -> trees -> plan (every sub-expression once) -> run (step after step, split over the cores)

`compute_formulas` gives them all at once, `iter_formulas` one after the other, so that the 810 never stand in
memory together.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from contracts.errors import ToolInputError
from contracts.market import Float2D
from tools.formulas.catalogue import Formula, find_formula
from tools.formulas.conventions import DEFAULT, Conventions
from tools.formulas.operators import FIELDS, GROUPS
from tools.formulas.parse import parse
from tools.formulas.plan import Plan, make_plan
from tools.formulas.tree import Node

if TYPE_CHECKING:
    from tools.formulas.run import Prepared

Panel: TypeAlias = Mapping[str, Float2D]
"""Field to float64 array of shape (time, instruments), oldest bar first, NaN where missing."""


def compute_formulas(
    names: Iterable[str],
    panel: Panel,
    *,
    conventions: Conventions = DEFAULT,
    last_only: bool = False,
    catalogue: Mapping[str, Formula] | None = None,
    threads: int | None = None,
) -> dict[str, Float2D]:
    """The chosen formulas on a panel, all in memory together.

    Use it for some formulas; for hundreds on a large panel use `iter_formulas`.

    Parameters
    ----------
    names : iterable of str
        `alpha101_001`, `alpha191_001`, `alpha158_kmid`, `alpha360_close59`, or those of `catalogue`.
    panel : mapping of str to array of shape (time, instruments)
        Fields as in `operators.py`, float64, oldest bar first, NaN where missing. `returns`, `amount` and
        `vwap` are computed from their definitions when absent and the others are there.
    conventions : Conventions
        One reading of the published texts.
    last_only : bool
        Only the newest row, the same numbers as in the full history.
    catalogue : mapping of str to Formula, optional
        Where the names are looked up; the published sets by default.
    threads : int, optional
        How many cores to use; all by default.

    Returns
    -------
    dict of str to array of shape (time, instruments)
        In the order of the names, one row with `last_only`; NaN where not known. A formula that reads a field
        which the panel lacks is NaN throughout; `why_missing` says which field.

    Raises
    ------
    ToolInputError
        When a name or a field is not known, the arrays are not finite-or-NaN float64 of one shape, or
        `threads` is under one.

    Notes
    -----
    Look-ahead: none; row t reads rows up to t. Windows are computed each on its own, so where the panel
    begins changes nothing once they are full; recursive averages (`sma`) forget it geometrically.
    """
    wanted = names if isinstance(names, Sequence) else tuple(names)
    found = dict(
        iter_formulas(
            wanted,
            panel,
            conventions=conventions,
            last_only=last_only,
            catalogue=catalogue,
            threads=threads,
        )
    )
    return {name: found[name] for name in wanted}


def iter_formulas(
    names: Iterable[str],
    panel: Panel,
    *,
    conventions: Conventions = DEFAULT,
    last_only: bool = False,
    catalogue: Mapping[str, Formula] | None = None,
    threads: int | None = None,
) -> Iterator[tuple[str, Float2D]]:
    """`compute_formulas`, one formula after the other, each computed when it is asked for.

    Parameters, errors and values are those of `compute_formulas`. They come in the order in which they are
    computed, so that two formulas that are the same need not wait for each other; an array is the caller's
    own and is not touched again.
    """
    texts = _texts(names, catalogue)
    bars = _check_panel(panel)
    prepared = _prepared(texts, frozenset(panel), conventions, bars, 1 if last_only else bars)
    yield from _arrays(prepared, [name for name, _ in texts], panel, threads)


def iter_trees(
    trees: Mapping[str, Node],
    panel: Panel,
    *,
    conventions: Conventions = DEFAULT,
    last_only: bool = False,
    threads: int | None = None,
) -> Iterator[tuple[str, Float2D]]:
    """`iter_formulas` for parsed formulas that are in no catalogue."""
    from tools.formulas.run import prepare

    bars = _check_panel(panel)
    plan = make_plan(trees, panel, conventions)
    prepared = prepare(plan, conventions, bars, 1 if last_only else bars)
    yield from _arrays(prepared, trees, panel, threads)


def why_missing(
    names: Iterable[str],
    fields: Iterable[str],
    *,
    conventions: Conventions = DEFAULT,
    catalogue: Mapping[str, Formula] | None = None,
) -> dict[str, str]:
    """Which of the formulas a panel with these fields cannot have, and what they need: `needs volume`."""
    plan = _plan_of(_texts(names, catalogue), frozenset(fields), conventions)
    return {name: f"needs {' and '.join(lacking)}" for name, lacking in plan.needs.items()}


Texts: TypeAlias = tuple[tuple[str, str], ...]
"""Names and what stands for them: what a plan is kept under."""


def _texts(names: Iterable[str], catalogue: Mapping[str, Formula] | None) -> Texts:
    if isinstance(names, str):
        raise ToolInputError(f"expected names of formulas, found one text, {names!r}; put it in a list")
    return tuple((name, find_formula(name, catalogue).text) for name in dict.fromkeys(names))


@lru_cache(maxsize=256)
def _plan_of(texts: Texts, fields: frozenset[str], conventions: Conventions) -> Plan:
    return make_plan({name: parse(text) for name, text in texts}, fields, conventions)


@lru_cache(maxsize=64)
def _prepared(
    texts: Texts, fields: frozenset[str], conventions: Conventions, bars: int, rows: int
) -> "Prepared":
    """Kept, for a desk asks for the same formulas bar after bar."""
    from tools.formulas.run import prepare

    return prepare(_plan_of(texts, fields, conventions), conventions, bars, rows)


def _arrays(
    prepared: "Prepared", names: Iterable[str], panel: Panel, threads: int | None
) -> Iterator[tuple[str, Float2D]]:
    # Kernels bring Numba with them: not before there is something to compute.
    from tools.formulas.run import PlanRun

    n_threads = (os.cpu_count() or 1) if threads is None else threads
    if n_threads < 1:
        raise ToolInputError(f"expected at least one thread, found {threads}; leave it out for all cores")
    outputs = prepared.plan.outputs
    run = PlanRun(prepared, panel, n_threads)
    with run:
        for name in sorted(names, key=lambda name: outputs.get(name, -1)):
            yield name, run.array(name)


def _check_panel(panel: Panel) -> int:
    """How many bars it has; ToolInputError where it is not fit."""
    shapes = {}
    given: Mapping[str, object] = panel
    for name, array in given.items():
        if name not in FIELDS and name not in GROUPS:
            raise ToolInputError(
                f"expected fields among {', '.join((*FIELDS, *GROUPS))}, found {name!r}; rename or drop it"
            )
        if not isinstance(array, np.ndarray) or array.dtype != np.float64 or array.ndim != 2:
            found = (
                f"{array.dtype} of {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
            )
            raise ToolInputError(
                f"expected {name} as float64 array of shape (time, instruments), found {found}; convert it"
            )
        shapes[name] = array.shape
    if len(set(shapes.values())) != 1:
        raise ToolInputError(f"expected fields of one shape, found {shapes or 'no field'}; align them")
    if 0 in next(iter(shapes.values())):
        raise ToolInputError(f"expected at least one bar of one instrument, found {shapes}; give it data")
    for name, array in panel.items():
        if np.isinf(array).any():
            raise ToolInputError(f"expected finite numbers or NaN in {name}, found infinity; mark it missing")
    return int(next(iter(shapes.values()))[0])
