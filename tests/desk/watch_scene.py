"""Doors to real desks, and their journals read past every class of the desk's own."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from desk.settings import load_settings
from desk.terminal.door import DeskDoor
from tests.desk.command_line import dualbrain
from tests.tui.terminal import door_of
from tui.door import Health, Meter, Sheet, Watch

HOURS = ("--sample", "eurusd-2017")
OPEN = ("--from", "2017-01-04T09:00", "--to", "2017-01-04T12:00")
"""Ends with a short position in EURUSD."""
WEEKS = ("--from", "2017-03-01", "--to", "2017-03-15T20:00")
"""Closes several trades and ends flat."""
SATURDAY = ("--from", "2017-01-07T00:00", "--to", "2017-01-07T12:00")
"""No bar closes then."""


def trade(home: Path, span: tuple[str, ...] = WEEKS) -> Path:
    """Desk `d` after this span, decided by fixed rules."""
    said = dualbrain(home, "run", *HOURS, *span, "--desk", "d")
    assert said.code == 0, said.err
    return home


@contextmanager
def door(home: Path, *, now: datetime | None = None) -> Iterator[DeskDoor]:
    """An attached door to desk `d`."""
    at = now or datetime.now(UTC)
    found = DeskDoor(load_settings({"desk": "d"}, home), must_attach=True, home=home, now=lambda: at)
    found.open()
    try:
        yield found
    finally:
        found.close()


def own_door(home: Path, span: tuple[str, str] = (OPEN[1], OPEN[3])) -> DeskDoor:
    """A door to a desk of the terminal's own, decided by fixed rules."""
    return door_of(home, span=span, changes={"approval.policy": "autonomous"})


@contextmanager
def fed(home: Path) -> Iterator[DeskDoor]:
    """The same, open, with its feed at the end."""
    own = own_door(home)
    own.open()
    try:
        wait_for(own, "the feed ended")
        yield own
    finally:
        own.close()


def wait_for(opened: DeskDoor, doing: str, seconds: float = 30) -> None:
    """Until the desk does this."""
    deadline = time.monotonic() + seconds
    while not opened.status().doing.startswith(doing):
        assert time.monotonic() < deadline, f"expected {doing}, found {opened.status().doing}"
        time.sleep(0.05)


def watched(home: Path, *, now: datetime | None = None) -> Watch:
    """What an attached terminal sees."""
    with door(home, now=now) as found:
        return found.watch()


def raw(home: Path, kind: str) -> list[dict[str, Any]]:
    """Bodies of this class as SQLite holds them, in journal order."""
    connection = sqlite3.connect(f"file:{home / 'd' / 'journal.db'}?mode=ro", uri=True)
    try:
        rows = connection.execute("SELECT body FROM journal WHERE kind = ? ORDER BY seq", (kind,)).fetchall()
    finally:
        connection.close()
    return [json.loads(body) for (body,) in rows]


def meter(watch: Watch, name: str) -> Meter:
    """The meter of this name."""
    return next(each for each in (*watch.limits, *watch.budgets) if each.name == name)


def line(watch: Watch, name: str) -> Health:
    """The line on this thing."""
    return next(each for each in watch.health if each.name == name)


def column(sheet: Sheet, name: str) -> list[str]:
    """What stands in it, from the top."""
    return [row[sheet.head.index(name)] for row in sheet.rows]
