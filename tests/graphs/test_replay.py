"""A past cycle run again: the same, nearly the same, or drifted at a named stage."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from contracts.errors import ToolInputError
from contracts.ports import Case
from contracts.records import (
    Ballot,
    Decision,
    DeskState,
    FormulaReport,
    OrderIntent,
    Outcome,
    RiskVerdict,
    TradeProposal,
)
from graphs.differences import by_stage, compare
from graphs.replay import CycleReplay, Replayer
from tests.graphs.scene import Scene, scene
from tools import technical_score


async def _replay_all(told: Scene, changes: dict[str, object] | None = None) -> list[CycleReplay]:
    replayer = Replayer(told.runner.journal, told.runner.desk.blobs, changes)
    return [await replayer.replay(state.cycle_id) for state in told.records(DeskState)]


async def test_every_cycle_comes_out_identical_trades_and_outcomes_included(tmp_path: Path) -> None:
    with scene(tmp_path) as told:
        await told.run()
        results = await _replay_all(told)
        assert told.records(Outcome)
    assert {result.verdict for result in results} == {"identical"}
    assert all(not result.differences for result in results)


async def test_votes_and_personal_answers_are_taken_from_the_record(tmp_path: Path) -> None:
    from tests.fakes import ScriptedVoter

    voters = tuple(ScriptedVoter(f"seat{i}", "APPROVE") for i in range(3))
    settings: dict[str, object] = {
        "mode": "technical+panel",
        "gate.panel_from_score": 0,
        "approval.policy": "ask",
    }
    with scene(tmp_path, settings, last="2017-01-04T10:00Z", voters=voters) as told:
        await told.run()
        ((cycle_id, pending),) = told.session.pending.items()
        await told.session.answer(
            cycle_id, pending.request.record_id, is_granted=True, by="trader", reason=""
        )
        n_asked = len(voters[0].asked)
        results = await _replay_all(told)
        assert told.records(OrderIntent)
        assert len(voters[0].asked) == n_asked
    assert {result.verdict for result in results} == {"identical"}


async def test_a_changed_constant_of_the_score_is_named_at_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scene(tmp_path) as told:
        await told.run()
        monkeypatch.setattr(technical_score, "ADX_TRENDING", 20.0)
        results = await _replay_all(told)
        reported = {report.cycle_id for report in told.records(FormulaReport)}
    assert {result.cycle_id for result in results if result.verdict == "drifted"} == reported
    assert {result.first_stage for result in results if result.verdict == "drifted"} == {"report"}
    assert any("parts[directional].why" in d.path for result in results for d in result.differences)


async def test_halving_the_risk_would_have_halved_the_order(tmp_path: Path) -> None:
    with scene(
        tmp_path,
        {
            "limits.max_position_notional_pct": 5000,
            "limits.forex_max_leverage": 50,
            "limits.max_gross_leverage": 50,
        },
    ) as told:
        await told.run()
        results = await _replay_all(told, {"limits.risk_per_trade_pct": 0.5})
        traded = {intent.cycle_id for intent in told.records(OrderIntent)}
        entry = next(i for i in told.records(OrderIntent) if i.purpose == "entry")
    for result in results:
        assert (result.verdict == "drifted") == (result.cycle_id in traded or bool(result.differences))
    changed = next(r for r in results if r.cycle_id == entry.cycle_id)
    assert changed.first_stage == "propose"
    quantity = next(d for d in changed.differences if (d.stage, d.path) == ("commit_intent", "quantity"))
    assert float(quantity.now or 0) == pytest.approx(float(entry.quantity) / 2, rel=0.01)


async def test_a_course_the_record_never_took_ends_past_the_record(tmp_path: Path) -> None:
    with scene(tmp_path, {"score.forex_minimum": 9.5}) as told:
        await told.run()
        assert not told.records(TradeProposal)
        results = await _replay_all(told, {"score.forex_minimum": 2.5})
    beyond = [result for result in results if result.past_the_record]
    assert beyond
    assert all(result.first_stage == "report" for result in beyond)
    assert all("Portfolio" in (result.past_the_record or "") for result in beyond)
    # No model could answer for the account.
    assert not any("--ask" in (result.past_the_record or "") for result in beyond)


async def test_an_unknown_setting_is_refused_by_name(tmp_path: Path) -> None:
    with scene(tmp_path, last="2017-01-04T10:00Z") as told:
        await told.run()
        with pytest.raises(ToolInputError, match=r"limits\.risk_per_trade_pc"):
            await _replay_all(told, {"limits.risk_per_trade_pc": 0.5})


async def test_differences_in_the_last_bits_are_equal_and_larger_ones_are_not(tmp_path: Path) -> None:
    with scene(tmp_path) as told:
        await told.run()
        verdict: RiskVerdict = told.records(RiskVerdict)[0]
    order = ["RiskVerdict"]
    for factor, is_within in ((1 + 1e-11, True), (1 + 1e-6, False)):
        other = verdict.model_copy(update={"risk_amount": verdict.risk_amount * factor})
        found = compare(by_stage([(verdict, 0)]), by_stage([(other, 0)]), order)
        assert [(d.stage, d.path, d.is_within_tolerance) for d in found] == [
            ("guard", "risk_amount", is_within)
        ]


async def test_replay_writes_nothing(tmp_path: Path) -> None:
    with scene(tmp_path) as told:
        await told.run()
        rows = sum(1 for _ in told.runner.journal.rows())
        files = sorted(path.name for path in told.runner.folder.blobs.rglob("*"))
        await _replay_all(told)
        assert sum(1 for _ in told.runner.journal.rows()) == rows
        assert sorted(path.name for path in told.runner.folder.blobs.rglob("*")) == files


class _Hangs:
    """A voter that nobody waits for long enough."""

    def __init__(self) -> None:
        self.seat, self.is_asked = "seat0", asyncio.Event()

    async def vote(self, case: Case, proposal: TradeProposal, ordinal: int) -> Ballot:
        self.is_asked.set()
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_cycle_that_was_cut_while_a_seat_spoke_has_not_drifted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voter = _Hangs()
    settings: dict[str, object] = {"mode": "technical+panel", "gate.panel_from_score": 0}
    with scene(tmp_path, settings, last="2017-01-04T10:00Z", voters=(voter,)) as told:
        running = asyncio.create_task(told.run())
        await voter.is_asked.wait()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        (cut,) = [each.cycle_id for each in told.records(TradeProposal)]
        assert not told.records(Decision)
        results = {each.cycle_id: each for each in await _replay_all(told)}
        assert (results[cut].verdict, results[cut].differences) == ("identical", ())
        # What is on record of it is compared all the same.
        monkeypatch.setattr(technical_score, "ADX_TRENDING", 20.0)
        results = {each.cycle_id: each for each in await _replay_all(told)}
        assert results[cut].verdict == "drifted"
