"""What a trader goes through with a question: sizes, a halt, being too late, another book, and replay."""

import asyncio
import json
from pathlib import Path

import pytest
from textual.widgets import Button, Input

from contracts.records import Approval, ApprovalRequest, CycleWanted, OrderIntent, Requote
from memory.reader import JournalReader
from tests.desk.command_line import dualbrain
from tests.desk.test_questions import asking, wait_for_question
from tests.tui.terminal import door_of, sees, shown, terminal, types, until
from tools import technical_score
from tui.door import Question
from tui.question_screen import QuestionScreen
from tui.story_screen import StoryScreen

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("1,5", "expected a quantity such as 10,000 or 10000, found '1,5'"),
        ("28,7436", "expected a quantity such as"),
        (".", "expected a quantity such as"),
        ("1.2.3", "expected a quantity such as"),
        ("0", "it may only shrink"),
        ("0.0", "it may only shrink"),
        ("287437", "it may only shrink"),
        ("9" * 400, "it may only shrink"),
        ("0.5", "! expected at least 1 of EURUSD, found 0.5"),
    ],
)
async def test_a_size_that_is_none_or_might_mean_two_makes_no_order(
    tmp_path: Path, typed: str, words: str
) -> None:
    async with terminal(door_of(tmp_path)) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        await pilot.press("f3")
        await sees(app, pilot, "Approve?")
        app.screen.query_one("#quantity", Input).value = typed
        await pilot.press("y")
        await sees(app, pilot, words)
    journal = JournalReader(tmp_path / "d" / "journal.db")
    assert journal.find_all(OrderIntent) == ()
    journal.close()


async def test_signs_letters_and_blanks_cannot_be_typed_as_a_size(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path)) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        await pilot.press("f3")
        await sees(app, pilot, "Approve?")
        await pilot.press("s")
        await types(pilot, "-1e3 NaN")
        assert app.screen.query_one("#quantity", Input).value == "13"


async def test_halted_while_the_question_is_open_a_yes_makes_no_order_and_says_why(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path)) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        await pilot.press("f3")
        await sees(app, pilot, "Approve?")
        await pilot.press("f9")
        await sees(app, pilot, "Halt desk d?")
        await types(pilot, "news")
        await pilot.press("enter")
        await sees(app, pilot, "HALTED · PAPER")
        await sees(app, pilot, "is halted")
        await pilot.press("escape")
        assert isinstance(app.screen, QuestionScreen)
        await pilot.press("y")
        await sees(app, pilot, "yes to 287,436, by kim; no order: halted")
    journal = JournalReader(tmp_path / "d" / "journal.db")
    assert [look.outcome for look in journal.find_all(Requote)] == ["halted"]
    assert journal.find_all(OrderIntent) == ()
    journal.close()


async def test_the_time_runs_out_on_the_screen_and_its_buttons_are_dead(tmp_path: Path) -> None:
    door = door_of(tmp_path, changes={"approval.time_to_live_s": 2})
    async with terminal(door) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        await pilot.press("f3")
        await sees(app, pilot, "0:0")
        await until(pilot, lambda: all(button.disabled for button in app.screen.query(Button)))
        await sees(app, pilot, "its time is over: the desk refuses it at its next step")
        assert "Approve?" not in shown(app)
        await pilot.press("y", "n")
        await pilot.pause(0.5)
        # The feed has ended here, so the desk makes no further step; it takes no answer either.
        cycle = app.overview.cycles[0].cycle_id if app.overview else ""
        said = await asyncio.to_thread(dualbrain, tmp_path, "answer", cycle, "yes", "--desk", "d")
        assert (said.code, "its time is over" in said.error) == (2, True)
    assert dualbrain(tmp_path, "questions", "--desk", "d").out == "no question is open\n"
    journal = JournalReader(tmp_path / "d" / "journal.db")
    assert journal.find_all(OrderIntent) == ()
    assert not [each for each in journal.find_all(Approval) if each.is_granted]
    journal.close()


async def test_of_two_questions_on_one_instrument_the_second_yes_finds_another_book_and_says_so(
    tmp_path: Path,
) -> None:
    # Two bars that ask at one price, and a desk that goes on with the first question open.
    span = ("2017-01-18T04:00", "2017-01-18T05:00")
    door = door_of(tmp_path, span=span, hold_s=0, changes={"approval.time_to_live_s": 7200})
    async with terminal(door) as (app, pilot):
        await until(pilot, lambda: app.overview is not None and len(app.overview.questions) == 2)
        questions: tuple[Question, ...] = app.overview.questions if app.overview else ()
        await asyncio.to_thread(door.say, questions[0], is_granted=True, quantity=None, reason="first")
        await until(pilot, lambda: app.overview is not None and len(app.overview.questions) == 1)
        await pilot.press("f3")
        await sees(app, pilot, "Approve?")
        await pilot.press("y")
        await sees(app, pilot, "no order: expected the exposures that were approved, found others; one_net")
    journal = JournalReader(tmp_path / "d" / "journal.db")
    assert len(journal.find_all(OrderIntent)) == 1
    journal.close()


