"""Questions that wait for a person, seen and answered from another process than the one that decides.

    ApprovalRequest on record -> open_questions -> a person -> PersonAnswer on record -> the session hears it

The session alone makes an Approval of an answer, by its own clock, and of the first answer only. So an answer
that comes too late, or second, or for a question that was asked anew, changes nothing.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from contracts.errors import ToolInputError
from contracts.market import Instrument
from contracts.ports import Journal
from contracts.records import (
    Approval,
    ApprovalRequest,
    MarketSnapshot,
    PersonAnswer,
    SessionEnded,
    SessionStarted,
)
from markets.orders import least_quantity, order_quantity

LOOKED_AT = 500
"""Newest answers that are read back for who answered already."""


def open_questions(journal: Journal, unfinished: Iterable[str]) -> tuple[ApprovalRequest, ...]:
    """The questions of unfinished cycles that nobody has answered, oldest first."""
    answered = {answer.request_id for answer in _answers(journal)}
    found = []
    for cycle_id in unfinished:
        requests = journal.find_all(ApprovalRequest, cycle_id)
        if not requests:
            continue
        newest = max(requests, key=lambda request: request.round)
        is_over = journal.find(Approval, cycle_id, newest.round) is not None
        if not is_over and newest.record_id not in answered:
            found.append(newest)
    return tuple(found)


def runs_out(journal: Journal, request: ApprovalRequest) -> datetime:
    """When the question's time is over on the wall: it counts from when the question was written down.

    On live prices that is `expires_at`; on replayed ones the desk's own clock is years away, and a runner
    that holds it for less than the question's own time goes on before. One that has ended moves it no more.
    """
    written = next(
        row.written_at.astimezone(UTC)
        for row in journal.rows(cycle_id=request.cycle_id)
        if row.record_id == request.record_id
    )
    stands = request.expires_at - request.asked_at
    started, ended = journal.last(SessionStarted), journal.last(SessionEnded)
    has_ended = started is not None and ended is not None and ended.session_id == started.session_id
    if started is None or started.holds_s is None or has_ended:
        return written + stands
    # What an earlier runner left is held anew.
    held = timedelta(seconds=min(started.holds_s, stands.total_seconds()))
    return min(written + stands, max(written, started.started_at) + held)


def say(
    journal: Journal,
    request: ApprovalRequest,
    *,
    is_granted: bool,
    by: str,
    reason: str,
    at: datetime,
    quantity: float | None = None,
) -> PersonAnswer:
    """Put a person's answer on record for the desk to hear.

    Raises ToolInputError where somebody answered before, be it by a moment, for more than was asked, or for
    less than can be sent.
    """
    if (first := answer_to(journal, request)) is not None:
        raise ToolInputError(f"expected a question that still stands, found it answered by {first}")
    wanted = request.quantity if quantity is None else quantity
    if is_granted:
        snapshot = journal.find(MarketSnapshot, request.cycle_id)
        assert snapshot is not None
        check_quantity(request, snapshot.instrument, wanted)
    answer = PersonAnswer(
        of_cycle=request.cycle_id,
        request_id=request.record_id,
        is_granted=is_granted,
        by=by,
        quantity=wanted if is_granted else None,
        reason=reason,
        said_at=at,
    )
    journal.append(answer, durable=True)
    _check_first(journal, request, answer)
    return answer


def check_quantity(request: ApprovalRequest, instrument: Instrument, wanted: float) -> None:
    """Raise ToolInputError where `wanted` is more than was asked, or comes to nothing when it is sent."""
    if not 0 < wanted <= request.quantity:
        raise ToolInputError(
            f"expected a quantity over 0 and up to {request.quantity:g}, found {wanted:g}; it may only shrink"
        )
    if order_quantity(wanted, request.purpose, instrument) is None:
        least = least_quantity(request.purpose, instrument)
        raise ToolInputError(f"expected at least {least:f} of {request.instrument_id}, found {wanted:g}")


def answer_to(journal: Journal, request: ApprovalRequest) -> str | None:
    """Who answered this question first, or None."""
    approval = journal.find(Approval, request.cycle_id, request.round)
    if approval is not None:
        return approval.by
    return next((said.by for said in _answers(journal) if said.request_id == request.record_id), None)


def _check_first(journal: Journal, request: ApprovalRequest, answer: PersonAnswer) -> None:
    """Two may have looked before either wrote; the row that came first tells them apart."""
    first = next(said for said in _answers(journal) if said.request_id == request.record_id)
    approval = journal.find(Approval, request.cycle_id, request.round)
    # The desk may have heard this very answer already; one it took from its own terminal is another.
    is_taken = approval is None or (approval.by, approval.reason) == (answer.by, answer.reason)
    if first.record_id != answer.record_id or not is_taken:
        by = first.by if approval is None else approval.by
        raise ToolInputError(
            f"expected a question that still stands, found it answered by {by} a moment before"
        )


def _answers(journal: Journal) -> list[PersonAnswer]:
    return [PersonAnswer.from_canonical(row.body) for row in journal.newest(PersonAnswer, LOOKED_AT)]
