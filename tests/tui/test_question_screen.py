"""Answering: yes, no, less, too late, asked anew; on a desk of one's own and beside one run elsewhere."""

from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.widgets import Button, Input

from contracts.canonical import Record
from contracts.errors import ToolInputError
from contracts.records import Approval, ApprovalRequest, OrderIntent, PersonAnswer
from memory.journal import SqliteJournal
from memory.reader import JournalReader
from tests.desk.command_line import dualbrain
from tests.desk.test_questions import asking, wait_for_question
from tests.tui.terminal import door_of, sees, shown, terminal, types, until
from tui.desk_screen import DeskScreen

pytestmark = pytest.mark.slow
TWO_BARS = ("2017-01-04T09:00", "2017-01-04T11:00")


def approvals(home: Path) -> list[tuple[str, str, bool, float, str]]:
    journal = JournalReader(home / "d" / "journal.db")
    found = journal.find_all(Approval)
    journal.close()
    return [(a.by, a.kind, a.is_granted, a.quantity, a.reason) for a in found]


def intended(home: Path) -> list[float]:
    journal = JournalReader(home / "d" / "journal.db")
    found = journal.find_all(OrderIntent)
    journal.close()
    return [float(intent.quantity) for intent in found]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
async def test_everything_that_is_approved_stands_on_one_screen_and_y_approves(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with terminal(door_of(tmp_path), size) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        await pilot.press("f3")
        await sees(app, pilot, "Approve? SELL 287,436 (2.8744 lots) EURUSD")
        text = shown(app)
        for words in (
            "1.04371, stop 1.04702",
            "951.41 USD",
            "299,999.83 USD",
            "kill switch",
            "score",
            "f9 HALT",
        ):
            assert words in text, (words, text)
        await pilot.press("y")
        await sees(app, pilot, "yes to 287,436, by kim; order ACCEPTED")
        assert all(button.disabled for button in app.screen.query(Button))
        await pilot.press("y", "n", "escape")
        assert isinstance(app.screen, DeskScreen)
    assert approvals(tmp_path) == [("kim", "person", True, 287_436, "said in the terminal: yes")]
    assert intended(tmp_path) == [287_436]


async def test_the_chart_names_entry_stop_and_target(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path)) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        await pilot.press("f3")
        for words in ("entry 1.04371", "stop 1.04702", "target 1.03874", "EURUSD 1h, ask"):
            await sees(app, pilot, words)


async def test_n_refuses_with_the_reason_that_was_typed(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path)) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        await pilot.press("f3")
        await sees(app, pilot, "Approve?")
        app.screen.query_one("#reason", Input).focus()
        await types(pilot, "yes news")
        await pilot.press("enter")
        assert app.screen.query_one("#no", Button).has_focus
        await pilot.press("enter")
        await sees(app, pilot, "no, by kim: yes news")
    assert approvals(tmp_path) == [("kim", "person", False, 0, "yes news")]
    assert intended(tmp_path) == []


async def test_a_quantity_shrinks_and_never_grows(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path)) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        await pilot.press("f3")
        await sees(app, pilot, "Approve?")
        await pilot.press("s")
        await types(pilot, "999999")
        await pilot.press("enter", "enter")
        await sees(app, pilot, "it may only shrink")
        app.screen.query_one("#quantity", Input).focus()
        await pilot.press(*["backspace"] * 6)
        await types(pilot, "10,000")
        await pilot.press("enter", "enter")
        await sees(app, pilot, "yes to 10,000, by kim; order ACCEPTED")
    assert [granted[3] for granted in approvals(tmp_path)] == [10_000]
    assert intended(tmp_path) == [10_000]


async def test_a_question_nobody_answers_in_time_takes_no_answer_and_is_refused(tmp_path: Path) -> None:
    door = door_of(tmp_path, span=TWO_BARS, changes={"approval.time_to_live_s": 3})
    async with terminal(door) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        await pilot.press("f3")
        await sees(app, pilot, "Approve?")
        before = door.question(app.overview.questions[0].cycle_id if app.overview else "")
        assert before is not None
        await sees(app, pilot, "nobody answered before 2017-01-04 10:00:03 UTC")
        await pilot.press("y")
        await pilot.pause(0.3)
        with pytest.raises(ToolInputError, match="expected a question that is open"):
            door.say(before, is_granted=True, quantity=None, reason="late")
    first = approvals(tmp_path)[0]
    assert first[:3] == ("session", "expiry", False)
    assert intended(tmp_path) == []


