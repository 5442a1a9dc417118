"""How far a cycle has come on the path that every cycle takes, and what is under way.

The edges are those of `graphs/cycle.py`, read from the newest record: a test walks real cycles with both.
"""

from collections.abc import Sequence
from typing import Literal

from agents.consensus import needs_brain
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
    StageRecord,
    TradeProposal,
)
from graphs.desk import CycleSettings
from graphs.nodes import is_panel_asked
from tui.door import Step

_STEPS: tuple[tuple[str, type[StageRecord], str], ...] = (
    ("market", MarketSnapshot, "the market is looked at"),
    ("numbers", FormulaReport, "the numbers are computed"),
    ("gate", Gate, "the gate weighs the signal"),
    ("brain", FormulaView, "the formula brain reads"),
    ("trade", TradeProposal, "the trade is sized"),
    ("vote", Ballot, "the models speak"),
    ("decision", Decision, "the votes are counted"),
    ("guard", RiskVerdict, "the limits are checked"),
    ("answer", Approval, "the policy answers"),
    ("order", Order, "the order is on its way to the venue"),
)
"""Name, the record that is made, and what is said while it is being made."""
_NAMES = tuple(name for name, _, _ in _STEPS)
_AFTER: dict[type[StageRecord], str] = {
    DeskState: "market",
    MarketSnapshot: "numbers",
    FormulaReport: "gate",
    FormulaView: "trade",
    Decision: "guard",
    Portfolio: "guard",
    RiskVerdict: "answer",
    ApprovalRequest: "answer",
    Approval: "order",
    OrderIntent: "order",
    Order: "order",
}
"""Where one step always leads to the same one."""


def step_after(records: Sequence[StageRecord], settings: CycleSettings) -> str:
    """The step a cycle that is not over takes after these records, in the order they were made."""
    newest = records[-1]
    match newest:
        case Gate():
            return "brain" if needs_brain(settings.mode) else "trade"
        case TradeProposal():
            report = next(each for each in records if isinstance(each, FormulaReport))
            is_asked = is_panel_asked(newest, report, settings) and settings.panel.seats
            return "vote" if is_asked else "decision"
        case Ballot():
            return "vote" if _n_voted(records) < len(settings.panel.seats) else "decision"
        case Requote():
            return "order" if newest.outcome == "fresh" else "guard"
    return _AFTER[type(newest)]


def under_way(records: Sequence[StageRecord], settings: CycleSettings) -> str:
    """What is being done now, in words."""
    step, newest = step_after(records, settings), records[-1]
    if isinstance(newest, ApprovalRequest) and settings.approval.policy == "ask":
        return "waits for a person"
    if isinstance(newest, Approval):
        return "the price is looked at once more"
    words = next(words for name, _, words in _STEPS if name == step)
    return (
        f"{words}: {_n_voted(records)} of {len(settings.panel.seats)} have voted" if step == "vote" else words
    )


def path_of(records: Sequence[StageRecord], running: str | None) -> tuple[Step, ...]:
    """Every step; `running` is the one under way, None where the cycle is over."""
    made = {type(record) for record in records}
    reached = [at for at, (_, kind, _) in enumerate(_STEPS) if kind in made]
    at_now = max(reached, default=-1) if running is None else _NAMES.index(running)
    steps = []
    for at, (name, kind, _) in enumerate(_STEPS):
        steps.append(Step(name=name, state=_state(at, at_now, kind in made, is_running=running is not None)))
    return tuple(steps)


def _state(
    at: int, at_now: int, is_made: bool, *, is_running: bool
) -> Literal["done", "under way", "ended", "left out", "not reached"]:
    if at > at_now:
        return "not reached"
    if at == at_now and is_running:
        return "under way"
    if at == at_now and _NAMES[at] != "order":
        return "ended"
    return "done" if is_made else "left out"


def _n_voted(records: Sequence[StageRecord]) -> int:
    return sum(isinstance(each, Ballot) for each in records)
