"""The path of a decision through the graph: what is recorded, in what order, and what ends it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.errors import InvariantBroken
from contracts.market import Quote
from contracts.records import (
    PATH,
    Approval,
    ApprovalRequest,
    Ballot,
    Decision,
    DeskState,
    Fill,
    Gate,
    MarketSnapshot,
    Order,
    OrderIntent,
    Outcome,
    Portfolio,
    Requote,
    RiskVerdict,
    StageRecord,
    TradeProposal,
)
from desk.kill_switch import FileKillSwitch
from graphs.approval import answer_by_policy
from graphs.stages import stage_records
from tests.fakes import ScriptedVoter
from tests.graphs.scene import Scene, ScriptedQuotes, scene

TRADED = [
    "DeskState",
    "MarketSnapshot",
    "FormulaReport",
    "Gate",
    "TradeProposal",
    "Decision",
    "Portfolio",
    "RiskVerdict",
    "ApprovalRequest",
    "Approval",
    "Requote",
    "OrderIntent",
    "Order",
]


def _cycle(told: Scene, cycle_id: str) -> list[StageRecord]:
    return [record for record, _ in stage_records(told.runner.journal.rows(cycle_id=cycle_id))]


def _first_request(told: Scene) -> ApprovalRequest:
    request: ApprovalRequest = told.records(ApprovalRequest)[0]
    return request


async def test_traded_cycle_leaves_every_stage_in_path_order(tmp_path: Path) -> None:
    with scene(tmp_path) as told:
        await told.run()
        intent = told.records(OrderIntent)[0]
        names = [type(record).__name__ for record in _cycle(told, intent.cycle_id)]
    assert names[: len(TRADED)] == TRADED
    assert names[len(TRADED) :] == ["Fill", "Order", "Fill", "Outcome"]


async def test_each_stage_names_its_parents_among_the_cycles_own_records(tmp_path: Path) -> None:
    with scene(tmp_path) as told:
        await told.run()
        for intent in told.records(OrderIntent):
            seen: set[str] = set()
            for record in _cycle(told, intent.cycle_id):
                own = [parent for parent in record.parents if parent in seen]
                assert own or isinstance(record, DeskState), type(record).__name__
                seen.add(record.record_id)


async def test_a_stage_that_ends_the_cycle_is_its_last_record_and_says_why(tmp_path: Path) -> None:
    with scene(tmp_path) as told:
        await told.run()
        for state in told.records(DeskState):
            last = _cycle(told, state.cycle_id)[-1]
            if isinstance(last, MarketSnapshot | Gate | TradeProposal | RiskVerdict):
                assert last.ends_cycle
                assert last.reasons


async def test_a_bar_scanned_twice_is_one_cycle(tmp_path: Path) -> None:
    with scene(tmp_path) as told:
        await told.run()
        n_rows = sum(1 for _ in told.runner.journal.rows())
        state = told.records(DeskState)[-1]
        await told.session.run_cycle(state.instrument_id, state.as_of)
        assert sum(1 for _ in told.runner.journal.rows()) == n_rows


async def test_a_nonce_makes_a_manual_run_a_cycle_of_its_own(tmp_path: Path) -> None:
    with scene(tmp_path) as told:
        await told.run()
        state = told.records(DeskState)[-1]
        await told.session.run_cycle(state.instrument_id, state.as_of, nonce="by hand")
        assert len(told.records(DeskState)) == 10


async def test_same_side_signal_stands_aside_while_a_position_is_open(tmp_path: Path) -> None:
    with scene(tmp_path) as told:
        await told.run()
        codes = {reason.code for proposal in told.records(TradeProposal) for reason in proposal.reasons}
    assert "already_positioned" in codes


async def test_halt_before_a_cycle_ends_it_at_the_desk_state(tmp_path: Path) -> None:
    with scene(tmp_path) as told:
        FileKillSwitch(told.runner.folder.path).engage("someone", "news", told.runner.desk.clock.now())
        await told.run()
        assert all(state.halted_by for state in told.records(DeskState))
        assert not told.records(MarketSnapshot)


async def test_outcome_of_the_stopped_trade_is_about_minus_one_r(tmp_path: Path) -> None:
    with scene(tmp_path) as told:
        await told.run()
        outcome = told.records(Outcome)[0]
        fills = [fill for fill in told.records(Fill) if fill.cycle_id == outcome.cycle_id]
    assert [fill.leg for fill in fills] == ["entry", "stop"]
    assert outcome.r_multiple == pytest.approx(-1, abs=0.1)
    assert outcome.net_pnl == sum(f.realized_pnl - f.commission - f.swap for f in fills)


# -- votes


def _voters(*answers: str) -> tuple[ScriptedVoter, ...]:
    return tuple(ScriptedVoter(f"seat{i}", answer) for i, answer in enumerate(answers))


PANEL: dict[str, object] = {"mode": "technical+panel", "gate.panel_from_score": 0}


async def test_every_seat_is_asked_once_and_ballots_keep_their_order(tmp_path: Path) -> None:
    voters = _voters("APPROVE", "APPROVE", "APPROVE")
    with scene(tmp_path, PANEL, voters=voters) as told:
        await told.run()
        decision = next(d for d in told.records(Decision) if d.rule == "majority")
        ballots = [b for b in told.records(Ballot) if b.cycle_id == decision.cycle_id]
    assert [b.seat for b in ballots] == ["seat0", "seat1", "seat2"]
    assert decision.parents[1:] == tuple(b.record_id for b in ballots)
    assert (decision.size_fraction, decision.n_valid) == (1.0, 3)


async def test_one_rejection_stands_aside_and_sends_nothing(tmp_path: Path) -> None:
    with scene(tmp_path, PANEL, voters=_voters("APPROVE", "REJECT", "APPROVE")) as told:
        await told.run()
        assert told.records(Decision)
        assert not told.records(OrderIntent)


async def test_a_reduced_vote_halves_the_order(tmp_path: Path) -> None:
    with scene(tmp_path, PANEL, voters=_voters("APPROVE", "REDUCE", "ABSTAIN")) as told:
        await told.run()
        proposal, intent = told.records(TradeProposal)[0], told.records(OrderIntent)[0]
    assert 0 < intent.quantity <= proposal.quantity / 2


async def test_a_seat_that_breaks_has_abstained_and_the_others_still_count(tmp_path: Path) -> None:
    with scene(tmp_path, PANEL, voters=_voters("APPROVE", "BREAK", "APPROVE")) as told:
        await told.run()
        broken = next(b for b in told.records(Ballot) if b.seat == "seat1")
        decision = next(d for d in told.records(Decision) if d.rule == "majority")
    assert (broken.answer, broken.abstained) == ("ABSTAIN", "ConnectionError: the line is dead")
    assert (decision.size_fraction, decision.n_valid) == (0.5, 2)


async def test_an_unexpected_failure_stops_the_desk_and_leaves_the_cycle_to_be_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Gate:
        raise ZeroDivisionError("a bug")

    with scene(tmp_path, last="2017-01-04T10:00Z") as told:
        monkeypatch.setattr("graphs.nodes.assess_gate", broken)
        with pytest.raises(InvariantBroken, match="ZeroDivisionError: a bug"):
            await told.run()
        assert len(told.runner.journal.unfinished_cycles()) == 1
    monkeypatch.undo()
    with scene(tmp_path, last="2017-01-04T10:00Z") as told:
        await told.run()
        assert told.runner.journal.unfinished_cycles() == ()
        assert told.records(Gate)


async def test_panel_without_seats_has_no_quorum_and_does_not_fall_back_silently(tmp_path: Path) -> None:
    with scene(tmp_path, PANEL) as told:
        await told.run()
        assert {r.code for d in told.records(Decision) for r in d.reasons} == {"no_quorum"}
        assert not told.records(OrderIntent)


async def test_below_the_panels_score_the_technical_proposal_decides_alone(tmp_path: Path) -> None:
    settings = {"mode": "technical+panel", "gate.panel_from_score": 11}
    voters = _voters("REJECT", "REJECT", "REJECT")
    with scene(tmp_path, settings, voters=voters) as told:
        await told.run()
        assert {d.rule for d in told.records(Decision)} == {"technical"}
        assert not voters[0].asked


# -- approval and requote


ASK: dict[str, object] = {"approval.policy": "ask", "approval.time_to_live_s": 1800}


async def test_in_ask_mode_the_cycle_waits_and_a_yes_sends_exactly_what_was_shown(tmp_path: Path) -> None:
    with scene(tmp_path, ASK, last="2017-01-04T10:00Z") as told:
        await told.run()
        ((cycle_id, pending),) = told.session.pending.items()
        assert not told.records(OrderIntent)
        await told.session.answer(
            cycle_id, pending.request.record_id, is_granted=True, by="trader", reason="fine"
        )
        intent, approval = told.records(OrderIntent)[0], told.records(Approval)[0]
        assert not told.session.pending
        assert [o.state for o in told.records(Order)] == ["ACCEPTED"]
    assert approval.request_id == pending.request.record_id
    assert (approval.by, approval.kind) == ("trader", "person")
    assert float(intent.quantity) == pending.request.quantity
    assert float(intent.stop_price or 0) == pending.request.stop


async def test_a_no_ends_the_cycle_with_the_reason_given(tmp_path: Path) -> None:
    with scene(tmp_path, ASK, last="2017-01-04T10:00Z") as told:
        await told.run()
        ((cycle_id, pending),) = told.session.pending.items()
        await told.session.answer(
            cycle_id, pending.request.record_id, is_granted=False, by="trader", reason="news in an hour"
        )
        assert told.records(Approval)[0].reason == "news in an hour"
        assert not told.records(OrderIntent)
        assert told.runner.journal.unfinished_cycles() == ()


@pytest.mark.parametrize(("wanted", "sent"), [(1000.0, 1000.0), (10_000_000.0, None)])
async def test_an_answer_may_shrink_but_never_grow(tmp_path: Path, wanted: float, sent: float | None) -> None:
    with scene(tmp_path, ASK, last="2017-01-04T10:00Z") as told:
        await told.run()
        ((cycle_id, pending),) = told.session.pending.items()
        request = pending.request
        await told.session.answer(
            cycle_id, request.record_id, is_granted=True, by="trader", reason="", quantity=wanted
        )
        assert float(told.records(OrderIntent)[0].quantity) == (sent or request.quantity)
        assert told.records(Approval)[0].quantity == (sent or request.quantity)


async def test_an_answer_that_rounds_to_nothing_sends_nothing(tmp_path: Path) -> None:
    with scene(tmp_path, ASK, last="2017-01-04T10:00Z") as told:
        await told.run()
        ((cycle_id, pending),) = told.session.pending.items()
        await told.session.answer(
            cycle_id, pending.request.record_id, is_granted=True, by="trader", reason="", quantity=0.4
        )
        assert told.records(Requote)[0].reasons[0].code == "rounds_to_nothing"
        assert not told.records(OrderIntent)


async def test_nobody_answers_and_the_sweep_refuses_as_expired(tmp_path: Path) -> None:
    with scene(tmp_path, ASK, last="2017-01-04T11:00Z") as told:
        await told.run()
        approval = told.records(Approval)[0]
    assert (approval.is_granted, approval.kind) == (False, "expiry")


async def test_an_approval_after_the_decision_bar_is_let_go(tmp_path: Path) -> None:
    settings = ASK | {"approval.time_to_live_s": 100_000}
    with scene(tmp_path, settings, last="2017-01-04T10:00Z") as told:
        await told.run()
        ((cycle_id, pending),) = told.session.pending.items()
        told.runner.desk.clock.advance(pending.request.as_of.replace(hour=11, minute=1))
        await told.session.answer(cycle_id, pending.request.record_id, is_granted=True, by="late", reason="")
        assert told.records(Requote)[0].outcome == "expired"
        assert not told.records(OrderIntent)


def _quote(shift: float) -> Quote:
    at = datetime(2017, 1, 4, 10, tzinfo=UTC)
    return Quote(bid=round(1.0437 + shift, 5), ask=round(1.0438 + shift, 5), at=at)


async def test_a_moved_price_goes_back_to_the_guard_and_asks_again(tmp_path: Path) -> None:
    # In turn: guard, requote (moved away), guard again, requote (still there).
    script: list[Quote | None] = [_quote(0), _quote(-0.0020), _quote(-0.0020), _quote(-0.0020)]
    with scene(
        tmp_path,
        last="2017-01-04T10:00Z",
        first="2017-01-04T10:00Z",
        wrap_feed=lambda feed: ScriptedQuotes(feed, script),
    ) as told:
        await told.run()
        requotes, verdicts = told.records(Requote), told.records(RiskVerdict)
        intent = told.records(OrderIntent)[0]
    assert [r.outcome for r in requotes] == ["moved", "fresh"]
    assert [v.round for v in verdicts] == [0, 1]
    assert verdicts[1].quantity <= verdicts[0].quantity
    assert float(intent.reference_price) == requotes[1].quote.bid


async def test_a_price_that_keeps_moving_is_let_go_after_three_rounds(tmp_path: Path) -> None:
    script: list[Quote | None] = []
    for i in range(4):
        script += [_quote(-0.0020 * i), _quote(-0.0020 * (i + 1))]
    with scene(
        tmp_path,
        last="2017-01-04T10:00Z",
        first="2017-01-04T10:00Z",
        wrap_feed=lambda feed: ScriptedQuotes(feed, script),
    ) as told:
        await told.run()
        assert [r.outcome for r in told.records(Requote)] == ["moved", "moved", "gave_up"]
        assert len(told.records(ApprovalRequest)) == 3
        assert not told.records(OrderIntent)


async def test_a_vanished_quote_at_requote_sends_nothing(tmp_path: Path) -> None:
    script: list[Quote | None] = [_quote(0), None]
    with scene(
        tmp_path,
        last="2017-01-04T10:00Z",
        first="2017-01-04T10:00Z",
        wrap_feed=lambda feed: ScriptedQuotes(feed, script),
    ) as told:
        await told.run()
        assert told.records(Requote)[0].outcome == "no_quote"
        assert not told.records(OrderIntent)


async def test_autonomy_policy_refuses_more_risk_than_it_may_take(tmp_path: Path) -> None:
    with scene(tmp_path, {"approval.autonomous_max_risk_pct": 0.01}) as told:
        await told.run()
        approvals = told.records(Approval)
        assert approvals
        assert not any(a.is_granted for a in approvals)
        assert not told.records(OrderIntent)


async def test_autonomy_policy_never_answers_for_a_live_account(tmp_path: Path) -> None:
    with scene(tmp_path, last="2017-01-04T10:00Z") as told:
        await told.run()
        request, settings = _first_request(told), told.runner.desk.settings.approval
    on_paper, live = (answer_by_policy(request, settings, is_paper=is_paper) for is_paper in (True, False))
    assert (on_paper.is_granted, live.is_granted, live.quantity) == (True, False, 0)
    assert "found a live one" in live.reason


async def test_halt_while_a_question_stands_sends_nothing(tmp_path: Path) -> None:
    with scene(tmp_path, ASK, last="2017-01-04T10:00Z") as told:
        await told.run()
        ((cycle_id, pending),) = told.session.pending.items()
        FileKillSwitch(told.runner.folder.path).engage("someone", "stop", told.runner.desk.clock.now())
        await told.session.answer(
            cycle_id, pending.request.record_id, is_granted=True, by="trader", reason=""
        )
        assert told.records(Requote)[0].outcome == "halted"
        assert not told.records(OrderIntent)


def test_every_stage_of_the_path_is_a_record_the_journal_knows() -> None:
    assert len({kind.__name__ for kind in PATH}) == len(PATH) == 17


async def test_portfolio_counts_an_intent_nobody_acknowledged(tmp_path: Path) -> None:
    with scene(tmp_path, last="2017-01-04T10:00Z") as told:
        await told.run()
        intent = told.records(OrderIntent)[0]
        told.runner.desk.ledger.add_intent(intent)
        exposures = told.runner.desk.ledger.unacknowledged()
        assert [e.client_order_id for e in exposures] == [intent.client_order_id]
        assert exposures[0].quantity == intent.quantity * intent.side.sign
        assert told.records(Portfolio)[0].exposures == ()
