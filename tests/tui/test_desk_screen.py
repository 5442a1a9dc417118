"""Sitting at a desk: commands, the assistant, cycles, halting, the journal; before real desks."""

import asyncio
import json
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from textual.widgets import DataTable, Input, OptionList

from contracts.records import DeskState, SessionEnded
from memory.lease import DeskLease
from memory.reader import JournalReader
from tests.desk.command_line import dualbrain
from tests.desk.what_if_scene import SEATS, at, configure, vote
from tests.servers.answers import Completion, Delivery, Silence, ToolCall, error
from tests.servers.scripted import ScriptedServer
from tests.tui.terminal import door_of, sees, shown, terminal, types, until
from tui.desk_screen import DeskScreen
from tui.journal_screen import JournalScreen
from tui.story_screen import StoryScreen

pytestmark = pytest.mark.slow
QUIET = ("2017-01-04T09:00", "2017-01-04T09:00")
"""One closing moment, at which nothing is asked."""
SMALL, WIDE = (80, 24), (120, 40)


def with_assistant(home: Path, base_url: str) -> None:
    model = f'provider = "openai-compatible"\nmodel = "m"\nbase_url = "{base_url}"\nability = "tools"\n'
    (home / "dualbrain.toml").write_text(f'[assistant]\n{model}[budget]\nunpriced = "count_tokens"\n')


@pytest.mark.parametrize("size", [SMALL, WIDE], ids=str)
async def test_the_status_line_and_the_panels_tell_the_desk(tmp_path: Path, size: tuple[int, int]) -> None:
    async with terminal(door_of(tmp_path), size) as (app, pilot):
        await sees(app, pilot, "PAPER · desk d · account paper-d · kim · own desk: waiting for an answer")
        for words in (
            "equity 100,000.00 USD",
            "drawdown 0.00 %",
            "SELL 287,436",
            "left",
            "EURUSD unfinished",
        ):
            await sees(app, pilot, words)
        await sees(app, pilot, "f9 HALT")


async def test_a_command_completed_by_tab_is_answered_from_the_record(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path)) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        await types(pilot, "/sn")
        await sees(app, pilot, "/snapshot [SYMBOL]: the market as last seen")
        await pilot.press("tab")
        assert app.screen.query_one("#line", Input).value == "/snapshot "
        await pilot.press("enter")
        await sees(app, pilot, "quote 1.04371 / 1.04386, spread 1.5 pips")
        await pilot.press("up")
        assert app.screen.query_one("#line", Input).value == "/snapshot"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/why", "decided on the bar that closed 2017-01-04 10:00"),
        ("/votes", "no seat asked"),
        ("/evidence", "from 60 bars of 1h"),
        ("/risk EURUSD SELL", "at risk 1,000.00 USD, 1.00 % of equity"),
        ("/risk EURUSD sideways", "! expected /risk EURUSD BUY"),
        ("/why EUR/USD 09:00", "decided on the bar that closed 2017-01-04 09:00 UTC"),
        ("/why eurusd 2017-01-04T09:00", "decided on the bar that closed 2017-01-04 09:00 UTC"),
        ("/why EURUSD", "decided on the bar that closed 2017-01-04 10:00 UTC"),
        (
            "/why EURUSD 11:00",
            "! expected a cycle of EURUSD on the bar that closed 11:00, found none",
        ),
        ("/why GBPUSD", "! expected a cycle of GBPUSD, found none on record"),
        ("/why EURUSD noon", "! expected a close such as 14:00"),
        ("/votes EURUSD 09:00", "nobody was asked in this cycle"),
        ("/skill", "none was ever asked"),
        ("/skill 2017-03", "none was asked in 2017-03"),
        ("/skill March", "! expected a month such as 2017-03"),
        ("/skill 9999-12", "! expected a month such as 2017-03"),
        ("/explain rsi", "source"),
        ("/explain", "! expected the name of a tool"),
        ("/help", "release the kill switch"),
        ("/sell", "! expected a command such as /why, found '/sell'"),
        ("/why zzzz", "! expected the id of one cycle"),
        ("/why EURUSD 09:00 x", "! expected /why [CYCLE], found 'x' after it"),
        ("/votes a b c", "! expected /votes [CYCLE], found 'c' after it"),
        ("/evidence a b c d", "! expected /evidence [CYCLE], found 'c d' after it"),
        ("/why 3f2a91c0 14:00", "the id of a cycle stands alone"),
        ("/risk EURUSD SELL 0.5 extra", "! expected /risk SYMBOL BUY|SELL [PERCENT], found 'extra' after it"),
        ("/skill 2017-03 x", "! expected /skill [MONTH], found 'x' after it"),
        ("/snapshot EURUSD x", "! expected /snapshot [SYMBOL], found 'x' after it"),
        ("/run EURUSD x", "! expected /run [SYMBOL], found 'x' after it"),
        ("/resume now", "! expected /resume alone, found 'now' after it"),
        ("/help x", "! expected /help alone, found 'x' after it"),
        ("/explain relative strength of a price", "Relative volume"),
    ],
)
async def test_every_command_says_what_it_found_or_what_was_wrong(
    asked_desk: Path, line: str, words: str
) -> None:
    async with terminal(door_of(asked_desk, must_attach=True), (200, 80)) as (app, pilot):
        assert isinstance(app.screen, DeskScreen)
        app.screen.query_one("#line", Input).value = line
        await pilot.press("enter")
        await sees(app, pilot, words)


