"""A question answered from elsewhere: once, for no more than was asked, and for exactly that question."""

from pathlib import Path

import pytest

from contracts.errors import ToolInputError
from contracts.records import Approval, ApprovalRequest, PersonAnswer
from graphs.questions import answer_to, open_questions, say
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
