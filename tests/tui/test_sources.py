"""What an answer rests on: listed under it, opened from there, and left again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from contracts.errors import DualbrainError
from tests.servers.answers import Completion, ToolCall
from tests.servers.scripted import ScriptedServer
from tests.tui.terminal import asked_cycle, door_of, sees, shown, terminal, types, until
from tui.app import DualbrainApp
from tui.desk_screen import DeskScreen
from tui.source_list import SourceList
from tui.source_screen import SourceScreen
from tui.story_screen import StoryScreen

pytestmark = pytest.mark.slow


@asynccontextmanager
async def answered(
    home: Path, server: ScriptedServer, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[DualbrainApp, Pilot[DualbrainError]]]:
    """A terminal whose assistant has looked something up, was refused once, and has answered."""
    model = (
        f'provider = "openai-compatible"\nmodel = "m"\nbase_url = "{server.base_url}"\nability = "tools"\n'
    )
    (home / "dualbrain.toml").write_text(f'[assistant]\n{model}[budget]\nunpriced = "count_tokens"\n')
    async with terminal(door_of(home), size) as (app, pilot):
        cycle_id = await asked_cycle(app, pilot)
        server.script(
            Completion(tool_calls=(ToolCall("risk", '{"instrument": "EURUSD", "side": "BUY"}'),)),
            Completion(tool_calls=(ToolCall("cycle", '{"cycle": "[b]zzzz"}'),)),
            Completion(f"The trade in {cycle_id[:12]} **waits**, says 0123456789ab."),
        )
        await types(pilot, "what waits?")
        await pilot.press("enter")
        await sees(app, pilot, "used 60 tokens in")
        await sees(app, pilot, "tool cycle [b]zzzz, refused")
        yield app, pilot


def labels(app: DualbrainApp) -> list[str]:
    found = app.screen.query(SourceList).last()
    return [str(option.prompt) for option in found.options]


async def test_cited_cycles_and_every_use_of_a_tool_stand_under_the_answer(
    tmp_path: Path, scripted: ScriptedServer
) -> None:
    async with answered(tmp_path, scripted) as (app, pilot):
        cycle_id = await asked_cycle(app, pilot)
        assert labels(app) == [
            f"cycle {cycle_id[:12]} EURUSD 2017-01-04 10:00",
            "tool risk EURUSD BUY",
            "tool cycle [b]zzzz, refused",
        ]
        # What no source can tell stays in words.
        assert "no such cycle 0123456789ab" in shown(app)
        assert "cited" not in shown(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
async def test_a_source_opens_on_enter_and_escape_comes_back_to_the_list_and_then_to_the_line(
    tmp_path: Path, scripted: ScriptedServer, size: tuple[int, int]
) -> None:
    async with answered(tmp_path, scripted, size) as (app, pilot):
        assert "^o Sources" in shown(app)
        await pilot.press("ctrl+o", "down", "enter")
        await sees(app, pilot, "said {")
        assert isinstance(app.screen, SourceScreen)
        # The result as it stands between its marks, without them.
        assert '"entry":1.04386' in shown(app).replace(" ", "")
        assert "BEGIN DATA" not in shown(app)
        await pilot.press("c")
        assert app.clipboard.startswith(
            "tool risk EURUSD BUY\ntool: risk\ninstrument: EURUSD\nside: BUY\nsaid: {"
        )
        await pilot.press("escape")
        assert isinstance(app.screen, DeskScreen)
        assert isinstance(app.screen.focused, SourceList)
        await pilot.press("escape", *"hi")
        assert app.screen.query_one("#line").value == "hi"  # type: ignore[attr-defined]  # an Input


async def test_a_refused_use_of_a_tool_is_shown_as_refused_with_the_reason(
    tmp_path: Path, scripted: ScriptedServer
) -> None:
    async with answered(tmp_path, scripted) as (app, pilot):
        await pilot.press("ctrl+o", "end", "enter")
        await sees(app, pilot, "refused expected the id of one cycle")
        assert "cycle [b]zzzz" in shown(app)


async def test_a_cited_cycle_opens_as_its_story_by_a_click(tmp_path: Path, scripted: ScriptedServer) -> None:
    async with answered(tmp_path, scripted) as (app, pilot):
        await pilot.click(app.screen.query(SourceList).last(), offset=(5, 0))
        await until(pilot, lambda: isinstance(app.screen, StoryScreen))
        await sees(app, pilot, "▶ waits for a person")
        await pilot.press("escape")
        assert isinstance(app.screen, DeskScreen)


@pytest.mark.parametrize(
    ("line", "is_sourced"),
    [
        ("/why", True),
        ("/votes", True),
        ("/evidence", True),
        ("/snapshot", True),
        ("/risk EURUSD SELL", True),
        ("/help", False),
        ("/why zzzz", False),
    ],
)
async def test_commands_that_read_a_cycle_name_it_as_their_source(
    asked_desk: Path, line: str, is_sourced: bool
) -> None:
    async with terminal(door := door_of(asked_desk, must_attach=True), notifications=True) as (app, pilot):
        await types(pilot, line)
        await pilot.press("enter")
        await until(pilot, lambda: len(app.screen.query("#said > *")) > 2)
        await pilot.press("ctrl+o")
        if not is_sourced:
            await sees(app, pilot, "no answer here has sources yet")
            return
        newest = door.overview().cycles[0].cycle_id
        assert labels(app) == [f"cycle {newest[:12]} EURUSD 2017-01-04 10:00"]
        await pilot.press("enter")
        await sees(app, pilot, f"cycle {newest}")
