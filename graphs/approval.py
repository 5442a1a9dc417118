"""Stages 9 and 10: what is asked, what the autonomy policy answers, and the second look at the price."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.market import Quote
from contracts.records import (
    Approval,
    ApprovalRequest,
    Portfolio,
    Reason,
    Requote,
    RiskVerdict,
    TradeProposal,
)
from graphs.desk import ApprovalSettings, CycleSettings, Desk
from graphs.execution import exposures_now
from graphs.state import CycleState
from markets.orders import order_quantity

POLICY = "policy:autonomous"


def ask_approval(
    proposal: TradeProposal, portfolio: Portfolio, verdict: RiskVerdict, settings: ApprovalSettings
) -> ApprovalRequest:
    """Exactly what is shown; its record id is what the answer binds."""
    return ApprovalRequest(
        cycle_id=verdict.cycle_id,
        as_of=verdict.as_of,
        parents=(proposal.record_id, portfolio.record_id, verdict.record_id),
        round=verdict.round,
        instrument_id=proposal.instrument_id,
        purpose=verdict.purpose,
        side=verdict.side,
        quantity=verdict.quantity,
        entry=verdict.entry,
        stop=verdict.stop,
        target=verdict.target,
        risk_amount=verdict.risk_amount,
        risk_pct=verdict.risk_pct,
        currency=proposal.currency,
        asked_at=portfolio.at,
        expires_at=portfolio.at + timedelta(seconds=settings.time_to_live_s),
    )


def answer_by_policy(request: ApprovalRequest, settings: ApprovalSettings, *, is_paper: bool) -> Approval:
    """The autonomy policy: yes on paper and within its risk, no otherwise."""
    refusal = ""
    if not is_paper:
        refusal = "expected a paper account for autonomous trading, found a live one"
    elif request.purpose == "entry" and request.risk_pct > settings.autonomous_max_risk_pct:
        refusal = (
            f"expected at most {settings.autonomous_max_risk_pct}% at risk without a person, "
            f"found {request.risk_pct}%"
        )
    reason = refusal or "within the autonomy policy"
    return answer(
        request, is_granted=not refusal, by=POLICY, kind="policy", reason=reason, at=request.asked_at
    )


def answer(
    request: ApprovalRequest,
    *,
    is_granted: bool,
    by: str,
    kind: str,
    reason: str,
    at: datetime,
    quantity: float | None = None,
) -> Approval:
    """An answer bound to exactly this request; a quantity above the one asked is cut to it."""
    wanted = request.quantity if quantity is None else min(quantity, request.quantity)
    return Approval.model_validate(
        {
            "cycle_id": request.cycle_id,
            "as_of": request.as_of,
            "parents": (request.record_id,),
            "round": request.round,
            "request_id": request.record_id,
            "is_granted": is_granted,
            "by": by,
            "kind": kind,
            "quantity": wanted if is_granted else 0.0,
            "reason": reason,
            "answered_at": at,
        }
    )


@dataclass(frozen=True, slots=True)
class Look:
    """What the world said at the second look."""

    quote: Quote | None
    at: datetime
    halted_by: str | None
    is_exposure_changed: bool


async def look_again(desk: Desk, state: CycleState) -> Requote:
    """Judge the trade once more by a fresh quote, the exposures of this moment and the kill switch."""
    now = desk.clock.now()
    exposures = exposures_now(desk, await desk.broker.account())
    look = Look(
        quote=await desk.feed.quote(state["request"].instrument_id, now),
        at=now,
        halted_by=desk.kill_switch.halted_by(),
        is_exposure_changed=exposures != state["portfolio"].exposures,
    )
    return judge_requote(state, look, desk.settings)


def look_on_record(requote: Requote) -> Look:
    """What the world said then."""
    return Look(requote.quote, requote.at, requote.halted_by, requote.is_exposure_changed)


def judge_requote(state: CycleState, look: Look, settings: CycleSettings) -> Requote:
    """Whether the approved trade still is the trade at hand."""
    request, approval = state["request"], state["approval"]
    tolerance = _tolerance_ticks(state, settings.approval)
    moved = _moved_ticks(state, look)
    outcome, reason = _judge(state, look, moved, tolerance, settings)
    return Requote.model_validate(
        {
            "cycle_id": request.cycle_id,
            "as_of": request.as_of,
            "parents": (request.record_id, approval.record_id),
            "round": request.round,
            "quote": look.quote,
            "at": look.at,
            "halted_by": look.halted_by,
            "is_exposure_changed": look.is_exposure_changed,
            "moved_ticks": moved,
            "tolerance_ticks": tolerance,
            "outcome": outcome,
            "reasons": () if reason is None else (reason,),
        }
    )


def _judge(
    state: CycleState, look: Look, moved: float | None, tolerance: float | None, settings: CycleSettings
) -> tuple[str, Reason | None]:
    request, approval = state["request"], state["approval"]
    ends = settings.valid_until(request.as_of, state["snapshot"].instrument)
    if look.halted_by is not None:
        return "halted", Reason(code="halted", text=look.halted_by)
    if look.at > ends or look.at > request.expires_at:
        text = f"expected a decision before {min(ends, request.expires_at)}, found {look.at}"
        return "expired", Reason(code="expired", text=text)
    if look.quote is None:
        return "no_quote", Reason(code="no_quote", text=f"expected a quote at {look.at}, found none")
    if not _is_tradable(request, approval, state):
        text = f"expected at least the smallest order, found {approval.quantity} approved"
        return "gave_up", Reason(code="rounds_to_nothing", text=text)
    return _judge_change(request, look, moved, tolerance, settings.approval.max_rounds)


def _judge_change(
    request: ApprovalRequest, look: Look, moved: float | None, tolerance: float | None, max_rounds: int
) -> tuple[str, Reason | None]:
    change: tuple[str, Reason] | None = None
    if moved is not None and tolerance is not None and moved > tolerance:
        text = f"expected the entry within {tolerance:g} ticks of {request.entry}, found it {moved:g} away"
        change = "moved", Reason(code="price_moved", text=text)
    elif look.is_exposure_changed:
        text = "expected the exposures that were approved, found others"
        change = "exposure_changed", Reason(code="exposure_changed", text=text)
    if change is None:
        return "fresh", None
    if request.round + 1 >= max_rounds:
        return "gave_up", change[1]
    return change


def _moved_ticks(state: CycleState, look: Look) -> float | None:
    if look.quote is None:
        return None
    request, tick = state["request"], float(state["snapshot"].instrument.tick_size)
    return abs(look.quote.taking(request.side) - request.entry) / tick


def _tolerance_ticks(state: CycleState, settings: ApprovalSettings) -> float | None:
    """Exits have none: a position is closed at whatever the price is."""
    request, tick = state["request"], float(state["snapshot"].instrument.tick_size)
    if request.stop is None:
        return None
    return settings.tolerance_of_stop * abs(request.entry - request.stop) / tick


def _is_tradable(request: ApprovalRequest, approval: Approval, state: CycleState) -> bool:
    wanted = min(request.quantity, approval.quantity)
    return order_quantity(wanted, request.purpose, state["snapshot"].instrument) is not None
