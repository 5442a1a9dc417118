"""An open question as a face shows it: the trade, who and what is for it, every limit, and its fate."""

from datetime import datetime
from typing import Literal

from contracts.ports import Journal
from contracts.records import (
    Approval,
    ApprovalRequest,
    Ballot,
    Decision,
    Evidence,
    FormulaReport,
    FormulaView,
    Order,
    PersonAnswer,
    Requote,
    RiskCheck,
    RiskVerdict,
    TradeProposal,
)
from desk.commands.person import question_facts
from desk.commands.story import tell
from desk.present import money, number, quantity, size
from graphs.questions import LOOKED_AT, runs_out
from markets.instruments import resolve
from tui.door import Question, Rows

State = Literal["open", "said", "granted", "refused", "expired"]


def newest_question(journal: Journal, cycle_id: str, now: datetime) -> Question | None:
    """The newest question of a cycle and what became of it by `now` on the wall; None where there is none."""
    requests = journal.find_all(ApprovalRequest, cycle_id)
    if not requests:
        return None
    request = max(requests, key=lambda each: each.round)
    instrument = resolve(request.instrument_id)
    until = runs_out(journal, request)
    state, words = _fate(journal, request, until, now)
    return Question(
        cycle_id=cycle_id,
        request_id=request.record_id,
        round=request.round,
        title=f"{request.side} {size(request.quantity, instrument)} {request.instrument_id}",
        facts=(*question_facts(request, instrument), *_worth(journal, request)),
        ballots=ballots_of(journal, cycle_id),
        evidence=_evidence(journal, cycle_id),
        checks=_checks(journal, request),
        side=request.side,
        quantity=request.quantity,
        entry=request.entry,
        stop=request.stop,
        target=request.target,
        until=until,
        asked_anew=_why_anew(journal, request),
        state=state,
        came_of_it=words,
    )


def _worth(journal: Journal, request: ApprovalRequest) -> Rows:
    """The size in money, at the rate of exchange of the proposal."""
    proposal = journal.find(TradeProposal, request.cycle_id)
    if proposal is None or not proposal.quantity * proposal.entry:
        return ()
    share = (request.quantity * request.entry) / (proposal.quantity * proposal.entry)
    return (("worth", money(proposal.notional * share, request.currency)),)


def _fate(journal: Journal, request: ApprovalRequest, until: datetime, now: datetime) -> tuple[State, str]:
    approval = journal.find(Approval, request.cycle_id, request.round)
    if approval is not None:
        return _answered(journal, approval)
    if (said := said_to(journal, request)) is not None:
        return "said", said
    if now >= until:
        return "expired", "its time is over: the desk refuses it at its next step"
    return "open", ""


def said_to(journal: Journal, request: ApprovalRequest) -> str | None:
    """Who answered what where the desk has not heard it yet; None where nobody has answered."""
    said = next((each for each in _people(journal) if each.request_id == request.record_id), None)
    if said is None:
        return None
    word = "no" if said.quantity is None else f"yes to {quantity(said.quantity)}"
    return f"{word}, by {said.by}; the desk hears it at its next look"


def _answered(journal: Journal, approval: Approval) -> tuple[State, str]:
    if approval.kind == "expiry":
        return "expired", approval.reason
    if not approval.is_granted:
        return "refused", f"no, by {approval.by}: {approval.reason}"
    orders = journal.find_all(Order, approval.cycle_id)
    order = f"; order {tell(orders[-1])}" if orders else _no_order(journal, approval)
    return "granted", f"yes to {quantity(approval.quantity)}, by {approval.by}{order}"


def _no_order(journal: Journal, approval: Approval) -> str:
    look = journal.find(Requote, approval.cycle_id, approval.round)
    if look is None or look.outcome == "fresh":
        return ""
    if look.ends_cycle:
        return f"; no order: {tell(look)}"
    # Where the guard lets nothing through at the second look, nothing is asked anew.
    verdict = journal.find(RiskVerdict, approval.cycle_id, approval.round + 1)
    if verdict is None or not verdict.ends_cycle:
        return ""
    return "; no order: " + "; ".join(reason.text for reason in (*look.reasons[:1], *verdict.reasons[:1]))


def _why_anew(journal: Journal, request: ApprovalRequest) -> str | None:
    if request.round == 0:
        return None
    look = journal.find(Requote, request.cycle_id, request.round - 1)
    why = "" if look is None or not look.reasons else look.reasons[0].text
    return f"asked anew, round {request.round + 1}: {why or 'the trade has changed'}"


def ballots_of(journal: Journal, cycle_id: str) -> Rows:
    """Who voted how, and what it came to."""
    rows = []
    for ballot in sorted(journal.find_all(Ballot, cycle_id), key=lambda each: each.ordinal):
        _, _, words = tell(ballot).partition(f"{ballot.seat}")
        rows.append((ballot.seat, words.lstrip(": ")))
    decision = journal.find(Decision, cycle_id)
    return (*rows, *(() if decision is None else (("decision", tell(decision)),)))


def _evidence(journal: Journal, cycle_id: str) -> Rows:
    """What gave points or was cited; the rest is in the story."""
    report, view = journal.find(FormulaReport, cycle_id), journal.find(FormulaView, cycle_id)
    if report is None:
        return ()
    score = report.score
    rows = [("score", f"buy {score.buy:g}, sell {score.sell:g}, needs {score.minimum:g}")]
    rows += [
        (part.name, f"{'buy' if part.buy > part.sell else 'sell'} {max(part.buy, part.sell):g}: {part.why}")
        for part in score.parts
        if part.buy or part.sell
    ]
    if report.strength.value is not None:
        rows.append(("strength", f"{number(report.strength.value)} times the usual"))
    return (*rows, *(() if view is None or view.abstained else _cited(report, view)))


def _cited(report: FormulaReport, view: FormulaView) -> Rows:
    known: dict[str, Evidence] = {row.evidence_id: row for row in (*report.evidence, *view.called)}
    cited = [("for", name) for name in view.supporting] + [("against", name) for name in view.opposing]
    rows = tuple((sign, f"{name} {_value(known.get(name))}") for sign, name in cited)
    return (*rows, ("brain", view.reasoning))


def _value(row: Evidence | None) -> str:
    return "not on record" if row is None else f"{number(row.value)} {row.unit}"


def _checks(journal: Journal, request: ApprovalRequest) -> Rows:
    verdict = journal.find(RiskVerdict, request.cycle_id, request.round)
    return (
        ()
        if verdict is None
        else tuple((check.name.replace("_", " "), margin(check)) for check in verdict.checks)
    )


def margin(check: RiskCheck) -> str:
    """What one limit says, and how much of it is used where that is a share."""
    if check.value is None:
        return f"{check.effect}: not computed"
    if check.limit <= 0:
        return f"{check.effect}: {number(check.value)} {check.unit}"
    used = check.value / check.limit * 100
    return f"{check.effect}: {number(check.value)} of {number(check.limit)} {check.unit}, {used:.0f} % used"


def _people(journal: Journal) -> list[PersonAnswer]:
    rows = journal.newest(PersonAnswer, LOOKED_AT)
    return [PersonAnswer.from_canonical(row.body) for row in rows]
