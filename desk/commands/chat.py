"""`dualbrain chat`: the terminal on one desk, its own or one that runs elsewhere."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import SettingsError
from desk.commands.options import DeskOption, SampleOption, SetOption, footer, parse_pairs
from desk.commands.run import (
    BrainsOption,
    FeedOption,
    FromOption,
    IntervalOption,
    ToOption,
    feed_overrides,
)

if TYPE_CHECKING:
    from desk.terminal.door import DeskDoor
    from tui.door import Door

AttachOption = Annotated[
    bool, typer.Option("--attach", help="Only read and answer, even where no runner holds the desk.")
]

EPILOG = footer(
    "dualbrain chat --sample eurusd-2017 --from 2017-03-01 --to 2017-04-01",
    "dualbrain chat --desk desk2 --attach",
    exits=(0, 1, 2, 4, 5),
)


def chat(
    desk: DeskOption = None,
    attach: AttachOption = False,
    feed: FeedOption = None,
    sample: SampleOption = None,
    start: FromOption = None,
    end: ToOption = None,
    interval: IntervalOption = None,
    brains: BrainsOption = None,
    changes: SetOption = None,
) -> None:
    """Sit at a desk: watch it, ask about it, approve its trades, halt it.

    Where a runner holds the desk the terminal attaches to it; else it runs
    the desk itself, asking before every trade. Press ? for keys.
    """
    from desk.folder import desk_home
    from tui.app import DualbrainApp

    # It is drawn on what errors are written to, so that one too.
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise SettingsError(
            "expected a terminal to draw on, found a pipe or a file; use `dualbrain run` and `answer`"
        )
    overrides = {"approval.policy": "ask"} | feed_overrides(feed, sample, start, end) | parse_pairs(changes)
    named = {"desk": desk, "timeframe": interval, "mode": brains}
    overrides |= {name: value for name, value in named.items() if value is not None}
    opened: list[DeskDoor] = []
    chosen = desk_home() / "theme"
    app = DualbrainApp(
        lambda: _connect(overrides, opened, must_attach=attach),
        theme=theme_in(chosen),
        keep_theme=lambda name: keep_theme(chosen, name),
    )
    try:
        failed = app.run()
    finally:
        for door in opened:
            door.close()
    failures = (failed, *(door.failure for door in opened))
    # A script must not take it for a desk that ended in good order.
    for failure in failures:
        if failure is not None:
            raise failure
    if app.return_code:
        raise typer.Exit(app.return_code)


def theme_in(chosen: Path) -> str:
    """The theme this file names; nothing where it cannot be read, for a look is no reason to fail."""
    try:
        return chosen.read_text("utf-8", errors="replace").partition("\n")[0].strip()
    except OSError:
        return ""


def keep_theme(chosen: Path, name: str) -> None:
    """Write down the theme for the next time."""
    try:
        chosen.parent.mkdir(parents=True, exist_ok=True)
        chosen.write_text(f"{name}\n", "utf-8")
    except OSError as error:
        raise SettingsError(
            f"expected to write the theme to {chosen}, found {error.strerror}; it holds until you leave"
        ) from error


def _connect(overrides: dict[str, object], opened: "list[DeskDoor]", *, must_attach: bool) -> "Door":
    """The heavy half, after the first paint."""
    import gc

    from desk.commands.files import settings_of
    from desk.terminal.door import DeskDoor

    # Collecting garbage over all that the libraries hold takes 0.15 s, in which no key is heard.
    door = DeskDoor(settings_of(overrides), must_attach=must_attach, loaded=gc.freeze)
    opened.append(door)
    door.open()
    return door
