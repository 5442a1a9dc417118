"""`dualbrain tools`: what can be computed, and computing it on the configured feed."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import SettingsError
from desk.commands import formulas
from desk.commands.options import JsonOption, footer, parse_pairs

if TYPE_CHECKING:
    from contracts.market import Bars, Timeframe
    from tools.registry import Tool, ToolValue

app = typer.Typer(no_args_is_help=True, help="List, explain and call the tools that compute.")
formulas.add_to(app)

GroupOption = Annotated[str | None, typer.Option("--group", metavar="NAME", help="Only this group.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the tool.")]
SymbolOption = Annotated[str, typer.Option("--symbol", metavar="NAME", help="Instrument of the feed.")]
AtOption = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="As of this moment (UTC); default: the feed's end.")
]
IntervalOption = Annotated[
    str | None, typer.Option("--interval", metavar="1h", help="Bars to compute on; default: the settings'.")
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
    args: ArgOption = None,
    is_json: JsonOption = False,
) -> None:
    """Compute a tool on the last 600 closed bars of the configured feed.

    No bar that closed after --at is read. A formula that compares instruments
    reads all of the feed.
    """
    import asyncio

    from desk.commands.files import settings_of
    from desk.commands.tool_bars import bars_for
    from markets.instruments import resolve
    from tools.registry import get_tool

    settings = settings_of({} if interval is None else {"timeframe": interval})
    tool, instrument = get_tool(name), resolve(symbol)
    params = tool.check(**_numbers(args))
    bars = asyncio.run(bars_for(name, settings, instrument.instrument_id, at))
    value = tool.call(bars, **params)
    if is_json:
        typer.echo(
            json.dumps(_as_json(tool, params, instrument.instrument_id, settings.timeframe, bars, value))
        )
    else:
        _print_value(tool, params, f"{instrument.instrument_id} {settings.timeframe}", bars, value)


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


def _print_value(
    tool: "Tool", params: dict[str, int | float], where: str, bars: "Bars", value: "ToolValue"
) -> None:
    from desk.present import moment, number

    given = ", ".join(f"{name}={setting:g}" for name, setting in params.items())
    typer.echo(f"{tool.name}({given}) of {where}, bar closed {moment(bars.last_close_time)}")
    typer.echo(f"none: {value.reason}" if value.value is None else f"{number(value.value)} {tool.unit}")
    typer.echo(f"from {value.n_obs:,} {'bar' if value.n_obs == 1 else 'bars'}")
    for warning in value.warnings:
        typer.echo(f"warning: {warning}")


def _as_json(
    tool: "Tool",
    params: dict[str, int | float],
    instrument_id: str,
    timeframe: "Timeframe",
    bars: "Bars",
    value: "ToolValue",
) -> dict[str, object]:
    return {
        "tool": tool.name,
        "parameters": params,
        "instrument_id": instrument_id,
        "timeframe": timeframe,
        "as_of": bars.last_close_time.isoformat(),
        "value": value.value,
        "unit": tool.unit,
        "n_obs": value.n_obs,
        "reason": value.reason,
        "warnings": list(value.warnings),
    }
