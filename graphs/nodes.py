"""The nodes of the cycle: each is a few lines around one call that does the work.

Every node returns only the state keys it changed. `approve` holds the interrupt and nothing else,
because LangGraph runs an interrupted node again from its top. `submit` alone talks to the broker.
"""

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from agents.abstention import no_view
from agents.consensus import decide, decide_technical, needs_panel
from contracts.errors import NOT_AN_ABSTENTION, InvariantBroken
from contracts.ports import Brain, Case, PastCalls, Voter
from contracts.records import (
    Approval,
    ApprovalRequest,
    Ballot,
    Decision,
    FormulaReport,
    FormulaView,
    Gate,
    MarketSnapshot,
    Order,
    OrderIntent,
    Portfolio,
    Requote,
    RiskVerdict,
    TradeProposal,
)
from graphs.approval import answer_by_policy, ask_approval, judge_requote, look_again, look_on_record
from graphs.desk import CycleSettings, Desk
from graphs.execution import commit_order, read_portfolio, send_order
from graphs.stages import CycleRun
from graphs.state import CycleState, VoteTask
from markets.snapshot import recheck_snapshot
from tools.gate import assess_gate
from tools.limits import limits_in_force
from tools.report import load_profile, make_report
from tools.risk_guard import assess_risk
from tools.sizing import propose_trade


async def observe(state: CycleState, runtime: Runtime[CycleRun]) -> CycleState:
    """Stage 1: the market as it was known."""
    desk, rules = runtime.context.desk, runtime.context.desk.settings.snapshot
    snapshot = await runtime.context.edge(
        MarketSnapshot,
        lambda: desk.observe(state["desk_state"], rules),
        again=lambda seen: recheck_snapshot(seen, desk.reader, rules),
    )
    return {"snapshot": snapshot}


async def report(state: CycleState, runtime: Runtime[CycleRun]) -> CycleState:
    """Stage 2: what the numbers say."""
    run, snapshot, desk_state = runtime.context, state["snapshot"], state["desk_state"]
    settings = run.desk.settings

    def make() -> FormulaReport:
        bars, others = run.desk.reader.bars_of(snapshot), run.desk.reader.others_of(snapshot)
        weights = run.desk.weights_of(desk_state) or desk_state.composite_reason or "no fit was made"
        held, profile = run.desk.reader.held_of(snapshot), load_profile(settings.profile)
        return make_report(snapshot, bars, others, weights, profile, settings.score, held)

    return {"report": run.pure(FormulaReport, make)}


async def gate(state: CycleState, runtime: Runtime[CycleRun]) -> CycleState:
    """Stage 3: is it worth a thought."""
    run, settings = runtime.context, runtime.context.desk.settings.gate
    args = (state["desk_state"], state["snapshot"], state["report"], settings)
    return {"gate": run.pure(Gate, lambda: assess_gate(*args))}


async def formula_brain(state: CycleState, runtime: Runtime[CycleRun]) -> CycleState:
    """Stage 4: what the evidence says, by who reads it best."""
    run = runtime.context
    is_blind = run.desk.settings.blind
    case = Case(state["desk_state"], state["snapshot"], state["report"], state["gate"], is_blind=is_blind)
    return {"view": await run.model(FormulaView, lambda: _read(run.desk.brain, case), 0)}


async def propose(state: CycleState, runtime: Runtime[CycleRun]) -> CycleState:
    """Stage 5: side, prices and quantity."""
    run, limits = runtime.context, runtime.context.desk.settings.limits
    args = (state["desk_state"], state["snapshot"], state["report"], state["gate"], limits)
    return {"proposal": run.pure(TradeProposal, lambda: propose_trade(*args))}


async def vote(state: VoteTask, runtime: Runtime[CycleRun]) -> CycleState:
    """Stage 6: one seat's ballot."""
    run, ordinal = runtime.context, state["ordinal"]
    voter = run.desk.voters[ordinal]
    return {
        "ballots": [
            await run.model(Ballot, lambda: _ask(voter, _case(run.desk, voter, state), state), ordinal)
        ]
    }


async def consensus(state: CycleState, runtime: Runtime[CycleRun]) -> CycleState:
    """Stage 7: what the votes come to, or the proposal as it stands where nobody is asked."""
    run, proposal, ballots = runtime.context, state["proposal"], state.get("ballots", [])
    seats, settings = len(run.desk.voters), run.desk.settings

    def make() -> Decision:
        if not is_panel_asked(proposal, state["report"], settings):
            return decide_technical(proposal)
        return decide(proposal, ballots, seats, settings.consensus)

    return {"decision": run.pure(Decision, make)}


def is_panel_asked(proposal: TradeProposal, report: FormulaReport, settings: CycleSettings) -> bool:
    """Whether the seats vote on this proposal; closing a position never waits for them."""
    if proposal.purpose == "exit":
        return False
    return needs_panel(settings.mode, report.score.value, settings.gate.panel_from_score)


