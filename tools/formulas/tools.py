"""Every formula of the published sets as a registered tool: found, described and called as any other.

A formula that compares instruments reads the bars of the others from `SharedBars.others`; among fewer than
five instruments a rank says nothing, and the value is missing with that reason.
"""

import math
from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path

import numpy as np

from contracts.errors import SettingsError
from contracts.market import Bars, Float1D
from tools.formulas.catalogue import (
    Formula,
    add_catalogue,
    find_formula,
    formulas,
    load_catalogue,
    published,
)
from tools.formulas.conventions import DEFAULT
from tools.formulas.engine import Panel, compute_formulas, why_missing
from tools.formulas.panel import panel_of
from tools.formulas.parse import parse
from tools.formulas.reach import Reach, reach_of
from tools.registry import Column, SharedBars, Tool, ToolValue, add_tool, all_tools, shared
from tools.tool_docs import Doc

MIN_INSTRUMENTS = 5

_COLUMNS: tuple[Column, ...] = ("open", "high", "low", "close", "volume")


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


def _estimate(name: str, bars: Bars) -> ToolValue:
    held = bars if isinstance(bars, SharedBars) else SharedBars.of(bars)
    formula, reach = find_formula(name), _reach(name)
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


def _series(name: str, bars: Bars) -> Float1D:
    held = bars if isinstance(bars, SharedBars) else SharedBars.of(bars)
    panel = shared(_panel, held)
    if len(bars) == 0 or _why_not(_reach(name), name, held) is not None:
        return np.full(len(bars), np.nan)
    return compute_formulas([name], panel)[name][:, 0].copy()


def _why_not(reach: Reach, name: str, bars: SharedBars) -> str | None:
    """Why these bars can never give a value."""
    n_instruments = 1 + len(bars.others)
    if reach.is_cross_sectional and n_instruments < MIN_INSTRUMENTS:
        return f"needs {MIN_INSTRUMENTS} instruments to compare, has {n_instruments}"
    return why_missing([name], shared(_panel, bars)).get(name)


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


def _reach(name: str) -> Reach:
    return _reach_of(find_formula(name).text)


@cache
def _reach_of(text: str) -> Reach:
    return reach_of(parse(text), DEFAULT)


def _tool(formula: Formula) -> Tool:
    """The registered form; what costs a parse waits until the tool is used."""
    name = formula.name
    return Tool(
        name=name,
        group=name.split("_", 1)[0],
        unit=formula.unit,
        doc=_doc(formula),
        parameters=(),
        reads=_COLUMNS,
        min_bars=lambda: _reach(name).bars,
        settled_bars=None,
        undefined="undefined on these bars",
        function=partial(_series, name),
        estimate=partial(_estimate, name),
    )


def _doc(formula: Formula) -> Doc:
    note = formula.note
    told = [f"{formula.name} = {formula.text}"]
    if note is not None:
        told += [f"Printed: {note.printed}", f"Wrong with it: {note.wrong}"]
        told += [f"Chosen: {note.chosen}", f"Why: {note.why}"]
    return Doc(
        summary=formula.text,
        use=f"A formula of the set {formula.title}; its words are explained by `dualbrain tools words`.",
        parameters={"bars": "closed bars, oldest first"},
        returns=f"Newest value; unit: {formula.unit}.",
        notes="\n".join(told),
        references=formula.source,
    )


def add_formulas(path: Path) -> None:
    """Register a user's catalogue; SettingsError as in `add_catalogue`, and for the name of another tool.

    Tools look their formula up by name, so one that is added again is computed by its new text.
    """
    known = set(formulas())
    others = {tool.name for tool in all_tools()} - known
    if taken := sorted(others & load_catalogue(path).keys()):
        raise SettingsError(
            f"expected names that no tool has in {path.name}, found {taken[0]!r}; rename the set"
        )
    for name, formula in add_catalogue(path).items():
        if name not in known:
            add_tool(_tool(formula))


for _formula in published().values():
    add_tool(_tool(_formula))
