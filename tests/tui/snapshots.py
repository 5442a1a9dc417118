"""Screens compared to their pictures under `pictures/`; DUALBRAIN_PICTURES=write takes the pictures.

A picture is compared until it is alike or its time is over, so that a slow machine passes as a
quick one does.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import zip_longest
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from contracts.errors import DualbrainError
from tests.conftest import ROOT
from tests.tui.picture import picture, words_of
from tests.tui.still_door import StillDoor
from tui.app import DualbrainApp
from tui.door import Door
from tui.theme import DEFAULT

PICTURES = Path(__file__).parent / "pictures"
NOW = PICTURES / "now"
"""What screens that differ look like now; git does not see it."""
IS_WRITING = os.environ.get("DUALBRAIN_PICTURES") == "write"
HOW = "DUALBRAIN_PICTURES=write python -m pytest tests/tui/test_pictures.py"
_PATIENCE_S, _CALM_S = 10.0, 1.5
"""How long a screen may take to look as pictured; how long it must not change before it is pictured."""


@asynccontextmanager
async def still_terminal(
    door: StillDoor, size: tuple[int, int], *, toasts: bool = False, theme: str = DEFAULT
) -> AsyncIterator[tuple[DualbrainApp, Pilot[DualbrainError]]]:
    """The application on this door, with nothing that moves by itself."""

    def connect() -> Door:
        door.open()
        return door

    app = DualbrainApp(connect, theme=theme)
    app.animation_level = "none"
    try:
        async with app.run_test(size=size, notifications=toasts) as pilot:
            yield app, pilot
    finally:
        door.close()


async def expect_picture(app: DualbrainApp, pilot: Pilot[DualbrainError], name: str) -> None:
    """Fail with the first row that differs where the screen does not look as pictured."""
    path = PICTURES / f"{name}.svg"
    if IS_WRITING:
        path.parent.mkdir(exist_ok=True)
        path.write_text(await at_rest(app, pilot, name), encoding="utf-8", newline="\n")
        return
    assert path.is_file(), f"expected a picture {_short(path)}, found none; look at the screen, then {HOW}"
    wanted = path.read_text(encoding="utf-8")
    found = await as_pictured(app, pilot, name, wanted)
    if found != wanted:
        NOW.mkdir(parents=True, exist_ok=True)
        (NOW / path.name).write_text(found, encoding="utf-8", newline="\n")
        raise AssertionError(difference(name, wanted, found))


async def as_pictured(app: DualbrainApp, pilot: Pilot[DualbrainError], name: str, wanted: str) -> str:
    """The picture of a screen as soon as it is the wanted one, else as it is when its time is over."""
    _hold_still(app)
    deadline = asyncio.get_running_loop().time() + _PATIENCE_S
    while (found := picture(app, name)) != wanted and asyncio.get_running_loop().time() < deadline:
        await pilot.pause(0.05)
    return found


async def at_rest(app: DualbrainApp, pilot: Pilot[DualbrainError], name: str) -> str:
    """The picture of a screen that has come to rest."""
    _hold_still(app)
    clock = asyncio.get_running_loop().time
    last, since = picture(app, name), clock()
    while clock() - since < _CALM_S:
        await pilot.pause(0.05)
        if (found := picture(app, name)) != last:
            last, since = found, clock()
    return last


def difference(name: str, wanted: str, found: str) -> str:
    """Where a screen first differs from its picture, in words, and what to do."""
    return (
        f"{name} does not look as pictured, {first_difference(wanted, found)}\n"
        f"  expected {_short(PICTURES / f'{name}.svg')}\n  found    {_short(NOW / f'{name}.svg')}\n"
        f"if that is how it is to look: {HOW}"
    )


def first_difference(wanted: str, found: str) -> str:
    """Where two pictures first differ, in words."""
    pairs = list(zip_longest(words_of(wanted), words_of(found)))
    row = next((n for n, (was, now) in enumerate(pairs) if was != now), None)
    if row is None:
        lines = zip_longest(wanted.splitlines(), found.splitlines())
        at = next((n for n, (was, now) in enumerate(lines) if was != now), None)
        return f"every word is the same, the colours are not: first in row {at}"
    return f"first in row {row + 1}:\n  expected {pairs[row][0]!r}\n  found    {pairs[row][1]!r}"


def strays(names: Iterable[str]) -> list[Path]:
    """Pictures that no name stands for."""
    known = {f"{name}.svg" for name in names}
    return sorted(path for path in PICTURES.glob("*.svg") if path.name not in known)


def _hold_still(app: DualbrainApp) -> None:
    for screen in app.screen_stack:
        for line in screen.query(Input):
            line.cursor_blink = False


def _short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