async def guard(state: CycleState, runtime: Runtime[CycleRun]) -> CycleState:
    """Stage 8: the account as it stands, what may be done, and the question to put."""
    run, settings = runtime.context, runtime.context.desk.settings
    round_ = state.get("round", 0)
    portfolio = await run.edge(Portfolio, lambda: read_portfolio(run.desk, state, round_), round_)
    args = (state["desk_state"], state["snapshot"], state["proposal"], state["decision"], portfolio)
    verdict = run.pure(RiskVerdict, lambda: assess_risk(*args, settings.limits, round=round_), ordinal=round_)
    if verdict.ends_cycle:
        return {"portfolio": portfolio, "verdict": verdict}
    request = run.pure(
        ApprovalRequest,
        lambda: ask_approval(state["proposal"], portfolio, verdict, settings.approval),
        ordinal=round_,
    )
    return {"portfolio": portfolio, "verdict": verdict, "request": request}


async def approve(state: CycleState, runtime: Runtime[CycleRun]) -> CycleState:
    """Stage 9: a person's answer, waited for, or the autonomy policy's."""
    run, request, settings = runtime.context, state["request"], runtime.context.desk.settings.approval
    if settings.policy == "autonomous":
        is_paper = state["portfolio"].is_paper
        return {
            "approval": run.pure(
                Approval, lambda: answer_by_policy(request, settings, is_paper=is_paper), request.round
            )
        }
    if run.on_record(Approval, request.round) is None and not run.is_replay:
        interrupt(request.record_id)
    return {"approval": await run.edge(Approval, _answer_missing, request.round)}


async def requote(state: CycleState, runtime: Runtime[CycleRun]) -> CycleState:
    """Stage 10: is the price still what was approved, and the book of exposures too."""
    run, round_ = runtime.context, state["request"].round
    judged = await run.edge(
        Requote,
        lambda: look_again(run.desk, state),
        round_,
        again=lambda seen: judge_requote(state, look_on_record(seen), run.desk.settings),
    )
    return {"requote": judged, "round": round_ + 1}


async def commit_intent(state: CycleState, runtime: Runtime[CycleRun]) -> CycleState:
    """Stage 11: the order is written down, and survives a power cut, before anything is sent."""
    run = runtime.context
    return {"intent": run.pure(OrderIntent, lambda: commit_order(run.desk, state), durable=True)}


async def submit(state: CycleState, runtime: Runtime[CycleRun]) -> CycleState:
    """Stage 11: the order is sent, unless the venue knows it already or its time has passed."""
    run, intent = runtime.context, state["intent"]
    return {"order": await run.edge(Order, lambda: send_order(run.desk, intent), durable=True)}


async def stand_aside(state: CycleState) -> CycleState:
    """Nothing is done; the record that says why is already on file."""
    ended = (
        "requote",
        "approval",
        "verdict",
        "decision",
        "proposal",
        "view",
        "gate",
        "snapshot",
        "desk_state",
    )
    for key in ended:
        record = state.get(key)
        if record is not None:
            return {"ended_by": type(record).__name__}
    raise InvariantBroken("expected a record that ends the cycle, found none")


async def _read(brain: Brain | None, case: Case) -> FormulaView:
    """A brain that is not there, or breaks, has no view; the panel may still be asked."""
    try:
        if brain is not None:
            return await brain.read(case)
        why = "no formula brain is set; name a model under brain"
    except NOT_AN_ABSTENTION:
        raise
    except Exception as error:  # noqa: BLE001 - a model's door: whatever fails becomes an abstention
        why = f"{type(error).__name__}: {error}"
    return no_view(case, why)


def _case(desk: Desk, voter: Voter, task: VoteTask) -> Case:
    """What one seat may know: what all know, and its own past."""
    state, market = task["desk_state"], task["snapshot"].instrument.market
    return Case(
        state,
        task["snapshot"],
        task["report"],
        task["gate"],
        task["view"],
        limits=limits_in_force(desk.settings.limits, market, state.marks),
        past_calls=PastCalls() if desk.recall is None else desk.recall.past_calls(voter.seat, state),
        is_blind=desk.settings.blind,
    )


async def _ask(voter: Voter, case: Case, task: VoteTask) -> Ballot:
    """A seat that breaks has abstained; one seat must not end the cycle of the others."""
    try:
        return await voter.vote(case, task["proposal"], task["ordinal"])
    except NOT_AN_ABSTENTION:
        raise
    except Exception as error:  # noqa: BLE001 - a voter's door: whatever fails becomes an abstention
        proposal = task["proposal"]
        return Ballot(
            cycle_id=proposal.cycle_id,
            as_of=proposal.as_of,
            parents=(task["report"].record_id, proposal.record_id),
            seat=voter.seat,
            ordinal=task["ordinal"],
            answer="ABSTAIN",
            abstained=f"{type(error).__name__}: {error}",
        )


async def _answer_missing() -> Approval:
    raise InvariantBroken("expected the answer on record when an interrupted cycle is resumed, found none")
