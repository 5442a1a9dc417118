"""What a person says, put on a desk's record: an answer, from any process; a wish to decide once more."""

from datetime import UTC, datetime

from contracts.errors import ToolInputError
from contracts.ports import Journal
from contracts.records import ApprovalRequest, CycleWanted, PersonAnswer
from desk.environment import describe_environment
from desk.folder import DeskFolder
from desk.present import moment, short
from graphs.questions import open_questions, runs_out, say
from memory.journal import SqliteJournal
from memory.reader import JournalReader


def say_here(
    folder: DeskFolder,
    request: ApprovalRequest,
    *,
    is_granted: bool,
    by: str,
    reason: str,
    quantity: float | None,
) -> PersonAnswer:
    """See `graphs.questions.say`; it takes no lease, and the desk hears it at its next look.

    Raises ToolInputError too where the question's time is over on the wall.
    """
    now = datetime.now(UTC)
    session_id = f"answer-{now:%Y%m%dT%H%M%S}"
    with SqliteJournal(
        folder.journal, environment=describe_environment(), session_id=session_id, clock=lambda: now
    ) as journal:
        if now >= (until := runs_out(journal, request)):
            raise ToolInputError(
                f"expected an answer before {until:%Y-%m-%d %H:%M:%S} UTC on the wall, "
                "found its time is over; the desk refuses the trade at its next step"
            )
        # A word typed in another encoding is no reason to lose an answer.
        reason = reason.encode("utf-8", "replace").decode()
        return say(journal, request, is_granted=is_granted, by=by, reason=reason, at=now, quantity=quantity)


def why_not_again(journal: JournalReader, instrument_id: str) -> str | None:
    """Why an instrument is not to be decided on once more: a person would be asked for one trade twice."""
    now = datetime.now(UTC)
    for request in open_questions(journal, journal.unfinished_cycles()):
        if request.instrument_id == instrument_id and now < runs_out(journal, request):
            return (
                f"expected no open question on {instrument_id}, found one that waits "
                f"(cycle {short(request.cycle_id)}); answer it first (F3)"
            )
    return None


def put_wanted(journal: Journal, cycle_id: str, nonce: str, by: str) -> None:
    """On record before the cycle begins, so that years later nobody takes it for the bar's own."""
    journal.append(CycleWanted(of_cycle=cycle_id, nonce=nonce, by=by, said_at=datetime.now(UTC)))


def who_wanted(journal: Journal, cycle_id: str) -> tuple[tuple[str, str], ...]:
    """A row that says who had this cycle run beside the bar's own; none where the bar itself began it."""
    return tuple(
        (
            "asked for",
            f"by {wanted.by} at {moment(wanted.said_at)} on the wall, beside the bar's own decision",
        )
        for wanted in journal.find_all(CycleWanted)
        if wanted.of_cycle == cycle_id
    )
