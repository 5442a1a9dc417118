"""May this be done: every hard limit, checked on the account as the broker tells it.

Flow: the size the votes left of the proposal -> one `RiskCheck` a limit -> the smallest quantity any
of them lets through, rounded down -> `RiskVerdict`. A check says what it measured, from where, and
what a breach does: it refuses, or it shrinks. Nothing here can make a trade larger.

Rules that are easy to miss:

- A check that cannot be computed refuses. Missing quote, rate, stop or instrument row: quantity 0.
- An entry is judged at the fresh quote of the portfolio, with the proposal's own stop. A price that
  ran away from the stop costs quantity; one that ran toward it earns none.
- Gross notional adds longs and shorts of positions, working orders and intents without netting, so
  more exposure never makes room (`tools/exposure.py`).
- An exit only reduces: no loss, exposure or quote check touches it. It needs the right account and
  something left to close. The kill switch is shown on it and enforced by the session, which sends
  nothing while halted.
"""

from collections.abc import Sequence
from decimal import Decimal

from contracts.errors import InvariantBroken
from contracts.market import Instrument
from contracts.records import (
    Decision,
    DeskState,
    MarketSnapshot,
    Portfolio,
    Reason,
    RiskVerdict,
    TradeProposal,
)
from markets.orders import to_decimal
from tools.limits import RiskLimits
from tools.quantity import whole_steps
from tools.risk_checks import Finding, GuardCase, entry_findings, exit_findings


def assess_risk(
    state: DeskState,
    snapshot: MarketSnapshot,
    proposal: TradeProposal,
    decision: Decision,
    portfolio: Portfolio,
    limits: RiskLimits,
    *,
    round: int,
) -> RiskVerdict:
    """Say how much of a decided proposal may be done, and what every limit measured.

    Use it once an account's portfolio has been read, and again on every fresh one, before anything
    is approved.

    Parameters
    ----------
    state : DeskState
        Account, paper flag and kill switch as the cycle began.
    snapshot : MarketSnapshot
        Instrument and decision timeframe.
    proposal : TradeProposal
        What was sized; its stop and target are kept.
    decision : Decision
        `size_fraction` of the proposal, 0 to 1.
    portfolio : Portfolio
        Equity marks, positions, `exposures` (positions, working orders, intents), a fresh quote and
        rates. A reduce-only exposure is an exit on its way, not a protective stop or target.
    limits : RiskLimits
        The limits.
    round : int
        How many portfolios this cycle has judged before, from 0.

    Returns
    -------
    RiskVerdict
        Quantity on the instrument's step, at most proposal.quantity * size_fraction; 0 with reasons
        when refused. Every check is listed, passed or not.

    Raises
    ------
    InvariantBroken
        The records speak of different instruments, or size_fraction lies outside 0 to 1.

    Notes
    -----
    quantity = min(proposal.quantity * size_fraction, the quantity each limit allows), rounded down to
    quantity_step; an entry under min_quantity becomes 0. Risk is recomputed at the fresh entry. Loss
    limits refuse at the limit itself, exposure limits pass at it. Records hold no NaN; a quantity
    that cannot be computed is 0. Smallest sample: none. Look-ahead: a quote later than the portfolio
    refuses.

    References
    ----------
    .. [1] FIA (2015). Guide to the Development and Operation of Automated Trading Systems. Section on
       pre-trade risk management.
    """
    _check_records(snapshot, proposal, decision)
    requested = _fraction_of(proposal, decision, snapshot.instrument)
    case = GuardCase(state, snapshot, proposal, portfolio, limits, requested)
    is_exit = proposal.purpose == "exit"
    findings = exit_findings(case) if is_exit else entry_findings(case)
    least = snapshot.instrument.quantity_step if is_exit else snapshot.instrument.min_quantity
    quantity = min(requested, *(finding.allowed for finding in findings))
    reasons = tuple(reason for finding in findings if (reason := finding.reason))
    if quantity < float(least):
        reasons = reasons or (_too_small(requested, least),)
        quantity = 0.0
    parents = (state, snapshot, proposal, decision, portfolio)
    return _verdict(case, quantity, findings, reasons, round, tuple(r.record_id for r in parents))


def _check_records(snapshot: MarketSnapshot, proposal: TradeProposal, decision: Decision) -> None:
    if proposal.instrument_id != snapshot.instrument.instrument_id:
        raise InvariantBroken(
            f"expected a proposal in {snapshot.instrument.instrument_id}, found {proposal.instrument_id}"
        )
    if not 0 <= decision.size_fraction <= 1:
        raise InvariantBroken(f"expected a size fraction from 0 to 1, found {decision.size_fraction}")


def _fraction_of(proposal: TradeProposal, decision: Decision, instrument: Instrument) -> float:
    if proposal.ends_cycle:
        return 0.0
    # The product of two twelve-digit numbers is exact in decimal and need not be in binary.
    return whole_steps(to_decimal(proposal.quantity) * to_decimal(decision.size_fraction), instrument)


def _too_small(requested: float, least: Decimal) -> Reason:
    text = f"expected at least {least} after the votes, found {requested:g}"
    return Reason(code="below_minimum_size", text=text)


def _verdict(
    case: GuardCase,
    quantity: float,
    findings: Sequence[Finding],
    reasons: tuple[Reason, ...],
    round: int,
    parents: tuple[str, ...],
) -> RiskVerdict:
    proposal = case.proposal
    unit_risk = case.unit_risk if proposal.purpose == "entry" else None
    risk = quantity * (unit_risk or 0.0)
    return RiskVerdict(
        cycle_id=case.state.cycle_id,
        as_of=case.snapshot.as_of,
        parents=parents,
        round=round,
        purpose=proposal.purpose,
        side=proposal.side,
        quantity=quantity,
        entry=proposal.entry if case.entry is None else case.entry,
        stop=proposal.stop,
        target=proposal.target,
        risk_amount=risk,
        risk_pct=100 * risk / case.equity if case.equity > 0 else 0.0,
        checks=tuple(finding.check for finding in findings),
        reasons=reasons,
    )