async def test_a_desk_that_nobody_runs_says_so(asked_desk: Path) -> None:
    async with terminal(door_of(asked_desk, must_attach=True)) as (app, pilot):
        await sees(app, pilot, "attached: nobody runs it")


async def test_enter_on_a_cycle_tells_its_story_and_r_replays_it(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path)) as (app, pilot):
        await sees(app, pilot, "EURUSD unfinished")
        cycles = app.screen.query_one("#cycles", OptionList)
        cycles.focus()
        await pilot.press("end", "enter")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen))
        await sees(app, pilot, "decided on the bar that closed 2017-01-04 09:00 UTC")
        await pilot.press("r")
        await sees(app, pilot, "replayed: identical")
        await pilot.press("escape")
        assert isinstance(app.screen, DeskScreen)


async def test_run_decides_on_the_newest_bar_once_more_and_the_cycle_replays(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path, span=QUIET)) as (app, pilot):
        await sees(app, pilot, "own desk: the feed ended")
        await types(pilot, "/run")
        await pilot.press("enter")
        await until(pilot, lambda: app.overview is not None and len(app.overview.cycles) == 2)
    replayed = await asyncio.to_thread(dualbrain, tmp_path, "replay", "--all", "--desk", "d", "--json")
    assert replayed.code == 0, replayed.err
    assert json.loads(replayed.out)["verdicts"] == {"identical": 2, "equal": 0, "drifted": 0}


async def test_run_beside_a_runner_says_who_runs_the_desk(asked_desk: Path) -> None:
    async with terminal(door_of(asked_desk, must_attach=True)) as (app, pilot):
        await types(pilot, "/run")
        await pilot.press("enter")
        await sees(app, pilot, "! expected a desk that this terminal runs")


async def test_the_assistant_answers_and_its_sources_stand_below(
    tmp_path: Path, scripted: ScriptedServer
) -> None:
    with_assistant(tmp_path, scripted.base_url)
    scripted.script(
        Completion(tool_calls=(ToolCall("cycles", "{}"),)),
        Completion("One trade **waits**, worth 77 dollars."),
    )
    async with terminal(door_of(tmp_path)) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        await types(pilot, "what waits?")
        await pilot.press("enter")
        await sees(app, pilot, "not from the record 77")
        await sees(app, pilot, "One trade waits, worth 77 dollars.")
        assert "assistant says" not in shown(app)


async def test_without_a_model_the_assistant_says_what_to_set(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path, span=QUIET)) as (app, pilot):
        await types(pilot, "why?")
        await pilot.press("enter")
        await sees(app, pilot, "! expected a model for the assistant, found none")


