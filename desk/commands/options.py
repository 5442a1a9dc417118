"""Options that several commands share, and turning what a person typed into values."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from contracts.errors import SettingsError

EXITS = {
    0: "fine",
    1: "drifted, or the audit found something wrong",
    2: "a mistake in settings, arguments or a feed file",
    3: "another runner holds this desk",
    4: "the journal or a file cannot be read or written",
    5: "something that must hold does not",
}

DeskOption = Annotated[
    str | None, typer.Option("--desk", metavar="NAME", help="The desk; default: the setting `desk`.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
SymbolOption = Annotated[str, typer.Option("--symbol", metavar="NAME", help="Instrument of the feed.")]
AtOption = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="As of this moment (UTC); default: the feed's end.")
]
IntervalOption = Annotated[
    str | None, typer.Option("--interval", metavar="1h", help="Bars to compute on; default: the settings'.")
]
SampleOption = Annotated[
    list[str] | None,
    typer.Option(
        "--sample", metavar="NAME", help="Bundled sample instead of the settings' feed; repeatable."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Change one setting by its dotted name; repeatable."),
]


def footer(*examples: str, exits: Sequence[int] = (0, 2, 4, 5)) -> str:
    """The end of a command's help: examples and exit codes."""
    codes = "; ".join(f"{code} {EXITS[code]}" for code in exits)
    return "\n".join(["Examples:", *(f"  {example}" for example in examples)]) + f"\n\nExit codes: {codes}."


def parse_pairs(pairs: Sequence[str] | None, what: str = "--set") -> dict[str, object]:
    """`NAME=VALUE` texts as a mapping; a value beginning [ or { is read as JSON, null is None."""
    found: dict[str, object] = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise SettingsError(f"expected {what} NAME=VALUE, found {what} {pair!r}")
        found[name.strip()] = _parse_value(value.strip(), f"{what} {name.strip()}")
    return found


def parse_moment(text: str, option: str) -> datetime:
    """An ISO date or time; UTC where no zone is given."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise SettingsError(
            f"expected {option} as a date or time such as 2017-03-01 or 2017-03-01T14:00, found {text!r}"
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _parse_value(value: str, name: str) -> object:
    if value == "null":
        return None
    if not value.startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"expected {name} as JSON, found {value!r}: {error}") from None
