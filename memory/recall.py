"""What a voter has said before and what came of it, read from the journal as it stood when a cycle began.

Only rows written before the cycle's own first row count. So a vote, the same vote after a crash, and its
replay years later are told the same.
"""

from collections import deque
from itertools import islice

from contracts.errors import InvariantBroken
from contracts.ports import Journal, PastCall, PastCalls
from contracts.records import Ballot, DeskState, Outcome, TradeProposal

REMEMBERED = 300
"""Newest ballots of all seats, and newest outcomes, that are looked through."""
TOLD = 5
_FOR = ("APPROVE", "REDUCE")


class JournalRecall:
    """See the port. It reads on from where it stopped; cycles are best asked in journal order."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._before = 1
        """Rows under this one are read."""
        self._ballots: deque[Ballot] = deque(maxlen=REMEMBERED)
        self._outcomes: deque[Outcome] = deque(maxlen=REMEMBERED)
        self._proposals: dict[str, TradeProposal | None] = {}
        """Of the ballots' cycles: a read for each ballot and vote would cost more than the vote."""

    def past_calls(self, seat: str, state: DeskState) -> PastCalls:
        """See the port. InvariantBroken for a cycle that is not in the journal."""
        self._read_until(_first_row(self._journal, state.cycle_id))
        own = [ballot for ballot in self._ballots if ballot.seat == seat and ballot.answer != "ABSTAIN"]
        r_of = {outcome.cycle_id: outcome.r_multiple for outcome in self._outcomes}
        closed = [r for b in own if b.answer in _FOR and (r := r_of.get(b.cycle_id)) is not None]
        calls = (self._call(ballot, state.instrument_id, r_of) for ballot in reversed(own))
        return PastCalls(
            newest=tuple(islice((call for call in calls if call is not None), TOLD)),
            n_closed=len(closed),
            n_won=sum(r > 0 for r in closed),
            mean_r=sum(closed) / len(closed) if closed else None,
        )

    def _call(self, ballot: Ballot, instrument_id: str, r_of: dict[str, float | None]) -> PastCall | None:
        proposal = self._proposals[ballot.cycle_id]
        if proposal is None or proposal.instrument_id != instrument_id:
            return None
        return PastCall(
            as_of=ballot.as_of,
            instrument_id=instrument_id,
            side=proposal.side,
            answer=ballot.answer,
            confidence=ballot.confidence,
            r_multiple=r_of.get(ballot.cycle_id),
        )

    def _read_until(self, row: int) -> None:
        if row < self._before:
            self._before = 1
            self._ballots.clear()
            self._outcomes.clear()
        within = {"after": self._before - 1, "before": row}
        ballots = self._journal.newest(Ballot, REMEMBERED, **within)
        outcomes = self._journal.newest(Outcome, REMEMBERED, **within)
        self._ballots.extend(Ballot.from_canonical(found.body) for found in ballots)
        self._outcomes.extend(Outcome.from_canonical(found.body) for found in outcomes)
        self._before = row
        known, cycles = self._proposals, {ballot.cycle_id for ballot in self._ballots}
        self._proposals = {
            cycle_id: known[cycle_id] if cycle_id in known else self._journal.find(TradeProposal, cycle_id)
            for cycle_id in cycles
        }


def _first_row(journal: Journal, cycle_id: str) -> int:
    first = next(iter(journal.rows(cycle_id=cycle_id)), None)
    if first is None:
        raise InvariantBroken(f"expected cycle {cycle_id[:12]} in the journal, found none")
    return first.seq
