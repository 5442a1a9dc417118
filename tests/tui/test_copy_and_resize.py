"""Copying, clicking, another size of the window, and the keys of each screen."""

from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import DataTable, Input

from contracts.errors import DualbrainError
from tests.tui.terminal import door_of, sees, shown, terminal, types, until
from tui.app import DualbrainApp
from tui.chat import Chat
from tui.desk_screen import DeskScreen
from tui.fact_list import FactList
from tui.help_screen import HelpScreen
from tui.journal_screen import JournalScreen
from tui.question_screen import QuestionScreen
from tui.story_screen import StoryScreen

SMALL, WIDE = (80, 24), (120, 40)
FACTS = (
    ("rsi", "58.2844 points, and words enough that they go on in a second line"),
    ("[b]x[/b]", "\x1b[2J"),
)


class OneList(App[None]):
    """A list of facts and nothing else."""

    def compose(self) -> ComposeResult:
        yield FactList(FACTS)


async def test_text_of_a_list_of_facts_is_selected_with_the_mouse_and_copied() -> None:
    app = OneList()
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.mouse_down(FactList, offset=(9, 0))
        await pilot.hover(FactList, offset=(19, 1))
        await pilot.mouse_up(FactList, offset=(19, 1))
        await pilot.press("ctrl+c")
        assert app.clipboard == "58.2844 points, and words\n         enough that"


async def test_a_list_of_facts_wraps_to_its_width_and_reads_nothing_as_markup() -> None:
    app = OneList()
    async with app.run_test(size=(40, 10)) as pilot:
        for width, height in ((40, 4), (80, 2), (24, 6)):
            await pilot.resize_terminal(width, 10)
            await pilot.pause()
            facts = app.query_one(FactList)
            assert facts.size.height == height
            text = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
            assert "[b]x[/b]" in text
            assert "\x1b" not in text
            assert " ".join(text.split()).startswith("rsi 58.2844 points")


@pytest.mark.slow
async def test_c_copies_the_whole_id_of_the_cycle_on_every_screen_that_has_one(asked_desk: Path) -> None:
    async with terminal(door_of(asked_desk, must_attach=True), notifications=True) as (app, pilot):
        newest = app.overview.cycles[0].cycle_id if app.overview else ""
        for key, kind in (("f2", JournalScreen), ("f5", StoryScreen), ("f3", QuestionScreen)):
            app.copy_to_clipboard("")
            await pilot.press(key)
            await until(pilot, lambda kind=kind: isinstance(app.screen, kind))  # type: ignore[misc]  # bound now
            if kind is JournalScreen:
                await until(pilot, lambda: app.screen.query_one(DataTable).row_count == 2)
            await pilot.press("c")
            assert app.clipboard == newest
            await sees(app, pilot, f"the whole id of cycle {newest[:12]} is copied")
            await pilot.press("escape")
            assert isinstance(app.screen, DeskScreen)


@pytest.mark.slow
async def test_a_c_in_a_line_is_a_letter(asked_desk: Path) -> None:
    async with terminal(door_of(asked_desk, must_attach=True)) as (app, pilot):
        await pilot.press("f3")
        await sees(app, pilot, "Approve?")
        app.screen.query_one("#reason", Input).focus()
        await types(pilot, "calm?")
        assert app.screen.query_one("#reason", Input).value == "calm?"
        assert app.clipboard == ""


@pytest.mark.slow
async def test_one_click_opens_a_cycle_a_question_and_a_row_of_the_journal(asked_desk: Path) -> None:
    async with terminal(door_of(asked_desk, must_attach=True)) as (app, pilot):
        await pilot.click("#cycles", offset=(3, 2))
        await until(pilot, lambda: isinstance(app.screen, StoryScreen))
        await sees(app, pilot, "closed 2017-01-04 09:00 UTC")
        await pilot.press("escape")
        await pilot.click("#questions", offset=(3, 1))
        await until(pilot, lambda: isinstance(app.screen, QuestionScreen))
        await pilot.press("escape", "f2")
        await until(pilot, lambda: app.screen.query_one(DataTable).row_count == 2)
        await pilot.click("#found", offset=(25, 2))
        await sees(app, pilot, "closed 2017-01-04 09:00 UTC")
        await pilot.press("escape")
        assert isinstance(app.screen, JournalScreen)


