"""What a formula comes to on one instrument's bars, with the reason where it comes to nothing.

A formula that compares instruments reads the bars of the others from `SharedBars.others`; among fewer than
five that are known on the bar a rank says nothing, and the value is missing with that reason.
"""

import math
from collections.abc import Iterable
from functools import cache

import numpy as np
import numpy.typing as npt

from contracts.market import Bars, Float1D
from tools.formulas.catalogue import Formula, find_formula
from tools.formulas.conventions import DEFAULT
from tools.formulas.engine import Panel, compute_formulas, why_missing
from tools.formulas.panel import panel_of
from tools.formulas.parse import parse
from tools.formulas.reach import Reach, reach_of
from tools.registry import ToolValue
from tools.shared_bars import SharedBars, shared
from tools.tool_docs import too_few

MIN_INSTRUMENTS = 5


def compute_together(names: Iterable[str], bars: SharedBars) -> None:
    """Compute the newest values of many formulas in one pass; the tools then find them with the bars.

    Use it before asking the tools one by one, for what formulas have in common is then computed once.
    """
    if len(bars) == 0:
        return
    known = shared(_newest_values, bars)
    panel = shared(_panel, bars)
    wanted = [name for name in dict.fromkeys(names) if name not in known]
    found = compute_formulas(wanted, panel, last_only=True)
    # Adding zero makes the -0.0 of a negated condition a plain 0.
    known.update((name, float(rows[-1, 0]) + 0.0) for name, rows in found.items())


def _newest_values(_: Bars) -> dict[str, float]:
    return {}


def _panel(bars: Bars) -> Panel:
    return panel_of(bars, bars.others if isinstance(bars, SharedBars) else ())


def newest_value(name: str, bars: Bars) -> ToolValue:
    """The formula on the newest bar, or None with the reason."""
    held = bars if isinstance(bars, SharedBars) else SharedBars.of(bars)
    formula, reach = find_formula(name), reach_by_name(name)
    n_obs = len(bars) if reach.is_recursive else reach.bars
    reason = _why_not(reach, name, held)
    if reason is not None:
        return ToolValue(None, n_obs, reason)
    compute_together([name], held)
    value = shared(_newest_values, held)[name]
    warnings = _warnings(reach, len(bars))
    if math.isfinite(value):
        return ToolValue(value, n_obs, None, warnings)
    return ToolValue(None, n_obs, _why_missing(formula, reach, held), warnings)


def value_series(name: str, bars: Bars) -> Float1D:
    """The formula on every bar, NaN where it is not known."""
    held = bars if isinstance(bars, SharedBars) else SharedBars.of(bars)
    panel = shared(_panel, held)
    if len(bars) == 0 or why_missing([name], panel):
        return np.full(len(bars), np.nan)
    values = compute_formulas([name], panel)[name][:, 0].copy()
    if reach_by_name(name).is_cross_sectional:
        values[_n_known(panel) < MIN_INSTRUMENTS] = np.nan
    return values


def why_unknown(name: str, bars: SharedBars) -> str:
    """Why the formula has no value on the newest of these bars."""
    reach = reach_by_name(name)
    if len(bars) < reach.bars:
        return too_few(reach.bars, "bars", len(bars))
    return _why_not(reach, name, bars) or _why_missing(find_formula(name), reach, bars)


def _why_not(reach: Reach, name: str, bars: SharedBars) -> str | None:
    """Why the newest of these bars has no value whatever the prices are."""
    panel = shared(_panel, bars)
    if reach.is_cross_sectional and (n_known := _n_known(panel)[-1]) < MIN_INSTRUMENTS:
        return f"needs {MIN_INSTRUMENTS} instruments to compare, has {n_known}"
    return _lacking(name, find_formula(name).text, frozenset(panel))


@cache
def _lacking(name: str, _text: str, fields: frozenset[str]) -> str | None:
    """Kept by the text as well: a name of one's own catalogue may come to mean another formula."""
    return why_missing([name], fields).get(name)


def _n_known(panel: Panel) -> npt.NDArray[np.intp]:
    """How many instruments have a close, by bar: those whose bar is missing cannot be compared with."""
    known: npt.NDArray[np.intp] = np.count_nonzero(~np.isnan(panel["close"]), axis=1)
    return known


def _why_missing(formula: Formula, reach: Reach, bars: SharedBars) -> str:
    panel = shared(_panel, bars)
    for name in dict.fromkeys("close" if name == "returns" else name for name in reach.fields):
        if name in panel:
            own = panel[name][-reach.bars :, 0]
            n_missing = int(np.count_nonzero(np.isnan(own)))
            if n_missing:
                return f"needs {name} on every bar, missing on {n_missing} of {len(own)}"
    return f"undefined on these bars; `dualbrain tools explain {formula.name}` shows which part"


def _warnings(reach: Reach, has: int) -> tuple[str, ...]:
    if has >= reach.settled_bars:
        return ()
    return (
        f"has {has} bars; under {reach.settled_bars} where they begin still counts for over 1 % of the value",
    )


def reach_by_name(name: str) -> Reach:
    """What the formula of that name needs."""
    return _reach_of(find_formula(name).text)


@cache
def _reach_of(text: str) -> Reach:
    return reach_of(parse(text), DEFAULT)