async def test_run_where_a_question_waits_asks_nobody_twice_and_once_it_is_answered_decides(
    tmp_path: Path,
) -> None:
    async with terminal(door := door_of(tmp_path)) as (app, pilot):
        await until(pilot, lambda: app.overview is not None and len(app.overview.questions) == 1)
        question = app.overview.questions[0] if app.overview else None
        assert question is not None
        await types(pilot, "/run")
        await pilot.press("enter")
        await sees(app, pilot, "! expected no open question on EURUSD, found one that waits")
        told = await asyncio.to_thread(door.command, "/run EURUSD")
        assert told.title.endswith(f"waits (cycle {question.cycle_id[:12]}); answer it first (F3)")
        await pilot.press("f3")
        await sees(app, pilot, "Approve?")
        await pilot.press("n")
        await sees(app, pilot, "no, by kim")
        await pilot.press("escape")
        await types(pilot, "/run")
        await pilot.press("enter")
        await until(pilot, lambda: app.overview is not None and len(app.overview.questions) == 1)
    journal = JournalReader(tmp_path / "d" / "journal.db")
    assert len(journal.find_all(CycleWanted)) == 1
    assert len(journal.find_all(ApprovalRequest)) == 2
    journal.close()


async def test_a_run_wanted_before_the_bar_asked_is_let_go_by_the_desk_itself(tmp_path: Path) -> None:
    async with terminal(door := door_of(tmp_path)) as (app, pilot):
        await until(pilot, lambda: app.overview is not None and len(app.overview.questions) == 1)
        assert door._own is not None
        # What the command let through while nothing was asked yet.
        door._own._wanted.append("EURUSD")
        await sees(app, pilot, "not run: expected no open question on EURUSD, found one that waits")
        assert app.overview is not None
        assert len(app.overview.questions) == 1
    journal = JournalReader(tmp_path / "d" / "journal.db")
    assert journal.find_all(CycleWanted) == ()
    journal.close()


async def test_run_where_the_policy_answers_is_refused_by_no_question_of_another_policy(
    tmp_path: Path,
) -> None:
    async with terminal(door_of(tmp_path)) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
    async with terminal(door_of(tmp_path, changes={"approval.policy": "autonomous"})) as (app, pilot):
        await until(pilot, lambda: app.overview is not None and len(app.overview.questions) == 1)
        await types(pilot, "/run")
        await pilot.press("enter")
        await until(pilot, lambda: app.overview is not None and len(app.overview.cycles) == 3)
        assert "expected no open question" not in shown(app)


async def test_an_answer_given_on_the_command_line_is_seen_on_the_attached_screen(tmp_path: Path) -> None:
    with asking(tmp_path) as runner:
        cycle = str((await asyncio.to_thread(wait_for_question, tmp_path))["cycle_id"])[:12]
        async with terminal(door_of(tmp_path, must_attach=True)) as (app, pilot):
            await sees(app, pilot, "attached: run by dualbrain run, pid")
            await pilot.press("f3")
            await sees(app, pilot, "Approve?")
            answer = ("answer", cycle, "yes", "--quantity", "5000", "--by", "lee", "--desk", "d")
            assert (await asyncio.to_thread(dualbrain, tmp_path, *answer)).code == 0
            await sees(app, pilot, "yes to 5,000, by lee; order ACCEPTED")
            assert all(button.disabled for button in app.screen.query(Button))
        assert await asyncio.to_thread(runner.wait, 30) == 0
        assert runner.stderr is not None
        assert f"dualbrain answer {cycle} yes|no --desk d" in runner.stderr.read()


def test_a_run_waits_no_longer_than_the_question_stands_and_says_so(tmp_path: Path) -> None:
    window = ("--sample", "eurusd-2017", "--from", "2017-01-04T09:00", "--to", "2017-01-04T10:00")
    short = ("--wait", "120", "--set", "approval.time_to_live_s=1")
    said = dualbrain(tmp_path, "run", "--ask", *window, *short, "--desk", "d", "--json")
    assert said.code == 0
    assert "waits 1 s on the wall for an answer: SELL 287,436 (2.8744 lots) EURUSD" in said.err
    assert "nobody answered in time; the desk goes on" in said.err
    assert json.loads(said.out)["n_pending"] == 1


async def test_beside_a_runner_that_holds_prices_for_a_minute_no_more_than_a_minute_is_left(
    tmp_path: Path,
) -> None:
    with asking(tmp_path):
        cycle = str((await asyncio.to_thread(wait_for_question, tmp_path))["cycle_id"])
        async with terminal(door := door_of(tmp_path, must_attach=True)) as (app, pilot):
            await pilot.press("f3")
            await sees(app, pilot, "Approve?")
            question = door.question(cycle)
    assert question is not None
    journal = JournalReader(tmp_path / "d" / "journal.db")
    (written,) = (r.written_at for r in journal.rows(cycle_id=cycle) if r.record_id == question.request_id)
    journal.close()
    assert (question.until - written).total_seconds() == 60


def test_a_question_whose_time_is_over_holds_no_later_runner_up(tmp_path: Path) -> None:
    window = ("--sample", "eurusd-2017", "--from", "2017-01-04T09:00", "--to", "2017-01-04T10:00")
    run = ("run", "--ask", *window, "--desk", "d", "--wait", "30")
    first = dualbrain(tmp_path, *run, "--set", "approval.time_to_live_s=1")
    assert (first.code, "waits 1 s on the wall" in first.err) == (0, True)
    again = dualbrain(tmp_path, *run)
    assert again.code == 0
    assert "finishing a cycle of 2017-01-04 10:00" in again.err
    assert "on the wall for an answer" not in again.err


async def test_r_in_a_story_says_identical_and_where_other_code_would_decide_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with terminal(door_of(tmp_path)) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        await pilot.press("f2")
        await sees(app, pilot, "2 cycles, the newest")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, StoryScreen))
        await pilot.press("r")
        await sees(app, pilot, "replayed: identical")
        monkeypatch.setattr(technical_score, "ADX_TRENDING", 20.0)
        await pilot.press("r")
        await sees(app, pilot, "replayed: drifted from stage report on")
        await pilot.press("escape", "r")
        await sees(app, pilot, "replayed: drifted from stage report on")
