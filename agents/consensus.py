"""From ballots to a decision: who counts, what a majority is, how much of the size it earns.

A ballot that abstains is not a vote. Quorum is two thirds of the seats, rounded up. Any REJECT
stands aside; APPROVE plus REDUCE must exceed half of all seats (not of those that answered); the
full size needs every seat valid and approving, anything less gets half. Rule `two-model` keeps the
older convention: full size only when every seat approves with confidence above 0.80, half when
nobody rejects. By either rule it is never more than the least that a seat for the trade would take.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.records import Ballot, Decision, Mode, Reason, TradeProposal

FULL, HALF, NONE = 1.0, 0.5, 0.0


class ConsensusSettings(BaseModel):
    """How votes are counted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Literal["majority", "two-model"] = "majority"
    no_quorum: Literal["stand_aside", "technical_half"] = "stand_aside"
    """What happens when too few seats answer: nothing, or the technical proposal at half size."""
    full_size_confidence: float = Field(default=0.80, ge=0, le=1)
    """Rule two-model: every confidence must be above this for the full size."""


def decide_technical(proposal: TradeProposal) -> Decision:
    """The proposal taken as decided, no seat having been asked."""
    return _decision(proposal, (), rule="technical", size=FULL, n_seats=0)


def decide(
    proposal: TradeProposal, ballots: Sequence[Ballot], n_seats: int, settings: ConsensusSettings
) -> Decision:
    """What `n_seats` seats, of whom `ballots` came in, make of `proposal`."""
    valid = [b for b in ballots if b.answer != "ABSTAIN"]
    quorum = max(1, -(-2 * n_seats // 3))
    rejections = [b for b in valid if b.answer == "REJECT"]
    if rejections:
        reasons = tuple(Reason(code="rejected", text=f"{b.seat} rejects: {b.reasoning}") for b in rejections)
        return _decision(proposal, ballots, rule=settings.rule, size=NONE, n_seats=n_seats, reasons=reasons)
    if len(valid) < quorum:
        return _without_quorum(proposal, ballots, n_seats, quorum, settings)
    count = _two_model_size if settings.rule == "two-model" else _majority_size
    size, reasons = _bounded(*count(valid, n_seats, settings), valid)
    return _decision(proposal, ballots, rule=settings.rule, size=size, n_seats=n_seats, reasons=reasons)


def needs_brain(mode: Mode) -> bool:
    """Whether the formula brain reads first: where the composite strength opened the gate."""
    return mode in ("dual", "recorded")


def needs_panel(mode: Mode, score: float, panel_from_score: float) -> bool:
    """Whether the seats are asked: always in dual mode, from a technical score on in technical+panel."""
    return mode in ("dual", "recorded") or (mode == "technical+panel" and score >= panel_from_score)


def _majority_size(
    valid: Sequence[Ballot], n_seats: int, _settings: ConsensusSettings
) -> tuple[float, tuple[Reason, ...]]:
    n_for = _count_for(valid)
    if 2 * n_for <= n_seats:
        text = f"expected more than half of {n_seats} seats for the trade, found {n_for}"
        return NONE, (Reason(code="no_majority", text=text),)
    is_unanimous = len(valid) == n_seats and all(b.answer == "APPROVE" for b in valid)
    return (FULL, ()) if is_unanimous else (HALF, (_half("not every seat approves"),))


def _two_model_size(
    valid: Sequence[Ballot], n_seats: int, settings: ConsensusSettings
) -> tuple[float, tuple[Reason, ...]]:
    is_sure = all(
        b.answer == "APPROVE" and b.confidence is not None and b.confidence > settings.full_size_confidence
        for b in valid
    )
    if is_sure and len(valid) == n_seats:
        return FULL, ()
    return HALF, (_half(f"not every seat approves with confidence above {settings.full_size_confidence}"),)


def _bounded(
    size: float, reasons: tuple[Reason, ...], valid: Sequence[Ballot]
) -> tuple[float, tuple[Reason, ...]]:
    """No more than the least that a seat for the trade would take: its size is an upper bound."""
    bounds = [
        (b.size_bound, b.seat)
        for b in valid
        if b.answer in ("APPROVE", "REDUCE") and b.size_bound is not None
    ]
    if not bounds or min(bounds)[0] >= size:
        return size, reasons
    least, seat = min(bounds)
    return least, (*reasons, Reason(code="size_bound", text=f"{seat} takes at most {least:.0%} of the size"))


def _without_quorum(
    proposal: TradeProposal,
    ballots: Sequence[Ballot],
    n_seats: int,
    quorum: int,
    settings: ConsensusSettings,
) -> Decision:
    n_valid = sum(b.answer != "ABSTAIN" for b in ballots)
    text = f"expected {quorum} valid ballots of {n_seats} seats, found {n_valid}"
    reason = Reason(code="no_quorum", text=text)
    size = HALF if settings.no_quorum == "technical_half" else NONE
    return _decision(proposal, ballots, rule=settings.rule, size=size, n_seats=n_seats, reasons=(reason,))


def _half(why: str) -> Reason:
    return Reason(code="half_size", text=f"half the size: {why}")


def _count_for(ballots: Sequence[Ballot]) -> int:
    return sum(b.answer in ("APPROVE", "REDUCE") for b in ballots)


def _decision(
    proposal: TradeProposal,
    ballots: Sequence[Ballot],
    *,
    rule: str,
    size: float,
    n_seats: int,
    reasons: tuple[Reason, ...] = (),
) -> Decision:
    return Decision(
        cycle_id=proposal.cycle_id,
        as_of=proposal.as_of,
        parents=(proposal.record_id, *(b.record_id for b in ballots)),
        rule=rule,
        size_fraction=size,
        n_seats=n_seats,
        n_valid=sum(b.answer != "ABSTAIN" for b in ballots),
        n_for=_count_for(ballots),
        reasons=reasons,
    )
