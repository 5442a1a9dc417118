"""Keys that are pressed faster than the screen is drawn take effect in their order."""

from collections.abc import Sequence

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Input

from contracts.errors import DualbrainError
from tests.tui.snapshots import still_terminal
from tests.tui.still_door import StillDoor
from tests.tui.terminal import sees, until
from tui.desk_screen import DeskScreen
from tui.typed_line import TypedLine


def at_once(app: App[DualbrainError], keys: Sequence[str]) -> None:
    """Press them all before any has been looked at; a name longer than a letter is a key's."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


class Line(App[DualbrainError]):
    """Nothing but a line."""

    def compose(self) -> ComposeResult:
        yield TypedLine()


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ([*"10000", "backspace", "5"], "10005"),
        ([*"10000", *["backspace"] * 4, *"500"], "1500"),
        ([*"9", "ctrl+u", *"250"], "250"),
        ([*"200", "home", "delete", "1"], "100"),
        ([*"12", "left", "5", "end", "0"], "1520"),
    ],
)
async def test_a_quantity_mended_in_haste_is_the_one_that_was_typed(keys: list[str], line: str) -> None:
    app = Line()
    async with app.run_test() as pilot:
        at_once(app, keys)
        await pilot.pause(0.2)
        assert app.query_one(Input).value == line


async def test_a_key_that_does_nothing_in_the_line_is_left_to_the_screen() -> None:
    app = Line()
    async with app.run_test() as pilot:
        said = list[str]()
        # What Ctrl+C is where nothing is selected.
        app.action_help_quit = lambda: said.append("quit?")  # type: ignore[method-assign]
        await pilot.press("ctrl+c")
        assert said == ["quit?"]


async def test_two_commands_typed_ahead_are_both_asked() -> None:
    async with still_terminal(StillDoor(), (120, 40)) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, DeskScreen))
        at_once(app, [*"/why", "enter", *"/votex", "backspace", "s", "enter", *"and"])
        await sees(app, pilot, "you: /why")
        await sees(app, pilot, "you: /votes")
        assert app.screen.query_one("#line", Input).value == "and"


async def test_a_smaller_quantity_typed_in_haste_is_the_one_that_is_said() -> None:
    async with still_terminal(StillDoor(), (120, 40)) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, DeskScreen))
        await pilot.press("f3")
        await sees(app, pilot, "Approve?")
        at_once(app, ["s", *"0.4", *["backspace"] * 3, *"1000"])
        await pilot.pause(0.2)
        assert app.screen.query_one("#quantity", Input).value == "1000"
