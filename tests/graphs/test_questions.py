"""A question answered from elsewhere: once, for no more than was asked, and for exactly that question."""

from datetime import timedelta
from pathlib import Path

import pytest

from contracts.errors import ToolInputError
from contracts.records import (
    Approval,
    ApprovalRequest,
    OrderIntent,
    PersonAnswer,
    SessionEnded,
    SessionStarted,
)
from graphs.questions import answer_to, open_questions, runs_out, say
from tests.graphs.scene import Scene, scene
from tests.tools.risk_scene import NOW, SHA

ENTRY = "2017-01-04T10:00Z"
ASKING: dict[str, object] = {"approval.policy": "ask", "approval.time_to_live_s": 1800}


def answered(
    told: Scene,
    request: ApprovalRequest,
    *,
    is_granted: bool = True,
    by: str = "kim",
    quantity: float | None = None,
) -> None:
    journal = told.runner.journal
    say(journal, request, is_granted=is_granted, by=by, reason="", at=NOW, quantity=quantity)


async def asked(told: Scene) -> ApprovalRequest:
    await told.run()
    (request,) = open_questions(told.runner.journal, told.runner.journal.unfinished_cycles())
    return request


async def test_the_first_answer_counts_and_a_second_is_refused(tmp_path: Path) -> None:
    with scene(tmp_path, ASKING, last=ENTRY) as told:
        request = await asked(told)
        answered(told, request, quantity=10_000)
        assert answer_to(told.runner.journal, request) == "kim"
        assert open_questions(told.runner.journal, told.runner.journal.unfinished_cycles()) == ()
        with pytest.raises(ToolInputError, match="found it answered by kim"):
            answered(told, request, is_granted=False, by="lee")
        await told.session.hear_answers()
        (approval,) = told.records(Approval)
        assert (approval.by, approval.quantity, approval.is_granted) == ("kim", 10_000, True)


@pytest.mark.parametrize("quantity", [1e12, 0.0, -5.0, float("nan")])
async def test_no_more_than_was_asked_and_no_nonsense_is_put_on_record(
    tmp_path: Path, quantity: float
) -> None:
    with scene(tmp_path, ASKING, last=ENTRY) as told:
        request = await asked(told)
        with pytest.raises(ToolInputError, match="it may only shrink"):
            answered(told, request, quantity=quantity)
        assert told.records(PersonAnswer) == ()


@pytest.mark.parametrize("quantity", [0.4, 0.999999])
async def test_what_would_round_down_to_nothing_is_refused_and_not_put_on_record(
    tmp_path: Path, quantity: float
) -> None:
    with scene(tmp_path, ASKING, last=ENTRY) as told:
        request = await asked(told)
        with pytest.raises(ToolInputError, match=rf"expected at least 1 of EURUSD, found {quantity:g}$"):
            answered(told, request, quantity=quantity)
        assert told.records(PersonAnswer) == ()
        answered(told, request, quantity=1.9)
        await told.session.hear_answers()
        assert [intent.quantity for intent in told.records(OrderIntent)] == [1]


@pytest.mark.parametrize(
    ("holds_s", "taken_up_s", "has_ended", "left_s"),
    [
        (None, 0, False, 1800),
        (60, 0, False, 60),
        (0, 0, False, 0),
        (1e15, 0, False, 1800),
        (60, 300, False, 360),
        (60, 1790, False, 1800),
        (60, 0, True, 1800),
    ],
    ids=["stands", "held", "not held", "held long", "taken up", "taken up late", "ended"],
)
async def test_a_question_runs_out_when_its_runner_goes_on_and_at_the_latest_when_its_own_time_is_over(
    tmp_path: Path, holds_s: float | None, taken_up_s: float, has_ended: bool, left_s: float
) -> None:
    with scene(tmp_path, ASKING, last=ENTRY) as told:
        request, journal = await asked(told), told.runner.journal
        (written,) = (row.written_at for row in journal.rows() if row.record_id == request.record_id)
        (first,) = told.records(SessionStarted)
        # The runner that asked began before it asked; one that takes the question up, after.
        at = written + timedelta(seconds=taken_up_s) if taken_up_s else first.started_at
        began = {"holds_s": holds_s, "session_id": "next", "started_at": at}
        journal.append(first.model_copy(update=began))
        if has_ended:
            journal.append(SessionEnded(session_id="next", ended_at=NOW, why="", summary_sha=SHA))
        assert runs_out(journal, request) == written + timedelta(seconds=left_s)


async def test_an_answer_to_another_question_of_the_cycle_is_not_heard(tmp_path: Path) -> None:
    with scene(tmp_path, ASKING, last=ENTRY) as told:
        request = await asked(told)
        stale = PersonAnswer(
            of_cycle=request.cycle_id,
            request_id=SHA,
            is_granted=True,
            by="kim",
            quantity=1.0,
            reason="",
            said_at=NOW,
        )
        told.runner.journal.append(stale)
        await told.session.hear_answers()
        assert told.records(Approval) == ()
        assert request.cycle_id in told.session.pending
