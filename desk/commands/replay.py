"""`dualbrain replay`: run past cycles again, as they were or with a setting changed."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import SettingsError, ToolInputError
from desk.commands.options import DeskOption, JsonOption, footer, parse_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agents.settings import BudgetSettings
    from desk.commands.replaying import Wanted

CycleArgument = Annotated[
    str | None, typer.Argument(metavar="[CYCLE]", help="Cycle id, or its beginning where that is unique.")
]
AllOption = Annotated[bool, typer.Option("--all", help="Every cycle of the desk.")]
ChangesOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="What if this setting had been different; repeatable."),
]
AskOption = Annotated[
    bool, typer.Option("--ask", help="With --set: ask models what is not on record, after saying the cost.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="With --ask: do not wait for a yes.")]

EPILOG = footer(
    "dualbrain replay 3f2a91c0 --desk demo-20260101T120000Z",
    "dualbrain replay --all --json",
    "dualbrain replay --all --set limits.risk_per_trade_pct=0.5",
    "dualbrain replay 3f2a91c0 --set seats.kimi.model=kimi-k3 --ask",
    "dualbrain replay --all --set seats.kimi.prompt=./my_kimi.md --ask --yes",
    exits=(0, 1, 2, 3, 4, 5),
)


def replay(
    cycle: CycleArgument = None,
    is_all: AllOption = False,
    changes: ChangesOption = None,
    is_ask: AskOption = False,
    is_yes: YesOption = False,
    desk: DeskOption = None,
    is_json: JsonOption = False,
) -> None:
    """Run past cycles again: identical, equal or drifted.

    Equal is within 1e-9. Drifted exits 1 and names the first stage that came
    out otherwise. With --set it is a counterfactual: it says what would have
    differed, and exits 0. Nothing is written, except by --ask: what models
    are asked goes on record beside the cycle, and is not asked again.
    """
    if (cycle is None) is not is_all:
        raise SettingsError("expected a CYCLE or --all, found " + ("both" if is_all else "neither"))
    if is_yes and not is_ask:
        raise SettingsError("expected --yes with --ask, found it alone")
    if is_ask and not changes:
        raise SettingsError("expected --ask with a --set, found it alone; as it was, everything is on record")
    from desk.commands.files import find_cycle, reading, settings_of
    from desk.commands.replaying import Wanted, replay_wanted
    from desk.environment import forbid_tracing

    forbid_tracing()
    wanted = _checked(parse_pairs(changes))
    # Brings the user's formulas too, which a recorded row may name.
    budget = settings_of({n: v for n, v in wanted.items() if n.startswith("budget.")}).budget
    with reading(desk) as on_file:
        one = None if cycle is None else find_cycle(on_file.journal, cycle)
        run = Wanted(on_file, wanted, one, is_json)
        n_drifted = _ask_first(run, budget, is_yes=is_yes) if is_ask else replay_wanted(run)
    if n_drifted and not wanted:
        raise typer.Exit(1)


def _ask_first(run: "Wanted", budget: "BudgetSettings", *, is_yes: bool) -> int:
    from desk.commands.asking import asking, estimate, is_agreed, show_estimate
    from desk.commands.replaying import replay_wanted
    from desk.present import to_stdout

    found = estimate(run.on_file, run.changes, run.cycle_ids, budget)
    if not run.is_json:
        show_estimate(to_stdout(), found)
    if not found.questions:
        return replay_wanted(run, found)
    try:
        is_wanted = is_agreed(found, is_yes=is_yes)
    except SettingsError:
        if run.is_json:
            typer.echo(json.dumps({"estimate": found.as_json()}, indent=2))
        raise
    if not is_wanted:
        typer.echo(
            json.dumps({"estimate": found.as_json()}, indent=2) if run.is_json else "nothing was asked"
        )
        return 0
    with asking(run.on_file, budget) as what_if:
        return replay_wanted(run, found, what_if)


def _checked(changes: "Mapping[str, object]") -> "Mapping[str, object]":
    """The changes, known to make settings; each cycle applies them to its own, which may name more seats."""
    from graphs.desk import CycleSettings
    from graphs.replay import change_settings

    of_all = {n: v for n, v in changes.items() if not n.startswith(("seats.", "panel."))}
    try:
        change_settings(CycleSettings(), of_all)
    except ToolInputError as error:
        # What must agree with other settings may do so with the recorded ones.
        if error.fields.get("problem") != "value_error":
            raise
    return changes