async def test_past_its_time_nothing_is_taken_though_no_desk_has_refused_it_yet(
    asked_desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with terminal(door := door_of(asked_desk, must_attach=True)) as (app, pilot):
        await pilot.press("f3")
        await sees(app, pilot, "Approve?")
        question = app.overview.questions[0] if app.overview else None
        assert question is not None
        monkeypatch.setattr(door, "now", lambda: question.until)
        await pilot.press("y")
        await sees(app, pilot, "its time is over")
        with pytest.raises(ToolInputError, match="found its time is over"):
            door.say(question, is_granted=True, quantity=None, reason="")
    journal = JournalReader(asked_desk / "d" / "journal.db")
    assert journal.find_all(PersonAnswer) == ()
    journal.close()


async def test_a_price_that_moved_is_asked_anew_and_the_first_answer_does_not_hold_for_it(
    tmp_path: Path,
) -> None:
    # The desk goes on to the next bar with the question open; there the price is another.
    door = door_of(tmp_path, span=TWO_BARS, hold_s=0, changes={"approval.time_to_live_s": 7200})
    async with terminal(door) as (app, pilot):
        await sees(app, pilot, "own desk: the feed ended")
        await pilot.press("f3")
        await sees(app, pilot, "Approve? SELL 287,436")
        cycle_id = app.overview.questions[0].cycle_id if app.overview else ""
        before = door.question(cycle_id)
        assert before is not None
        await pilot.press("y")
        await sees(app, pilot, "asked anew, round 2: expected the entry within")
        assert "Approve?" in shown(app)
        # A finger on its way to the first question must not answer the second.
        await pilot.press("y")
        await sees(app, pilot, "read what has changed, then answer")
        await pilot.pause(1.1)
        anew = door.question(cycle_id)
        assert anew is not None
        assert anew.request_id != before.request_id
        with pytest.raises(ToolInputError, match="found it asked anew; look again"):
            door.say(before, is_granted=True, quantity=None, reason="")
        assert intended(tmp_path) == []
        await pilot.press("n")
        await sees(app, pilot, "no, by kim")
    assert [granted[2] for granted in approvals(tmp_path)] == [True, False]
    assert intended(tmp_path) == []


async def test_a_question_never_opens_by_itself_under_the_fingers_of_somebody_typing(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path), notifications=True) as (app, pilot):
        await types(pilot, "yyy")
        await sees(app, pilot, "F3 opens the question")
        await types(pilot, "nnn")
        assert isinstance(app.screen, DeskScreen)
    assert approvals(tmp_path) == []


async def test_an_attached_terminal_approves_what_a_headless_runner_asks(tmp_path: Path) -> None:
    with asking(tmp_path) as runner:
        wait_for_question(tmp_path)
        async with terminal(door_of(tmp_path)) as (app, pilot):
            await sees(app, pilot, "attached: run by dualbrain run, pid")
            await sees(app, pilot, "SELL 287,436")
            await pilot.press("f3")
            await sees(app, pilot, "Approve?")
            await pilot.press("y")
            await sees(app, pilot, "yes to 287,436, by kim; order ACCEPTED")
            await until(pilot, lambda: runner.poll() is not None)
        assert runner.returncode == 0
    assert approvals(tmp_path) == [("kim", "person", True, 287_436, "said in the terminal: yes")]
    journal = JournalReader(tmp_path / "d" / "journal.db")
    assert len(journal.find_all(PersonAnswer)) == 1
    journal.close()
    assert dualbrain(tmp_path, "audit", "verify", "--desk", "d").code == 0


async def test_a_quantity_typed_in_one_breath_with_s_is_not_lost(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path)) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        await pilot.press("f3")
        await sees(app, pilot, "Approve?")
        # As over a slow line: all of it is there before any of it is heard.
        for key in "s10000":
            app.post_message(events.Key(key, key))
        await until(pilot, lambda: app.screen.query_one("#quantity", Input).value == "10000")
        await pilot.press("escape", "y")
        await sees(app, pilot, "yes to 10,000, by kim; order ACCEPTED")
    assert intended(tmp_path) == [10_000]


async def test_an_s_in_the_reason_is_a_letter(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path)) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        await pilot.press("f3")
        await sees(app, pilot, "Approve?")
        reason = app.screen.query_one("#reason", Input)
        reason.focus()
        await types(pilot, "losses")
        assert (reason.value, reason.has_focus) == ("losses", True)


async def test_what_expired_is_not_said_to_be_answered(tmp_path: Path) -> None:
    door = door_of(tmp_path, changes={"approval.time_to_live_s": 2}, hold_s=60)
    async with terminal(door) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        await pilot.press("f3")
        await sees(app, pilot, "Not answered: SELL 287,436")


async def test_the_autonomy_policy_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    whole = SqliteJournal.append

    def noting(journal: SqliteJournal, record: Record, **place: Any) -> object:
        row = whole(journal, record, **place)
        if isinstance(record, ApprovalRequest):
            # Between the question and the answer of the policy.
            asked.extend(each.title for each in door.overview().questions)
            asked.append("looked")
        return row

    door = door_of(tmp_path, changes={"approval.policy": "autonomous"})
    monkeypatch.setattr(SqliteJournal, "append", noting)
    async with terminal(door) as (app, pilot):
        await sees(app, pilot, "own desk: the feed ended")
    assert asked == ["looked"]
