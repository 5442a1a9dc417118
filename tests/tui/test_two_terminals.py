"""Several terminals before one desk: one answer counts, one order is made, the others are told whose."""

import asyncio
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from contracts.errors import ToolInputError
from contracts.records import Approval, Order, OrderIntent, PersonAnswer
from desk.terminal.door import DeskDoor
from memory.lease import DeskLease
from memory.reader import JournalReader
from tests.desk.command_line import dualbrain
from tests.desk.test_questions import asking, wait_for_question
from tests.tui.terminal import door_of, sees, terminal, until
from tui.door import Question

pytestmark = pytest.mark.slow
ROUNDS = 30
PEOPLE = ("kim", "lee", "ann")
WEEKS = ("2017-01-04T09:00", "2017-03-31")


def open_question(door: DeskDoor, after: set[str]) -> Question:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for each in door.overview().questions:
            if each.state == "open" and each.request_id not in after:
                return each
        time.sleep(0.02)
    raise AssertionError(f"expected one more question, found none: {door.status().doing}")


def all_at_once(doors: list[DeskDoor], question: Question, yes: list[bool]) -> list[str | None]:
    """What each was told against its answer; None where it was taken."""
    told: list[str | None] = [None] * len(doors)
    gate = threading.Barrier(len(doors))

    def press(index: int) -> None:
        gate.wait()
        try:
            doors[index].say(question, is_granted=yes[index], quantity=None, reason=f"of {PEOPLE[index]}")
        except ToolInputError as error:
            told[index] = str(error)

    threads = [threading.Thread(target=press, args=(index,)) for index in range(len(doors))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def test_of_three_who_answer_at_the_same_moment_one_counts_whoever_it_is(tmp_path: Path) -> None:
    draw = random.Random(7)
    doors = [door_of(tmp_path, span=WEEKS, user=PEOPLE[0])]
    doors += [door_of(tmp_path, span=WEEKS, must_attach=True, user=each) for each in PEOPLE[1:]]
    winners: dict[str, tuple[str, bool]] = {}
    try:
        for door in doors:
            door.open()
        for _ in range(ROUNDS):
            question = open_question(doors[0], set(winners))
            yes = [draw.random() < 0.7 for _ in PEOPLE]
            told = all_at_once(doors, question, yes)
            (first,) = [index for index, words in enumerate(told) if words is None]
            winners[question.request_id] = (PEOPLE[first], yes[first])
            for words in told[:first] + told[first + 1 :]:
                assert words is not None
                assert f"by {PEOPLE[first]}" in words, (PEOPLE[first], told)
    finally:
        for door in reversed(doors):
            door.close()
    journal = JournalReader(tmp_path / "d" / "journal.db")
    approvals = {each.request_id: each for each in journal.find_all(Approval) if each.kind == "person"}
    intents, orders = journal.find_all(OrderIntent), journal.find_all(Order)
    assert len(approvals) == len([each for each in journal.find_all(Approval) if each.kind == "person"])
    journal.close()
    # The newest may have been cut off by the end of the terminal.
    assert len(approvals) >= ROUNDS - 1
    for request_id, approval in approvals.items():
        assert (approval.by, approval.is_granted) == winners[request_id]
    granted = {each.record_id for each in approvals.values() if each.is_granted}
    assert {each.approval_id for each in intents} <= granted
    assert set(Counter(each.cycle_id for each in intents).values()) == {1}
    assert {each.client_order_id for each in orders} == {each.client_order_id for each in intents}
    assert dualbrain(tmp_path, "audit", "verify", "--desk", "d").code == 0


async def test_y_pressed_in_two_terminals_at_once_makes_one_order_and_both_screens_say_whose(
    tmp_path: Path,
) -> None:
    async with (
        terminal(door_of(tmp_path)) as (ours, our_pilot),
        terminal(door_of(tmp_path, user="lee"), (80, 24)) as (theirs, their_pilot),
    ):
        for app, pilot in ((ours, our_pilot), (theirs, their_pilot)):
            await sees(app, pilot, "SELL 287,436")
            await pilot.press("f3")
            await sees(app, pilot, "Approve?")
        await asyncio.gather(our_pilot.press("y"), their_pilot.press("y"))
        for app, pilot in ((ours, our_pilot), (theirs, their_pilot)):
            await sees(app, pilot, "order ACCEPTED")
    journal = JournalReader(tmp_path / "d" / "journal.db")
    (approval,) = journal.find_all(Approval)
    assert journal.find_all(PersonAnswer)[0].by == approval.by
    assert len(journal.find_all(OrderIntent)) == 1
    journal.close()


async def test_refused_there_it_can_not_be_approved_here(tmp_path: Path) -> None:
    door = door_of(tmp_path)
    async with terminal(door) as (app, pilot):
        await sees(app, pilot, "SELL 287,436")
        await pilot.press("f3")
        await sees(app, pilot, "Approve?")
        cycle = app.overview.questions[0].cycle_id[:12] if app.overview else ""
        said = await asyncio.to_thread(
            dualbrain, tmp_path, "answer", cycle, "no", "--by", "lee", "--reason", "news", "--desk", "d"
        )
        assert said.code == 0
        await pilot.press("y")
        await sees(app, pilot, "no, by lee: news")
        await until(pilot, lambda: app.overview is not None and not app.overview.questions)
    journal = JournalReader(tmp_path / "d" / "journal.db")
    assert [(each.by, each.is_granted) for each in journal.find_all(Approval)] == [("lee", False)]
    assert journal.find_all(OrderIntent) == ()
    journal.close()


async def test_a_runner_killed_between_the_answer_and_the_order_is_finished_once_by_the_next(
    tmp_path: Path,
) -> None:
    with asking(tmp_path) as runner:
        cycle = str((await asyncio.to_thread(wait_for_question, tmp_path))["cycle_id"])
        async with terminal(door_of(tmp_path, must_attach=True)) as (app, pilot):
            await sees(app, pilot, "attached: run by dualbrain run, pid")
            runner.send_signal(signal.SIGSTOP)
            await pilot.press("f3")
            await sees(app, pilot, "Approve?")
            await pilot.press("y")
            await sees(app, pilot, "yes to 287,436, by kim; the desk hears it at its next look")
            runner.kill()
            runner.wait()
            await sees(app, pilot, "attached: nobody runs it: an answer waits for a runner")
            await pilot.press("n")
            await sees(app, pilot, "yes to 287,436, by kim")
    door = door_of(tmp_path)
    async with terminal(door) as (app, pilot):
        await until(pilot, lambda: door.story(cycle).is_over)
    journal = JournalReader(tmp_path / "d" / "journal.db")
    assert [(each.by, each.is_granted) for each in journal.find_all(Approval)] == [("kim", True)]
    (intent,) = journal.find_all(OrderIntent)
    assert {each.client_order_id for each in journal.find_all(Order)} == {intent.client_order_id}
    journal.close()
    verified = await asyncio.to_thread(dualbrain, tmp_path, "audit", "verify", "--desk", "d")
    assert verified.code == 0


def test_a_terminal_beside_a_desk_that_only_just_begins_waits_for_its_journal(tmp_path: Path) -> None:
    window = ("--sample", "eurusd-2017", "--from", "2017-01-04T09:00", "--to", "2017-01-04T09:00")
    assert dualbrain(tmp_path, "run", *window, "--desk", "d").code == 0
    journal, aside = tmp_path / "d" / "journal.db", tmp_path / "aside.db"
    journal.rename(aside)
    door = door_of(tmp_path)
    with DeskLease(tmp_path / "d", "dualbrain run"):
        beginning = threading.Timer(0.5, aside.rename, (journal,))
        beginning.start()
        door.open()
        assert not door.status().is_own
        door.close()