async def test_one_key_and_a_confirmation_halt_the_desk_while_a_model_hangs(
    tmp_path: Path, scripted: ScriptedServer
) -> None:
    with_assistant(tmp_path, scripted.base_url)
    scripted.always(Silence(then="stall"))
    async with terminal(door_of(tmp_path)) as (app, pilot):
        await types(pilot, "why?")
        await pilot.press("enter")
        await until(pilot, lambda: len(scripted.requests) > 0)
        await pilot.press("f9")
        await sees(app, pilot, "Halt desk d?")
        assert not (tmp_path / "d" / "HALT").exists()
        await types(pilot, "news")
        await pilot.press("enter")
        await sees(app, pilot, "HALTED · PAPER")
        assert "kim" in (tmp_path / "d" / "HALT").read_text()
        assert "news" in (tmp_path / "d" / "HALT").read_text()
        # The screen stays and shows what is open all the same; a second Enter by mistake does nothing.
        await sees(app, pilot, "is halted")
        await sees(app, pilot, "│ question SELL 287,436 (2.8744 lots) EURUSD")
        await pilot.press("enter")
        assert isinstance(app.screen, DeskScreen)
        assert (tmp_path / "d" / "HALT").exists()
        await pilot.press("f9")
        await sees(app, pilot, "is halted")
        await pilot.press("shift+tab", "enter")
        await until(pilot, lambda: app.status is not None and app.status.halted_by is None)
        assert not (tmp_path / "d" / "HALT").exists()


async def test_a_seat_that_hangs_holds_up_neither_the_halt_nor_the_end_of_the_terminal(
    tmp_path: Path, scripted: ScriptedServer
) -> None:
    scripted.always(Silence(then="stall"))
    configure(tmp_path, dict.fromkeys(SEATS, at(scripted)), '[budget]\nunpriced = "count_tokens"')
    async with terminal(door_of(tmp_path)) as (app, pilot):
        await until(pilot, lambda: len(scripted.requests) == len(SEATS))
        await pilot.press("f9", "enter")
        await sees(app, pilot, "HALTED · PAPER")
        began = time.monotonic()
    assert time.monotonic() - began < 9
    with DeskLease(tmp_path / "d", "test"):
        pass
    verified = await asyncio.to_thread(dualbrain, tmp_path, "audit", "verify", "--desk", "d")
    assert verified.code == 0, verified.out


async def test_leaving_the_confirmation_halts_nothing(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path, span=QUIET)) as (app, pilot):
        await pilot.press("f9", "escape")
        await pilot.pause()
        assert isinstance(app.screen, DeskScreen)
    assert not (tmp_path / "d" / "HALT").exists()


async def test_seats_are_heard_while_they_vote_and_their_ballots_stand_in_the_question(
    tmp_path: Path, scripted: ScriptedServer
) -> None:
    scripted.always(vote("Calm [red]market[/red], the trend agrees."))
    configure(tmp_path, dict.fromkeys(SEATS, at(scripted)), '[budget]\nunpriced = "count_tokens"')
    async with terminal(door_of(tmp_path)) as (app, pilot):
        await sees(app, pilot, "minimax says")
        await until(pilot, lambda: app.overview is not None and bool(app.overview.questions))
        await pilot.press("f3")
        await sees(app, pilot, "kimi APPROVE, confidence 0.7")
        # Words of a model are words: what looks like markup stays as it is written.
        await sees(app, pilot, "Calm [red]market[/red], the trend agrees.")
        await sees(app, pilot, "rule majority: 100.00 % of the proposal, 3 of 3")


async def test_the_journal_finds_cycles_by_the_words_of_their_reasons(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path)) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        await pilot.press("f2")
        await sees(app, pilot, "2 cycles, the newest")
        assert isinstance(app.screen, JournalScreen)
        await pilot.press("slash")
        await types(pilot, "Too Few")
        await pilot.press("enter")
        await sees(app, pilot, "1 cycle that says 'Too Few'")
        await pilot.press("r")
        await sees(app, pilot, "replayed: identical")
        await pilot.press("enter")
        await sees(app, pilot, "closed 2017-01-04 09:00 UTC")
        await pilot.press("escape", "slash")
        app.screen.query_one("#words", Input).value = "100%"
        await pilot.press("enter")
        await sees(app, pilot, "no cycle says '100%'")
        assert app.screen.query_one(DataTable).row_count == 0


