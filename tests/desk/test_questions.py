"""A question asked by one process and answered by another: the first answer counts, and nothing grows."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.records import Approval, Order, OrderIntent
from memory.reader import JournalReader
from tests.desk.command_line import dualbrain

ASKING = ("run", "--ask", "--sample", "eurusd-2017", "--desk", "d", "--wait", "60", "--once")
ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def asking(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A headless desk in a process of its own, holding still at its first question."""
    first = ("--from", "2017-01-04T09:00", "--to", "2017-01-04T10:00")
    command = [sys.executable, "-m", "desk.main", *ASKING[:-1], *first]
    environment = {**os.environ, "DUALBRAIN_HOME": str(folder), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as desk:
        try:
            yield desk
        finally:
            desk.kill()


def wait_for_question(folder: Path) -> dict[str, object]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (folder / "d" / "journal.db").exists():
            said = dualbrain(folder, "questions", "--desk", "d", "--json")
            if said.code == 0 and (found := json.loads(said.out)):
                return dict(found[0])
        time.sleep(0.2)
    raise AssertionError("expected a question within a minute, found none")


def records(folder: Path) -> tuple[tuple[Approval, ...], tuple[OrderIntent, ...], tuple[Order, ...]]:
    journal = JournalReader(folder / "d" / "journal.db")
    try:
        return journal.find_all(Approval), journal.find_all(OrderIntent), journal.find_all(Order)
    finally:
        journal.close()


@pytest.mark.slow
def test_a_yes_from_another_process_shrinks_and_trades_and_a_second_answer_is_refused(tmp_path: Path) -> None:
    with asking(tmp_path) as desk:
        question = wait_for_question(tmp_path)
        cycle = str(question["cycle_id"])[:12]
        told = dualbrain(tmp_path, "questions", "--desk", "d")
        assert f"cycle {cycle}" in told.out
        too_much = dualbrain(tmp_path, "answer", cycle, "yes", "--quantity", "1e9", "--desk", "d")
        assert (too_much.code, "it may only shrink" in too_much.err) == (2, True)
        too_little = dualbrain(tmp_path, "answer", cycle, "yes", "--quantity", "0.4", "--desk", "d")
        assert (too_little.code, too_little.error) == (2, "error: expected at least 1 of EURUSD, found 0.4")
        said = dualbrain(
            tmp_path, "answer", cycle, "yes", "--quantity", "10000", "--by", "kim", "--desk", "d"
        )
        assert (said.code, said.out) == (0, "yes to 10000, by kim; the desk hears it at its next look\n")
        late = dualbrain(tmp_path, "answer", cycle, "no", "--desk", "d")
        assert late.code == 2
        assert "expected an open question" in late.err
        assert desk.wait(60) == 0
    approvals, intents, orders = records(tmp_path)
    assert [(a.by, a.kind, a.is_granted, a.quantity) for a in approvals] == [("kim", "person", True, 10_000)]
    assert [intent.quantity for intent in intents] == [10_000]
    assert orders
    assert dualbrain(tmp_path, "audit", "verify", "--desk", "d").code == 0
    replayed = dualbrain(tmp_path, "replay", "--all", "--desk", "d", "--json")
    assert (replayed.code, json.loads(replayed.out)["verdicts"]["drifted"]) == (0, 0)


@pytest.mark.slow
def test_a_no_from_another_process_ends_the_cycle_with_its_reason(tmp_path: Path) -> None:
    with asking(tmp_path) as desk:
        question = wait_for_question(tmp_path)
        cycle = str(question["cycle_id"])[:12]
        assert dualbrain(tmp_path, "answer", cycle, "no", "--reason", "news", "--desk", "d").code == 0
        assert desk.wait(60) == 0
    approvals, intents, _ = records(tmp_path)
    assert [(a.is_granted, a.reason) for a in approvals] == [(False, "news")]
    assert intents == ()


def test_mistakes_are_told(tmp_path: Path) -> None:
    window = ("--from", "2017-01-04T10:00", "--to", "2017-01-04T12:00")
    assert dualbrain(tmp_path, "run", "--sample", "eurusd-2017", *window, "--desk", "d").code == 0
    none = dualbrain(tmp_path, "questions", "--desk", "d")
    assert (none.code, none.out) == (0, "no question is open\n")
    newest = json.loads(dualbrain(tmp_path, "audit", "ls", "--desk", "d", "--json").out)[0]["cycle_id"][:12]
    assert "expected an open question" in dualbrain(tmp_path, "answer", newest, "yes", "--desk", "d").err
    assert (
        "expected yes or no, found 'maybe'"
        in dualbrain(tmp_path, "answer", newest, "maybe", "--desk", "d").err
    )
