"""`dualbrain tools`: what can be computed, and computing it on the configured feed."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import SettingsError
from desk.commands import features, formulas
from desk.commands.options import AtOption, IntervalOption, JsonOption, SymbolOption, footer, parse_pairs

if TYPE_CHECKING:
    from datetime import datetime

    from contracts.market import Timeframe
    from tools.registry import Tool, ToolValue

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
    args: ArgOption = None,
    is_json: JsonOption = False,
) -> None:
    """Compute a tool on the newest closed bars of the configured feed.

    Nothing later than --at is read. A formula that compares instruments reads
    all of the feed; trades and quotes come from the files under [[feed.ticks]].
    """
    import asyncio

    from desk.commands.files import settings_of
    from desk.commands.tool_inputs import inputs_for, known_at
    from markets.instruments import resolve
    from tools.registry import get_tool

    named = {"timeframe": interval, "snapshot.bars": bars}
    settings = settings_of({name: value for name, value in named.items() if value is not None})
    tool, instrument = get_tool(name), resolve(symbol)
    params = tool.check(**_numbers(args))
    inputs = asyncio.run(inputs_for(tool, settings, instrument.instrument_id, at, other))
    called = _Called(
        tool=tool,
        params=params,
        instrument_id=instrument.instrument_id,
        timeframe=settings.timeframe if "bars" in tool.inputs else None,
        as_of=known_at(tool, inputs),
        value=tool.call(inputs, **params),
    )
    if is_json:
        typer.echo(json.dumps(called.as_json()))
    else:
        typer.echo("\n".join(called.as_lines()))


def _numbers(args: list[str] | None) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, text in parse_pairs(args, "--arg").items():
        try:
            found[name] = int(str(text))
        except ValueError:
            try:
                found[name] = float(str(text))
            except ValueError:
                raise SettingsError(f"expected --arg {name} as a number, found {text!r}") from None
    return found


@dataclass(frozen=True)
class _Called:
    """One call and what came of it."""

    tool: "Tool"
    params: dict[str, int | float]
    instrument_id: str
    timeframe: "Timeframe | None"
    """None where no bars are read."""
    as_of: "datetime | None"
    value: "ToolValue"

    def as_lines(self) -> list[str]:
        from desk.present import moment, number
        from tools.tool_docs import INPUTS

        given = ", ".join(f"{name}={setting:g}" for name, setting in self.params.items())
        on = f" {self.timeframe}, bar closed" if self.timeframe else ", known by"
        when = f"{on} {moment(self.as_of)}" if self.as_of else ", of which nothing is known"
        found, rows = self.value, INPUTS[self.tool.inputs[0]][1]
        return [
            f"{self.tool.name}({given}) of {self.instrument_id}{when}",
            f"none: {found.reason}" if found.value is None else f"{number(found.value)} {self.tool.unit}",
            f"from {found.n_obs:,} {rows.removesuffix('s') if found.n_obs == 1 else rows}",
            *(f"warning: {warning}" for warning in found.warnings),
        ]

    def as_json(self) -> dict[str, object]:
        return {
            "tool": self.tool.name,
            "parameters": self.params,
            "instrument_id": self.instrument_id,
            "timeframe": self.timeframe,
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
            "value": self.value.value,
            "unit": self.tool.unit,
            "n_obs": self.value.n_obs,
            "reason": self.value.reason,
            "warnings": list(self.value.warnings),
        }