@pytest.mark.slow
async def test_another_size_keeps_what_was_typed_and_where_one_had_scrolled(asked_desk: Path) -> None:
    async with terminal(door_of(asked_desk, must_attach=True), SMALL) as (app, pilot):
        said = app.screen.query_one("#said", VerticalScroll)
        for _ in range(2):
            await types(pilot, "/evidence")
            await pilot.press("enter")
            await sees(app, pilot, "rsi_short")
        await types(pilot, "why did")
        said.scroll_to(y=6, animate=False)
        await resized(app, pilot)
        assert app.screen.query_one("#line", Input).value == "why did"
        assert said.scroll_y == 6

        await pilot.press("f3")
        await sees(app, pilot, "Approve?")
        app.screen.query_one("#quantity", Input).focus()
        await types(pilot, "1,000")
        app.screen.query_one("#reason", Input).focus()
        await types(pilot, "too large")
        app.screen.query_one("#case").scroll_to(y=3, animate=False)
        await resized(app, pilot, (110, 22))
        assert app.screen.query_one("#quantity", Input).value == "1,000"
        assert app.screen.query_one("#reason", Input).value == "too large"
        assert app.screen.query_one("#case").scroll_y == 3
        await pilot.press("escape", "escape", "f2")

        await until(pilot, lambda: app.screen.query_one(DataTable).row_count == 2)
        await pilot.press("down", "slash")
        await types(pilot, "too few")
        await resized(app, pilot)
        assert app.screen.query_one("#words", Input).value == "too few"
        assert app.screen.query_one(DataTable).cursor_row == 1


async def resized(app: DualbrainApp, pilot: Pilot[DualbrainError], large: tuple[int, int] = WIDE) -> None:
    """Large and small again, with a look at both."""
    for size in (large, SMALL):
        await pilot.resize_terminal(*size)
        await pilot.pause(0.1)
        assert app.screen.size == size
        assert "PAPER" in shown(app)


@pytest.mark.slow
async def test_whoever_sees_the_newest_line_sees_it_at_another_size_too(asked_desk: Path) -> None:
    async with terminal(door_of(asked_desk, must_attach=True)) as (app, pilot):
        chat = app.screen.query_one(Chat)
        for n in range(40):
            await chat.said.say("kim", f"line {n}, and words that a narrow window breaks in two, here")
        await sees(app, pilot, "line 39")
        await pilot.resize_terminal(*SMALL)
        await sees(app, pilot, "line 39")


@pytest.mark.slow
async def test_help_shows_every_key_of_the_screen_one_came_from(asked_desk: Path) -> None:
    async with terminal(door_of(asked_desk, must_attach=True), (120, 60)) as (app, pilot):
        for opening, words in (
            ("", "what the newest answer rests on; Enter opens one"),
            ("f2", "search the words of reasons"),
            ("f5", "run the cycle again from its records, and compare"),
            ("f3", "approve exactly what is shown"),
        ):
            await pilot.press(*filter(None, [opening]))
            await pilot.pause(0.2)
            below = app.screen
            await pilot.press("f1")
            await until(pilot, lambda: isinstance(app.screen, HelpScreen))
            assert words in shown(app)
            assert isinstance(app.screen, HelpScreen)
            told = dict(app.screen.here)
            for binding in Binding.make_bindings(type(below).BINDINGS):
                if not binding.action.startswith("app."):
                    assert told[app.get_key_display(binding)] == (binding.tooltip or binding.description)
            await pilot.press("escape")
            assert app.screen is below
            if opening:
                await pilot.press("escape")


@pytest.mark.slow
async def test_every_key_of_the_application_stands_in_the_help(asked_desk: Path) -> None:
    async with terminal(door_of(asked_desk, must_attach=True), (120, 60)) as (app, pilot):
        await pilot.press("f1")
        text = shown(app).lower()
        for binding in Binding.make_bindings(app.BINDINGS):
            if binding.key != "question_mark":
                assert binding.key in text, binding.key
