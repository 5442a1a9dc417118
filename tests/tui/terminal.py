"""A terminal before a real desk, as a pilot drives it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from contracts.errors import DualbrainError
from desk.commands.run import feed_overrides
from desk.settings import load_settings
from desk.terminal.door import DeskDoor
from tui.app import DualbrainApp

QUESTION_AT = ("2017-01-04T09:00", "2017-01-04T10:00")
"""A window whose only closing moment with a signal asks for a SELL of EURUSD."""


def door_of(
    home: Path,
    *,
    span: tuple[str, str] = QUESTION_AT,
    must_attach: bool = False,
    hold_s: float | None = None,
    changes: Mapping[str, object] | None = None,
    user: str = "kim",
) -> DeskDoor:
    """The door to desk `d` under `home`; not opened yet."""
    overrides = feed_overrides(None, ["eurusd-2017"], *span)
    overrides |= {"desk": "d", "approval.policy": "ask"} | dict(changes or {})
    settings = load_settings(overrides, home)
    return DeskDoor(settings, must_attach=must_attach, home=home, hold_s=hold_s, user=user)


@asynccontextmanager
async def terminal(
    door: DeskDoor, size: tuple[int, int] = (120, 40), *, notifications: bool = False
) -> AsyncIterator[tuple[DualbrainApp, Pilot[DualbrainError]]]:
    """The application on this door, opened and looked at once."""

    def connect() -> DeskDoor:
        door.open()
        return door

    app = DualbrainApp(connect)
    try:
        async with app.run_test(size=size, notifications=notifications) as pilot:
            await until(pilot, lambda: app.overview is not None)
            yield app, pilot
    finally:
        await asyncio.to_thread(door.close)


async def until(pilot: Pilot[DualbrainError], is_so: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something shows."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not is_so():
        assert asyncio.get_running_loop().time() < deadline, "expected it within the time, found it never"
        await pilot.pause(0.05)
    await pilot.pause()


def shown(app: DualbrainApp) -> str:
    """What stands on the screen, its lines put together and its gaps closed."""
    lines = [strip.text for strip in app.screen._compositor.render_strips()]
    return " ".join(" ".join(lines).split())


async def sees(app: DualbrainApp, pilot: Pilot[DualbrainError], words: str) -> None:
    """Wait until the words stand on the screen."""
    try:
        await until(pilot, lambda: words in shown(app))
    except AssertionError:
        raise AssertionError(f"expected {words!r} on the screen, found {shown(app)}") from None


async def asked_cycle(app: DualbrainApp, pilot: Pilot[DualbrainError]) -> str:
    """The cycle of the question that waits, which the desk may tell before the overview shows it."""
    await until(pilot, lambda: bool(app.overview and app.overview.questions))
    assert app.overview is not None
    return app.overview.questions[0].cycle_id


async def types(pilot: Pilot[DualbrainError], text: str) -> None:
    """Press the keys of a text."""
    names = {" ": "space", "/": "slash", "?": "question_mark", ".": "full_stop", ",": "comma"}
    await pilot.press(*(names.get(each, each) for each in text))
