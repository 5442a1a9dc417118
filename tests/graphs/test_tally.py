"""The counts a session ends with say what stopped its cycles, and nothing that did not."""

import pytest

from graphs.approval import answer, ask_approval
from graphs.desk import ApprovalSettings
from graphs.state import CycleState
from graphs.tally import Count, Tally
from tests.tools.risk_scene import assess, codes, marks, portfolio, proposal, state
from tools.limits import RiskLimits


def test_a_refused_trade_is_not_counted_under_a_limit_that_would_only_have_shrunk_it() -> None:
    fallen = portfolio(marks=marks("80000", peak_equity="100000"))
    verdict = assess(book=fallen, limits=RiskLimits(max_position_notional_pct=1))
    assert verdict.ends_cycle
    assert {"drawdown", "position_notional"} <= set(codes(verdict))
    counted = stood_aside(CycleState(desk_state=state(), verdict=verdict, ended_by="RiskVerdict"))
    assert Count(what="verdict: drawdown", n=1) in counted
    assert all("notional" not in count.what for count in counted)


def test_a_halted_cycle_is_counted_as_halted() -> None:
    halted = CycleState(desk_state=state(halted_by="a person"), ended_by="DeskState")
    assert stood_aside(halted) == (Count(what="desk_state: halted", n=1),)


@pytest.mark.parametrize(
    ("kind", "what"), [("person", "refused"), ("policy", "refused"), ("expiry", "expired")]
)
def test_a_trade_that_was_not_approved_is_counted_by_how(kind: str, what: str) -> None:
    asked = ask_approval(proposal(), portfolio(), assess(), ApprovalSettings())
    refusal = answer(asked, is_granted=False, by="me", kind=kind, reason="", at=asked.asked_at)
    counted = stood_aside(CycleState(desk_state=state(), approval=refusal, ended_by="Approval"))
    assert counted == (Count(what=f"approval: {what}", n=1),)


def stood_aside(cycle: CycleState) -> tuple[Count, ...]:
    tally = Tally()
    tally.add_cycle(cycle)
    summary = tally.summary(
        session_id="s", desk="d", account_id="a", is_paper=True, why_ended="test", n_pending=0
    )
    return summary.stood_aside