async def test_help_names_the_keys_and_the_commands(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path, span=QUIET)) as (app, pilot):
        app.screen.query_one("#cycles", OptionList).focus()
        await pilot.press("question_mark")
        await sees(app, pilot, "halt the desk, or let it go on")
        await sees(app, pilot, "/votes [CYCLE] who voted how, and why")
        await pilot.press("escape")
        assert isinstance(app.screen, DeskScreen)


async def test_a_desk_of_ones_own_ends_in_good_order_with_the_terminal(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path)) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
    journal = JournalReader(tmp_path / "d" / "journal.db")
    (ended,) = journal.find_all(SessionEnded)
    journal.close()
    assert ended.why == "the terminal was closed"
    with DeskLease(tmp_path / "d", "test"):
        pass
    assert dualbrain(tmp_path, "audit", "verify", "--desk", "d").code == 0


async def test_a_desk_in_the_middle_of_a_long_replay_leaves_the_screen_answering(tmp_path: Path) -> None:
    door = door_of(tmp_path, span=("2017-01-03", "2017-03-01"), changes={"approval.policy": "autonomous"})
    async with terminal(door) as (app, pilot):
        await sees(app, pilot, "own desk: running")
        clock, lags = asyncio.get_running_loop().time, []
        for _ in range(30):
            began = clock()
            await asyncio.sleep(0.05)
            lags.append(clock() - began - 0.05)
        assert sorted(lags)[-3] < 0.25, lags
        assert door.status().doing == "running"
    journal = JournalReader(tmp_path / "d" / "journal.db")
    assert len(journal.find_all(DeskState)) > 5
    journal.close()


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a desk that nobody runs any more; tests only read it."""
    home = tmp_path_factory.mktemp("days")
    window = ("--from", "2017-03-01", "--to", "2017-03-25")
    said = dualbrain(home, "run", "--sample", "eurusd-2017", *window, "--desk", "d")
    assert said.code == 0, said.err
    return home


async def test_the_journal_goes_on_to_older_cycles_where_one_goes_down(weeks: Path) -> None:
    with closing(JournalReader(weeks / "d" / "journal.db")) as journal:
        begun = [each.cycle_id for each in journal.cycles(1_000)]
        ended, _ = Counter(each.end for each in journal.cycles(1_000)).most_common()[0]
        alike = [each.cycle_id for each in journal.cycles(1_000) if each.end == ended]
    assert len(begun) > len(alike) > 120
    async with terminal(door_of(weeks, must_attach=True)) as (app, pilot):
        await pilot.press("f2")
        await sees(app, pilot, "60 cycles, the newest")
        table = app.screen.query_one(DataTable)
        for words, whole, is_by_wheel in (("", begun, False), (ended, alike, True)):
            app.screen.query_one("#words", Input).value = words
            app.screen.query_one("#words", Input).focus()
            await pilot.press("enter")
            await until(pilot, lambda: table.has_focus and table.row_count == 60)
            for _ in range(200):
                if is_by_wheel:
                    table.scroll_end(animate=False)
                else:
                    await pilot.press("pagedown")
                await pilot.pause(0.05)
                if len(table.rows) == len(whole):
                    break
            await pilot.press("ctrl+end")
            await pilot.pause(0.3)
            assert [str(row.value) for row in table.rows] == whole


async def test_an_answer_that_comes_after_the_next_line_says_to_which_it_is(
    tmp_path: Path, scripted: ScriptedServer
) -> None:
    with_assistant(tmp_path, scripted.base_url)
    scripted.script(Delivery(Completion("The first."), first_byte_s=1.5), error(500, "oops"))
    async with terminal(door_of(tmp_path, span=QUIET)) as (app, pilot):
        for line in ("one?", "two?"):
            app.screen.query_one("#line", Input).value = line
            await pilot.press("enter")
        await sees(app, pilot, "the answer to: one?")
        await sees(app, pilot, "! no answer: the server answered 500: oops")
        assert "the answer to: two?" not in shown(app)
