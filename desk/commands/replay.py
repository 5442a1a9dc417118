"""`dualbrain replay`: run past cycles again, as they were or with a setting changed."""

from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import SettingsError
from desk.commands.options import DeskOption, JsonOption, footer, parse_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping

CycleArgument = Annotated[
    str | None, typer.Argument(metavar="[CYCLE]", help="Cycle id, or its beginning where that is unique.")
]
AllOption = Annotated[bool, typer.Option("--all", help="Every cycle of the desk.")]
ChangesOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="What if this setting had been different; repeatable."),
]

EPILOG = footer(
    "dualbrain replay 3f2a91c0 --desk demo-20260101T120000Z",
    "dualbrain replay --all --json",
    "dualbrain replay --all --set limits.risk_per_trade_pct=0.5",
)


def replay(
    cycle: CycleArgument = None,
    is_all: AllOption = False,
    changes: ChangesOption = None,
    desk: DeskOption = None,
    is_json: JsonOption = False,
) -> None:
    """Run past cycles again: identical, equal or drifted.

    Equal is within 1e-9. Drifted exits 1 and names the first stage that came
    out otherwise. With --set it is a counterfactual: it says what would have
    differed, and exits 0. Nothing is written.
    """
    if (cycle is None) is not is_all:
        raise SettingsError("expected a CYCLE or --all, found " + ("both" if is_all else "neither"))
    from desk.commands.files import find_cycle, reading, settings_of
    from desk.commands.replaying import ReplayCount, replay_all, replay_one

    wanted = _checked(parse_pairs(changes))
    settings_of({})  # Brings the user's formulas, which a recorded row may name.
    with reading(desk) as on_file:
        if cycle is None:
            count: ReplayCount = replay_all(on_file, wanted, is_json=is_json)
            n_drifted = count.n_drifted
        else:
            n_drifted = replay_one(on_file, find_cycle(on_file.journal, cycle), wanted, is_json=is_json)
    if n_drifted and not wanted:
        raise typer.Exit(1)


def _checked(changes: "Mapping[str, object]") -> "Mapping[str, object]":
    """The changes, once they are known to make settings; each cycle applies them to its own."""
    from pydantic import ValidationError

    from contracts.errors import NotOnRecord
    from graphs.desk import CycleSettings
    from graphs.replay import change_settings

    try:
        change_settings(CycleSettings(), changes)
    except NotOnRecord as error:
        raise SettingsError(f"{error}; `dualbrain doctor` lists every name") from None
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(str(part) for part in problem["loc"]) or next(iter(changes))
        raise SettingsError(f"--set {name}: {problem['msg']}, found {problem['input']!r}") from None
    return changes
