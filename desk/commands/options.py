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
    str | None,
    typer.Option(
        "--interval",
        metavar="1h",
        help="Bars to compute on: 1m 5m 15m 30m 1h 4h 1d 1w; default: the settings'.",
    ),
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


def parse_pairs(pairs: Sequence[str] | None) -> dict[str, object]:
    """`--set NAME=VALUE` as a mapping; a value beginning [ or { is read as JSON, null is None."""
    return {name: _parse_value(value, f"--set {name}") for name, value in _pairs(pairs, "--set", "VALUE")}


def parse_numbers(pairs: Sequence[str] | None) -> dict[str, float]:
    """`--arg NAME=NUMBER` as a mapping, each name once: nobody could tell which of two was meant."""
    found: dict[str, float] = {}
    for name, text in _pairs(pairs, "--arg", "NUMBER"):
        if name in found:
            raise SettingsError(f"expected --arg {name} once, found it again with {text!r}; leave one out")
        found[name] = _parse_number(text, name)
    return found


def parse_moment(text: str, option: str) -> datetime:
    """An ISO date or time; UTC where no zone is given."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise SettingsError(
            f"expected {option} as a date or time such as 2017-03-01 or 2017-03-01T14:00, found {text!r}"
        ) from None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise SettingsError(f"expected {option} in the years 1 to 9999 of UTC, found {text!r}") from None


def _pairs(pairs: Sequence[str] | None, what: str, value: str) -> list[tuple[str, str]]:
    found = []
    for pair in pairs or ():
        name, equals, text = pair.partition("=")
        if not equals or not name.strip():
            raise SettingsError(f"expected {what} NAME={value}, found {what} {pair!r}")
        found.append((name.strip(), text.strip()))
    return found


def _parse_number(text: str, name: str) -> float:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    raise SettingsError(f"expected --arg {name} as a number, found {text!r}")


def _parse_value(value: str, name: str) -> object:
    if value == "null":
        return None
    if not value.startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"expected {name} as JSON, found {value!r}: {error}") from None
