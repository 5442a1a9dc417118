"""The pictures of the terminal in the documents: real desks on the bundled hours, driven key by key.

Nothing in them hangs on when or where they are taken: names are fixed, the clock stands still while a
question is open, and what only the wall clock or this machine knows is left out.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from textual.pilot import Pilot

from contracts.errors import DualbrainError
from desk.settings import FeedSettings, Settings
from desk.terminal.door import DeskDoor
from graphs.desk import ApprovalSettings
from markets.replay_feed import ReplayFeedSettings
from tests.tui.snapshots import as_pictured, at_rest
from tests.tui.terminal import sees, terminal, types, until
from tui.app import DualbrainApp
from tui.door import Story, Watch

_DESK, _SAMPLE, _USER = "first", "eurusd-2017", "trader"
_FIRST, _LAST = (datetime(2017, 1, 4, hour, tzinfo=UTC) for hour in (9, 16))
"""From the first hour that is looked at to the one in which the trade ends."""
_WEEKS = datetime(2017, 1, 9, tzinfo=UTC), datetime(2017, 2, 3, 20, tzinfo=UTC)
"""Of the desk that trades by itself: long enough for a curve."""
_PATIENCE_S = 300
"""For these weeks on a machine that does much else."""
_LEFT = timedelta(minutes=9, seconds=42)
_FILLED_FROM_TOP = 6
"""Where the trade stands in the journal, of the eight hours, newest first."""
_ELSEWHERE = re.compile(r"; answered at .*|, [\d.]+ MB.*| on [\d-]+ UTC$")
"""In the words of health: times by the wall clock, and sizes of files."""
Driving = Pilot[DualbrainError]


class PicturedDoor(DeskDoor):
    """The door to a real desk, with a clock that can stand and without what differs from run to run."""

    def __init__(self, settings: Settings, home: Path) -> None:
        self._stands_at: datetime | None = None
        super().__init__(settings, home=home, user=_USER, now=lambda: self._stands_at or datetime.now(UTC))

    def stop_the_clock(self) -> None:
        """Let the open question have a fixed time left."""
        self._stands_at = self.overview().questions[0].until - _LEFT

    def story(self, cycle_id: str) -> Story:
        told = super().story(cycle_id)
        untimed = tuple(stage.model_copy(update={"took": ""}) for stage in told.stages)
        return told.model_copy(update={"stages": untimed})

    def watch(self) -> Watch:
        seen = super().watch()
        health = tuple(h.model_copy(update={"words": _ELSEWHERE.sub("", h.words)}) for h in seen.health)
        return seen.model_copy(update={"health": health})


def take_pictures(kept: Mapping[str, str]) -> dict[str, str]:
    """Every picture as SVG, by its name; a screen that is pictured already may take its time to look so."""
    asking, trading = _settings("ask", _FIRST, _LAST), _settings("autonomous", *_WEEKS)
    with TemporaryDirectory() as home:
        taken = asyncio.run(_sit(PicturedDoor(asking, Path(home)), kept))
    with TemporaryDirectory() as home:
        return taken | asyncio.run(_watch(PicturedDoor(trading, Path(home)), kept))


def _settings(policy: Literal["ask", "autonomous"], first: datetime, last: datetime) -> Settings:
    window = ReplayFeedSettings(start=first, end=last)
    feed = FeedSettings(samples=(_SAMPLE,), replay=window)
    return Settings(desk=_DESK, approval=ApprovalSettings(policy=policy), feed=feed)


async def _watch(door: PicturedDoor, kept: Mapping[str, str]) -> dict[str, str]:
    """Look at all of a desk that has traded for some weeks."""
    async with terminal(door) as (app, pilot):
        app.animation_level = "none"
        await until(pilot, lambda: door.status().doing == "the feed ended", _PATIENCE_S)
        await pilot.press("f4")
        await sees(app, pilot, "worst")
        return {"watch": await _taken(app, pilot, "watch", kept)}


async def _sit(door: PicturedDoor, kept: Mapping[str, str]) -> dict[str, str]:
    """Look at the desk, answer its question, look at what came of it."""
    taken = {}
    async with terminal(door) as (app, pilot):
        app.animation_level = "none"
        for name, lead in WAYS.items():
            await lead(app, pilot, door)
            taken[name] = await _taken(app, pilot, name, kept)
    return taken


async def _taken(app: DualbrainApp, pilot: Driving, name: str, kept: Mapping[str, str]) -> str:
    if name in kept and await as_pictured(app, pilot, name, kept[name]) == kept[name]:
        return kept[name]
    return await at_rest(app, pilot, name)


async def _to_the_desk(app: DualbrainApp, pilot: Driving, door: PicturedDoor) -> None:
    await sees(app, pilot, "left")
    door.stop_the_clock()
    await types(pilot, "/risk EURUSD SELL 0.5")
    await pilot.press("enter")
    await sees(app, pilot, "0.50 % of equity")


async def _to_the_question(app: DualbrainApp, pilot: Driving, _door: PicturedDoor) -> None:
    await pilot.press("f3")
    await sees(app, pilot, "target 1.03874")


async def _to_the_story(app: DualbrainApp, pilot: Driving, door: PicturedDoor) -> None:
    await pilot.press("y")
    await until(pilot, lambda: door.status().doing == "the feed ended")
    await pilot.press("escape", "f2")
    await sees(app, pilot, "8 cycles")
    await pilot.press(*["down"] * _FILLED_FROM_TOP, "enter")
    await sees(app, pilot, "last 1.04386")
    await pilot.press("end")
    await sees(app, pilot, "closed by stop")


async def _to_the_journal(app: DualbrainApp, pilot: Driving, _door: PicturedDoor) -> None:
    await pilot.press("escape", "slash")
    await types(pilot, "minimum")
    await pilot.press("enter")
    await sees(app, pilot, "that say 'minimum'")


async def _to_the_halt(app: DualbrainApp, pilot: Driving, _door: PicturedDoor) -> None:
    await pilot.press("escape", "f9")
    await sees(app, pilot, f"Halt desk {_DESK}?")
    await types(pilot, "payrolls in two minutes")


WAYS: dict[str, Callable[[DualbrainApp, Driving, PicturedDoor], Awaitable[None]]] = {
    "desk": _to_the_desk,
    "question": _to_the_question,
    "story": _to_the_story,
    "journal": _to_the_journal,
    "halt": _to_the_halt,
}
"""What leads to each picture, from where the one before was taken."""
NAMES = (*WAYS, "watch")
"""Every picture that is taken; the watch screen's is of a desk that has traded for weeks."""
