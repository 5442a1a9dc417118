"""`dualbrain tools show`, `explain` and `words`: a formula's text, its reading, the tree of its values."""

from typing import TYPE_CHECKING, Annotated

import typer

from desk.commands.options import AtOption, IntervalOption, JsonOption, SymbolOption, footer

if TYPE_CHECKING:
    from rich.tree import Tree

    from tools.formulas.catalogue import Formula
    from tools.formulas.explain import Explained
    from tools.formulas.operators import Operator


def show_formula(formula: "Formula") -> None:
    """Text, what it needs, the conventions it depends on, what is wrong with it as printed, source."""
    from desk.present import facts, to_stdout
    from tools.formulas.conventions import DEFAULT, choices_of
    from tools.formulas.reach import reach_of

    reach = reach_of(formula.tree, DEFAULT)
    bars = f"{reach.bars} to the first value"
    if reach.is_recursive:
        bars += f", {reach.settled_bars} until where they begin weighs under 1 %"
    rows = [("formula", formula.text), ("reads", ", ".join(reach.fields)), ("bars", bars)]
    if reach.is_cross_sectional:
        rows.append(("compares", "instruments on the same bar; needs at least five"))
    for switch in reach.switches:
        chosen = str(getattr(DEFAULT, switch))
        others = ", ".join(choice for choice in choices_of(switch) if choice != chosen)
        rows.append((switch, f"{chosen} (or {others})"))
    if formula.note is not None:
        rows += [(name, text) for name, text in formula.note]
    rows.append(("source", formula.source))
    out = to_stdout()
    out.print(f"{formula.name} · {formula.title} · {formula.unit}", style="bold")
    out.print(facts(rows))


def explain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the formula.")],
    symbol: SymbolOption,
    at: AtOption = None,
    interval: IntervalOption = None,
    is_json: JsonOption = False,
) -> None:
    """Take one value of a formula apart: the value of every part of it.

    No bar that closed after --at is read. A formula that compares instruments reads all of the feed.
    """
    import asyncio
    import json

    from desk.commands.files import settings_of
    from desk.commands.tool_inputs import bars_for
    from desk.present import moment, to_stdout
    from markets.instruments import resolve
    from tools.formulas.catalogue import find_formula
    from tools.formulas.explain import explain_formula
    from tools.formulas.panel import panel_of
    from tools.registry import get_tool

    # The settings bring the user's formulas, so they come first.
    settings = settings_of({} if interval is None else {"timeframe": interval})
    formula = find_formula(name)
    instrument = resolve(symbol).instrument_id
    own = asyncio.run(bars_for(get_tool(name), settings, instrument, at))
    where = f"{instrument} {settings.timeframe}"
    found = explain_formula(formula, panel_of(own, own.others), 0)
    value = get_tool(name).call(own)
    if is_json:
        said = {"reason": value.reason, "warnings": list(value.warnings)}
        typer.echo(
            json.dumps({"formula": name, "as_of": own.last_close_time.isoformat(), **said, **_as_json(found)})
        )
        return
    out = to_stdout()
    out.print(f"{name} of {where}, bar closed {moment(own.last_close_time)}, {formula.unit}", style="bold")
    if value.reason is not None:
        out.print(f"none: {value.reason}")
    for warning in value.warnings:
        out.print(f"warning: {warning}")
    out.print(_as_tree(found))


def words(is_json: JsonOption = False) -> None:
    """List the words of the formula language, each with its one meaning."""
    import json

    from desk.present import plain_table, to_stdout
    from tools.formulas.operators import FIELDS, GROUPS, OPERATORS

    rows = [(as_written(word), word.meaning) for word in OPERATORS.values()]
    rows += [(field.name, f"{field.meaning} ({field.unit})") for field in FIELDS.values()]
    rows += list(GROUPS.items())
    if is_json:
        typer.echo(json.dumps([{"word": word, "meaning": meaning} for word, meaning in rows], indent=2))
    else:
        to_stdout().print(plain_table(("word", "meaning"), rows))


def as_written(word: "Operator") -> str:
    """An operator as it stands in a formula: `x + y`, `ts_mean(x, d)`."""
    from tools.formulas.tree import INFIX

    if word.name in INFIX:
        sign = f" {INFIX[word.name][0]} "
        return sign.join(("c", "c") if word.takes == ("c", "c") else ("x", "y"))
    return {"negate": "-x", "not": "!c", "where": "c ? x : y"}.get(word.name, word.signature)


def add_to(app: typer.Typer) -> None:
    """Put the commands beside the others of `dualbrain tools`."""
    example = "dualbrain tools explain alpha101_012 --symbol EURUSD --at 2017-03-01T14:00"
    app.command(epilog=footer(example, exits=(0, 2, 5)))(explain)
    app.command(epilog=footer("dualbrain tools words", exits=(0, 2)))(words)


def _as_json(part: "Explained") -> dict[str, object]:
    return {"text": part.text, "value": part.value, "parts": [_as_json(inner) for inner in part.parts]}


def _as_tree(part: "Explained") -> "Tree":
    from rich.text import Text
    from rich.tree import Tree

    from desk.present import number

    value = "missing" if part.value is None else number(part.value)
    if part.is_condition and part.value is not None:
        value = "yes" if part.value else "no"
    tree = Tree(Text.assemble((value, "bold"), "  ", part.text), guide_style="dim")
    for inner in part.parts:
        tree.children.append(_as_tree(inner))
    return tree
