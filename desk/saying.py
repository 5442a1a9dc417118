"""A person's answer, put on a desk's record from this process, whoever runs the desk."""

from datetime import UTC, datetime

from contracts.records import ApprovalRequest, PersonAnswer
from desk.environment import describe_environment
from desk.folder import DeskFolder
from graphs.questions import say
from memory.journal import SqliteJournal


def say_here(
    folder: DeskFolder,
    request: ApprovalRequest,
    *,
    is_granted: bool,
    by: str,
    reason: str,
    quantity: float | None,
) -> PersonAnswer:
    """See `graphs.questions.say`; it takes no lease, and the desk hears it at its next look."""
    now = datetime.now(UTC)
    session_id = f"answer-{now:%Y%m%dT%H%M%S}"
    with SqliteJournal(
        folder.journal, environment=describe_environment(), session_id=session_id, clock=lambda: now
    ) as journal:
        return say(journal, request, is_granted=is_granted, by=by, reason=reason, at=now, quantity=quantity)
