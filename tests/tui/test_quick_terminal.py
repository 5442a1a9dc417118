"""What would make a terminal slow: drawing or laying out what has not changed, and garbage of what stays."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Static

from bench import pseudo_terminal
from bench.pseudo_terminal import PseudoTerminal
from desk.commands.run import feed_overrides
from desk.settings import load_settings
from desk.terminal.door import DeskDoor
from tests.servers.answers import Completion
from tests.servers.scripted import ScriptedServer
from tests.tui.terminal import door_of, shown, terminal, until
from tests.tui.test_desk_screen import QUIET, with_assistant
from tui.chat import Chat
from tui.door import Spoke
from tui.streamed_words import StreamedWords

ECHO = """
import os, tty
tty.setraw(0)
os.write(1, b"ready")
while b"\\x11" not in (keys := os.read(0, 64)):
    os.write(1, keys)
"""
needs_a_pseudo_terminal = pytest.mark.skipif(
    os.name == "nt", reason="needs a pseudo-terminal: Windows has none in Python"
)


class Counted:
    """Calls of a function, passed on."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.function, self.n = function, 0

    def __call__(self, *args: object, **kwargs: object) -> object:
        self.n += 1
        return self.function(*args, **kwargs)


@pytest.mark.slow
async def test_a_desk_that_does_nothing_is_hardly_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with terminal(door_of(tmp_path, span=QUIET)) as (app, pilot):
        await until(pilot, lambda: "the feed ended" in shown(app))
        drawn = Counted(app._display)
        monkeypatch.setattr(app, "_display", drawn)
        await asyncio.sleep(2)
        # The cursor blinks twice a second.
        assert drawn.n <= 8


@pytest.mark.slow
async def test_a_letter_in_the_line_lays_nothing_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with terminal(door_of(tmp_path, span=QUIET)) as (app, pilot):
        await until(pilot, lambda: "the feed ended" in shown(app))
        laid_out = Counted(app.screen._compositor.reflow)
        monkeypatch.setattr(app.screen._compositor, "reflow", laid_out)
        await pilot.press("w", "h", "y")
        await until(pilot, lambda: "why" in shown(app))
        assert laid_out.n == 0
        await pilot.press("ctrl+u", "slash")
        await until(pilot, lambda: "/why [CYCLE]" in shown(app))
        assert laid_out.n > 0


@pytest.mark.slow
async def test_a_line_longer_than_its_place_shows_its_end_and_its_beginning(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path, span=QUIET)) as (app, pilot):
        await pilot.press(*"first", *("x" * 120), *"last")
        await until(pilot, lambda: "xlast" in shown(app) and "firstx" not in shown(app))
        await pilot.press("home")
        await until(pilot, lambda: "firstx" in shown(app) and "xlast" not in shown(app))


@pytest.mark.slow
async def test_a_long_stream_is_whole_literal_and_in_few_widgets(tmp_path: Path) -> None:
    line = "a [bold]line[/bold] of *words*"
    async with terminal(door_of(tmp_path, span=QUIET), (100, 400)) as (app, pilot):
        chat = app.screen.query_one(Chat)
        for _ in range(60):
            words = (line[:7], line[7:], "\n", f"{line}\n" * 4)
            await chat.said.hear(tuple(Spoke(kind="says", who="kimi", text=each) for each in words))
        await until(pilot, lambda: shown(app).count(line) == 300)
        streamed = app.screen.query_one(StreamedWords)
        assert len(streamed.query(Static)) < 7


@pytest.mark.slow
async def test_what_the_desk_did_between_two_looks_stands_in_one_piece_and_in_order(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path, span=QUIET)) as (app, pilot):
        chat = app.screen.query_one(Chat)
        n_before = len(chat.query_one("#said").children)
        said = [
            ("desk", "order", "one"),
            ("desk", "fill", "two"),
            ("says", "kimi", "three"),
            ("desk", "fill", "four"),
            ("says", "kimi", "five"),
        ]
        await chat.said.hear(
            tuple(Spoke.model_validate({"kind": k, "who": w, "text": t}) for k, w, t in said)
        )
        await until(pilot, lambda: "order: one" in shown(app))
        # Two pieces of the desk; after each a head and the words.
        assert len(chat.query_one("#said").children) == n_before + 6
        places = [
            shown(app).index(words)
            for words in ("order: one", "fill: two", "kimi says", "three", "fill: four", "five")
        ]
        assert places == sorted(places)


@pytest.mark.slow
async def test_the_door_tells_when_much_was_loaded_that_stays(
    tmp_path: Path, scripted: ScriptedServer
) -> None:
    with_assistant(tmp_path, scripted.base_url)
    scripted.always(Completion("Nothing waits."))
    loaded = Counted(lambda: None)
    settings = load_settings({"desk": "d"} | feed_overrides(None, ["eurusd-2017"], *QUIET), tmp_path)
    door = DeskDoor(settings, home=tmp_path, loaded=loaded)
    try:
        await asyncio.to_thread(door.open)
        assert loaded.n == 1
        for _ in range(2):
            assert not (await door.ask("what waits?")).is_mistake
        assert loaded.n == 2
    finally:
        await asyncio.to_thread(door.close)


@needs_a_pseudo_terminal
def test_every_key_is_timed_until_its_letter_is_drawn(tmp_path: Path) -> None:
    with PseudoTerminal((sys.executable, "-c", ECHO), os.environ, tmp_path) as echoing:
        assert echoing.until("ready") > 0
        seconds = echoing.echoes(20)
    assert len(seconds) == 20
    assert 0 < max(seconds) < 1


@needs_a_pseudo_terminal
def test_a_key_that_is_never_drawn_counts_as_all_the_patience_it_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pseudo_terminal, "_LOST_S", 0.05)
    silent = ECHO.replace("os.write(1, keys)", "pass")
    with PseudoTerminal((sys.executable, "-c", silent), os.environ, tmp_path) as program:
        program.until("ready")
        assert min(program.echoes(3)) >= 0.05
