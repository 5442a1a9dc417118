"""Every formula as a registered tool: found, described and called as any other.

Importing this registers the published sets.
"""

from functools import partial
from pathlib import Path

from tools.formulas.catalogue import Formula, add_catalogue, formulas, published
from tools.formulas.values import newest_value, reach_by_name, value_series
from tools.registry import Column, Tool, add_tool, all_tools
from tools.tool_docs import Doc

_COLUMNS: tuple[Column, ...] = ("open", "high", "low", "close", "volume")


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
        min_bars=lambda: reach_by_name(name).bars,
        settled_bars=None,
        undefined="undefined on these bars",
        function=partial(value_series, name),
        estimate=partial(newest_value, name),
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
    """Register a user's catalogue; SettingsError as in `add_catalogue`.

    One that is added again replaces what it was.
    """
    tools = {tool.name for tool in all_tools()} - formulas().keys()
    for formula in add_catalogue(path, taken=tools).values():
        add_tool(_tool(formula), replaces=True)


for _formula in published().values():
    add_tool(_tool(_formula))
