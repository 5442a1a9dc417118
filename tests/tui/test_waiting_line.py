"""What was asked and has no answer yet: a sign at once, its seconds, and its end with the first word."""

import asyncio
import re
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.errors import DataUnavailable
from tests.servers.answers import Silence
from tests.servers.scripted import ScriptedServer
from tests.tui.snapshots import still_terminal
from tests.tui.still_door import StillDoor
from tests.tui.terminal import door_of, sees, shown, terminal, types, until
from tests.tui.test_desk_screen import QUIET, with_assistant
from tests.tui.test_quick_terminal import Counted
from tui.app import DualbrainApp
from tui.door import Spoke, Told
from tui.waiting_line import WaitingLine

ASKED = "waiting for the assistant,"
SIZE = (100, 30)


@dataclass
class SlowDoor(StillDoor):
    """Answers a line once it is let go; takes one question after the other, as the assistant does."""

    let_go: defaultdict[str, threading.Event] = field(default_factory=lambda: defaultdict(threading.Event))
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    mistake: str = ""

    async def ask(self, question: str) -> Told:
        async with self.turn:
            await asyncio.to_thread(self.let_go[question].wait)
        if self.mistake:
            raise DataUnavailable(self.mistake)
        return Told(title=f"answered {question}")

    def command(self, line: str) -> Told:
        self.let_go[line].wait()
        return Told(title=f"found {line}")

    def close(self) -> None:
        super().close()
        for each in self.let_go.values():
            each.set()

    def later(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def sign(app: DualbrainApp) -> WaitingLine:
    return app.screen.query_one(WaitingLine)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["thinks", "says"])
async def test_a_question_is_said_to_be_waited_for_until_the_first_word(kind: str) -> None:
    door = SlowDoor()
    async with still_terminal(door, SIZE) as (app, pilot):
        await sees(app, pilot, "left")
        assert not sign(app).display
        await types(pilot, "why?")
        await pilot.press("enter")
        await sees(app, pilot, f"{ASKED} 0 s")
        door.later(7)
        await sees(app, pilot, f"{ASKED} 7 s")
        # A seat that votes meanwhile answers nobody's question.
        door.spoken = (Spoke(kind="says", who="kimi", text="I agree", cycle_id="c" * 64),)
        await sees(app, pilot, "I agree")
        assert f"{ASKED} 7 s" in shown(app)
        door.spoken = (Spoke.model_validate({"kind": kind, "who": "assistant", "text": "Because"}),)
        await sees(app, pilot, "Because")
        assert not sign(app).display
        door.later(3)
        door.let_go["why?"].set()
        await sees(app, pilot, "answered why?")
        assert not sign(app).display


@pytest.mark.slow
@pytest.mark.parametrize("mistake", ["", "expected a model, found none"])
async def test_an_answer_or_a_mistake_without_a_word_before_it_ends_the_sign_and_its_timer(
    mistake: str,
) -> None:
    door = SlowDoor(mistake=mistake)
    async with still_terminal(door, SIZE) as (app, pilot):
        await sees(app, pilot, "left")
        await types(pilot, "why?")
        await pilot.press("enter")
        await sees(app, pilot, ASKED)
        assert sign(app)._timer is not None
        door.let_go["why?"].set()
        await sees(app, pilot, mistake or "answered why?")
        assert not sign(app).display
        assert sign(app)._timer is None


@pytest.mark.slow
async def test_a_command_is_said_to_be_under_way_once_it_takes_a_second() -> None:
    door = SlowDoor()
    async with still_terminal(door, SIZE) as (app, pilot):
        await sees(app, pilot, "left")
        await types(pilot, "/why")
        await pilot.press("enter")
        await sees(app, pilot, "you: /why")
        assert not sign(app).display
        door.later(2)
        await sees(app, pilot, "waiting for /why, 2 s")
        door.let_go["/why"].set()
        await sees(app, pilot, "found /why")
        assert not sign(app).display


@pytest.mark.slow
async def test_of_questions_in_a_row_each_is_waited_for_until_its_own_first_word() -> None:
    door = SlowDoor()
    async with still_terminal(door, SIZE) as (app, pilot):
        await sees(app, pilot, "left")
        await types(pilot, "one")
        await pilot.press("enter")
        await sees(app, pilot, f"{ASKED} 0 s")
        door.later(4)
        await types(pilot, "two")
        await pilot.press("enter")
        await sees(app, pilot, "waiting for 2 answers, 4 s")
        door.spoken = (Spoke(kind="says", who="assistant", text="First"),)
        await sees(app, pilot, "waiting for 1 more answer, 0 s")
        await types(pilot, "/why")
        await pilot.press("enter")
        door.later(5)
        await sees(app, pilot, "waiting for 1 more answer, 5 s · /why, 5 s")
        door.let_go["/why"].set()
        await sees(app, pilot, "found /why")
        door.let_go["one"].set()
        await sees(app, pilot, "answered one")
        await sees(app, pilot, f"{ASKED} 5 s")
        door.spoken = (Spoke(kind="thinks", who="assistant", text="Second"),)
        await sees(app, pilot, "Second")
        assert not sign(app).display
        door.let_go["two"].set()
        await sees(app, pilot, "answered two")
        assert sign(app)._timer is None


@pytest.mark.slow
async def test_a_second_more_draws_one_line_and_lays_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    door = SlowDoor()
    async with still_terminal(door, SIZE) as (app, pilot):
        await sees(app, pilot, "left")
        await types(pilot, "why?")
        await pilot.press("enter")
        await sees(app, pilot, ASKED)
        laid_out, told = Counted(app.screen._compositor.reflow), Counted(sign(app)._waited_for)
        monkeypatch.setattr(app.screen._compositor, "reflow", laid_out)
        monkeypatch.setattr(sign(app), "_waited_for", told)
        door.later(1)
        await sees(app, pilot, f"{ASKED} 1 s")
        door.later(1)
        await sees(app, pilot, f"{ASKED} 2 s")
        assert laid_out.n == 0
        assert 2 <= told.n <= 3


@pytest.mark.slow
async def test_a_model_that_hangs_is_seen_to_be_waited_for(tmp_path: Path, scripted: ScriptedServer) -> None:
    with_assistant(tmp_path, scripted.base_url)
    scripted.always(Silence(then="stall"))
    async with terminal(door_of(tmp_path, span=QUIET), (80, 24)) as (app, pilot):
        await types(pilot, "why?")
        await pilot.press("enter")
        await sees(app, pilot, ASKED)
        # Loading the libraries holds up a second or two.
        await until(pilot, lambda: re.search(f"{ASKED} [1-9]", shown(app)) is not None)
        await until(pilot, lambda: len(scripted.requests) == 1)
        await types(pilot, "and now?")
        await pilot.press("enter")
        await sees(app, pilot, "waiting for 2 answers,")
        assert app.screen.query_one(WaitingLine).region.height == 1
