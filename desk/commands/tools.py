"""`dualbrain tools`: what can be computed, and computing it on the configured feed."""

import json
from typing import Annotated

import typer

from contracts.errors import SettingsError
from desk.commands import features, formulas
from desk.commands.options import (
    AtOption,
    IntervalOption,
    JsonOption,
    SampleOption,
    SymbolOption,
    footer,
    parse_numbers,
)

app = typer.Typer(no_args_is_help=True, help="List, explain and call the tools that compute.")
formulas.add_to(app)
features.add_to(app)

GroupOption = Annotated[str | None, typer.Option("--group", metavar="NAME", help="Only this group.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the tool.")]
OtherOption = Annotated[
    str | None, typer.Option("--other", metavar="NAME", help="The second instrument, of a tool of pairs.")
]
BarsOption = Annotated[
    int | None,
    typer.Option("--bars", min=1, max=100_000, help="Closed bars to read; default: as many as a decision."),
]
ArgOption = Annotated[
    list[str] | None,
    typer.Option("--arg", metavar="NAME=NUMBER", help="A parameter of the tool; repeatable."),
]


@app.command("ls", epilog=footer("dualbrain tools ls", "dualbrain tools ls --group volatility", exits=(0, 2)))
def list_tools(group: GroupOption = None, is_json: JsonOption = False) -> None:
    """List the tools with what each returns; a set of formulas is one line without --group."""
    from desk.commands.files import settings_of
    from desk.present import plain_table, to_stdout
    from tools.formulas.catalogue import SETS
    from tools.registry import groups

    settings_of({})  # Brings the user's formulas.
    known = groups()
    if group is not None and group not in known:
        raise SettingsError(f"expected --group among {', '.join(known)}, found {group!r}")
    found = [tool for name, tools in known.items() if group in (None, name) for tool in tools]
    if is_json:
        rows = [{"name": t.name, "group": t.group, "unit": t.unit, "summary": t.summary} for t in found]
        typer.echo(json.dumps(rows, indent=2))
        return
    folded = () if group else SETS
    lines = [(t.name, t.group, t.unit, t.summary) for t in found if t.group not in folded]
    lines += [
        (f"{name}_...", name, "", f"{len(known[name])} formulas; list them with --group {name}")
        for name in folded
    ]
    to_stdout().print(plain_table(("tool", "group", "unit", "what it says"), lines))


@app.command(epilog=footer("dualbrain tools show rsi", "dualbrain tools show alpha191_015", exits=(0, 2)))
def show(name: NameArgument) -> None:
    """Explain one tool or formula: when to use it, parameters, notes, where it is from."""
    from desk.commands.files import settings_of
    from desk.commands.formulas import show_formula
    from desk.present import facts, to_stdout
    from tools.formulas.catalogue import formulas
    from tools.registry import get_tool

    settings_of({})  # Brings the user's formulas.
    if name in formulas():
        show_formula(formulas()[name])
        return
    found = get_tool(name)
    out = to_stdout()
    out.print(f"{found.name} · {found.group} · {found.unit}", style="bold")
    out.print(f"{found.summary}\n\n{found.doc.use}\n")
    rows = [(f"{p.name}={p.default:g}", p.text) for p in found.parameters]
    rows += [("returns", found.doc.returns), ("notes", found.doc.notes), ("source", found.doc.references)]
    out.print(facts(rows))


@app.command(
    epilog=footer(
        "dualbrain tools call rsi --symbol EURUSD",
        "dualbrain tools call atr --symbol EURUSD --at 2017-03-01T14:00 --arg period=20 --json",
        exits=(0, 2, 5),
    )
)
def call(
    name: NameArgument,
    symbol: SymbolOption,
    at: AtOption = None,
    interval: IntervalOption = None,
    bars: BarsOption = None,
    other: OtherOption = None,
    sample: SampleOption = None,
    args: ArgOption = None,
    is_json: JsonOption = False,
) -> None:
    r"""Compute a tool on the newest closed bars of the configured feed.

    Nothing later than --at is read. A formula that compares instruments reads
    all of the feed. Trades and quotes come from the files under
    \[\[feed.ticks]], and with a book from those under \[\[feed.books]].
    """
    from desk.commands.files import settings_of
    from desk.commands.tool_call import call_tool
    from desk.commands.tool_inputs import sample_overrides

    named = {"timeframe": interval, "snapshot.bars": bars}
    overrides = {name: value for name, value in named.items() if value is not None}
    settings = settings_of(sample_overrides(sample) | overrides)
    called = call_tool(name, settings, symbol, at=at, other=other, params=parse_numbers(args))
    typer.echo(json.dumps(called.as_json()) if is_json else "\n".join(called.as_lines()))
