"""A cycle told while it goes on: stages as they come, words of its models and of no others."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from contracts.errors import DataUnavailable
from memory.lease import DeskLease
from tests.desk.command_line import dualbrain
from tests.desk.what_if_scene import SEATS, at, configure, vote
from tests.servers.answers import Step
from tests.servers.scripted import Request, ScriptedServer
from tests.tui.still_door import StillDoor
from tests.tui.terminal import door_of, sees, shown, terminal, until
from tui.app import DualbrainApp
from tui.desk_screen import DeskScreen
from tui.door import Spoke, Story
from tui.messages import WordsHeard
from tui.speech import SaidSoFar
from tui.story_screen import StoryScreen
from tui.streamed_words import StreamedWords

pytestmark = pytest.mark.slow
SMALL, WIDE = (80, 24), (120, 40)


@pytest.fixture
def released() -> threading.Event:
    """Until it is set, two of three seats say nothing."""
    return threading.Event()


@pytest.fixture
def home(tmp_path: Path, scripted: ScriptedServer, released: threading.Event) -> Path:
    """A desk whose panel is asked about its one trade."""

    def late(_request: Request) -> Step:
        released.wait(20)
        return vote("Kept waiting, and for it.")

    for name in SEATS:
        scripted.always(vote("Quick, and for it.") if name == "deepseek" else late, model=name)
    seats = {name: at(scripted, name) for name in SEATS}
    configure(tmp_path, seats, '[budget]\nunpriced = "count_tokens"')
    return tmp_path


def stages_of(screen: StoryScreen) -> list[tuple[str, str]]:
    told = screen._shown
    assert told is not None
    return [(each.name, each.took) for each in told.stages]


def heard_on(screen: Screen[Any]) -> list[str]:
    """What each speaker has said on this screen."""
    return [
        "\n".join(str(piece.content) for piece in each.query(Static)) for each in screen.query(StreamedWords)
    ]


@pytest.mark.parametrize("size", [SMALL, WIDE], ids=str)
async def test_a_running_cycle_is_followed_while_seats_stall_and_then_answer(
    home: Path, released: threading.Event, size: tuple[int, int]
) -> None:
    async with terminal(door_of(home), size) as (app, pilot):
        await sees(app, pilot, "deepseek says")
        await pilot.press("f5")
        await sees(app, pilot, "▶ the models speak: 1 of 3 have voted")
        # What was said before the screen was opened stands there too.
        await sees(app, pilot, '"Quick, and for it."')
        assert "kimi" not in shown(app)
        path = shown(app).replace("▶ vote", "▶vote").replace("– brain", "–brain").replace("· order", "·order")
        assert all(words in path for words in ("▶vote", "–brain", "·order"))
        released.set()
        await sees(app, pilot, "▶ waits for a person")
        screen = app.screen
        assert isinstance(screen, StoryScreen)
        said = heard_on(screen)
        assert sorted("Kept waiting" in each for each in said) == [False, True, True]
        assert [name for name, _ in stages_of(screen)].count("vote") == 3
        await pilot.press("escape")
        assert isinstance(app.screen, DeskScreen)


async def test_words_reach_the_chat_and_the_story_once_each(home: Path, released: threading.Event) -> None:
    async with terminal(door_of(home)) as (app, pilot):
        await sees(app, pilot, "deepseek says")
        await pilot.press("f5")
        released.set()
        await sees(app, pilot, "▶ waits for a person")
        desk = app.screen_stack[1]
        assert isinstance(desk, DeskScreen)
        for screen in (desk, app.screen):
            said = "".join(heard_on(screen))
            assert said.count("Kept waiting, and for it.") == 2, said
            assert said.count("Quick, and for it.") == 1, said


async def test_words_of_another_cycle_do_not_appear(home: Path, released: threading.Event) -> None:
    async with terminal(door_of(home)) as (app, pilot):
        await sees(app, pilot, "deepseek says")
        older = app.overview.cycles[-1].cycle_id if app.overview else ""
        app._open_story(older)
        await sees(app, pilot, "■ market · numbers")
        released.set()
        await until(pilot, lambda: app.overview is not None and bool(app.overview.questions))
        app.screen.post_message(WordsHeard((Spoke(kind="says", who="assistant", text="no cycle"),)))
        await pilot.pause(0.3)
        speech = app.screen.query_one("#speech")
        assert not speech.display
        assert not speech.query(StreamedWords)
        assert "for it" not in shown(app)


async def test_whoever_has_scrolled_up_to_read_is_left_there_as_stages_come(
    home: Path, released: threading.Event
) -> None:
    async with terminal(door_of(home), SMALL) as (app, pilot):
        await sees(app, pilot, "deepseek says")
        await pilot.press("f5")
        await sees(app, pilot, "▶ the models speak")
        story = app.screen.query_one("#story", VerticalScroll)
        # The newest is seen by itself,
        assert story.scroll_y == story.max_scroll_y > 3
        await pilot.press("home")
        await until(pilot, lambda: story.scroll_y == 0)
        height = story.max_scroll_y
        released.set()
        await until(pilot, lambda: story.max_scroll_y > height + 5)
        # and what was scrolled to stays.
        assert story.scroll_y == 0
        await pilot.press("end")
        await sees(app, pilot, "▶ waits for a person")


async def test_a_cycle_that_nobody_goes_on_with_says_so(asked_desk: Path) -> None:
    async with terminal(door_of(asked_desk, must_attach=True)) as (app, pilot):
        await pilot.press("f5")
        await pilot.press("end")
        await sees(
            app, pilot, "▶ waits for a person; nobody runs the desk, the next runner goes on from here"
        )
        await sees(app, pilot, "▶ answer")


@pytest.fixture
def left_desk(tmp_path: Path) -> Path:
    """The home of desk `d`, whose question still stands."""
    window = ("--from", "2017-01-04T09:00", "--to", "2017-01-04T10:00")
    assert dualbrain(tmp_path, "run", "--ask", "--sample", "eurusd-2017", *window, "--desk", "d").code == 0
    return tmp_path


async def test_an_answer_that_the_desk_has_not_heard_yet_is_told_in_place_of_waiting(left_desk: Path) -> None:
    async with terminal(door := door_of(left_desk, must_attach=True)) as (app, pilot):
        await pilot.press("f5")
        await sees(app, pilot, "▶ waits for a person; nobody runs the desk")
        cycle = app.overview.cycles[0].cycle_id if app.overview else ""
        answer = ("answer", cycle, "yes", "--quantity", "5000", "--by", "lee", "--desk", "d")
        assert (await asyncio.to_thread(dualbrain, left_desk, *answer)).code == 0
        await sees(app, pilot, "▶ yes to 5,000, by lee; the desk hears it at its next look; nobody runs")
        assert "waits for a person" not in shown(app)
        question = door.question(cycle)
        assert question is not None
        assert door.story(cycle).under_way.startswith(question.came_of_it)


async def test_a_runner_that_goes_away_is_told_though_nothing_new_is_on_record(asked_desk: Path) -> None:
    async with terminal(door_of(asked_desk, must_attach=True)) as (app, pilot):
        with DeskLease(asked_desk / "d", "test"):
            await pilot.press("f5")
            await sees(app, pilot, "▶ waits for a person")
            assert "nobody runs the desk" not in shown(app)
        await sees(app, pilot, "nobody runs the desk")


async def test_a_finished_cycle_says_how_long_its_stages_took(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path, changes={"approval.policy": "autonomous"})) as (app, pilot):
        await sees(app, pilot, "own desk: the feed ended")
        await pilot.press("f5")
        await sees(app, pilot, "✓ answer ✓ order")
        screen = app.screen
        assert isinstance(screen, StoryScreen)
        took = dict(stages_of(screen))
        assert took["gate"].endswith(" ms")
        assert took["desk"] == ""
        assert not screen.query_one("#under-way").display
        # Shown at its right end, on the line of its stage.
        lines = [strip.text.rstrip() for strip in screen._compositor.render_strips()]
        assert any(line.startswith(" market") and line.endswith(" ms") for line in lines)


def test_what_is_kept_of_the_models_is_of_the_newest_cycle_and_bounded() -> None:
    said = SaidSoFar()
    first, second = "a" * 64, "b" * 64
    said.add([Spoke(kind="says", who="kimi", text="old", cycle_id=first)])
    for _ in range(30):
        said.add([Spoke(kind="says", who="kimi", text="x" * 1_000, cycle_id=second)])
    said.add([Spoke(kind="thinks", who="kimi", text="hm", cycle_id=second)])
    said.add([Spoke(kind="desk", who="fill", text="entry", cycle_id=second)])
    assert said.of(first) == ()
    assert [(each.kind, len(each.text)) for each in said.of(second)] == [("says", 20_000), ("thinks", 2)]


class LeftDoor(StillDoor):
    """A look that fails when the widgets are gone, because the terminal is being left."""

    screen: StoryScreen | None = None

    def story(self, cycle_id: str) -> Story:
        give_up = time.monotonic() + 5
        while (self.screen is None or self.screen.query("#cycle-title")) and time.monotonic() < give_up:
            time.sleep(0.0005)
        raise DataUnavailable("expected the cycle, found none")


async def test_a_terminal_that_is_left_in_the_middle_of_a_look_ends_without_an_error() -> None:
    door = LeftDoor()
    app = DualbrainApp(lambda: door)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.overview is not None)
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen))
        assert isinstance(app.screen, StoryScreen)
        door.screen = app.screen
    assert app.return_value is None
