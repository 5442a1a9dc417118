"""What travels along the edges of the graph: records, never bars."""

import operator
from typing import Annotated, TypedDict

from contracts.records import (
    Approval,
    ApprovalRequest,
    Ballot,
    Decision,
    DeskState,
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


class CycleState(TypedDict, total=False):
    """What travels along the edges; bars never do."""

    desk_state: DeskState
    snapshot: MarketSnapshot
    report: FormulaReport
    gate: Gate
    view: FormulaView
    proposal: TradeProposal
    ballots: Annotated[list[Ballot], operator.add]
    decision: Decision
    round: int
    portfolio: Portfolio
    verdict: RiskVerdict
    request: ApprovalRequest
    approval: Approval
    requote: Requote
    intent: OrderIntent
    order: Order
    ended_by: str


class VoteTask(TypedDict):
    """What one seat is sent."""

    ordinal: int
    desk_state: DeskState
    snapshot: MarketSnapshot
    report: FormulaReport
    gate: Gate
    view: FormulaView | None
    proposal: TradeProposal
