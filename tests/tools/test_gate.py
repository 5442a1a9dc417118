"""Every rule of the gate, both bases, each threshold at, under and over its edge."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pydantic import ValidationError

from contracts.market import Instrument, Side, Timeframe
from contracts.records import (
    AccountMarks,
    Budget,
    CompositeStrength,
    DeskState,
    FormulaReport,
    Gate,
    MarketSnapshot,
    Mode,
    Position,
    TechnicalScore,
    TradeStats,
)
from tools.decision_settings import GateSettings
from tools.gate import assess_gate

AT = datetime(2016, 5, 4, 12, tzinfo=UTC)
CYCLE = "c" * 64


def state_of(mode: Mode, held: float = 0, spent: float = 0, held_in: str = "EURUSD") -> DeskState:
    amount = Decimal(10_000)
    marks = AccountMarks(
        currency="USD",
        balance=amount,
        equity=amount,
        start_equity=amount,
        peak_equity=amount,
        day_open_equity=amount,
        day_opened_at=AT,
    )
    position = Position(
        instrument_id=held_in,
        quantity=Decimal(str(held)),
        average_price=Decimal(1),
        unrealized_pnl=Decimal(0),
    )
    return DeskState(
        cycle_id=CYCLE,
        as_of=AT,
        parents=(),
        desk="test",
        account_id="paper",
        is_paper=True,
        mode=mode,
        instrument_id="EURUSD",
        timeframe=Timeframe.H1,
        now=AT,
        settings_hash="0" * 64,
        limits_hash="0" * 64,
        code_hash="0" * 64,
        halted_by=None,
        budgets=(
            Budget(name="day", cap=Decimal(5), spent=Decimal(str(spent))),
            Budget(name="cycle", cap=Decimal(1), spent=Decimal(0)),
        ),
        marks=marks,
        positions=(position,) if held else (),
        composite_weights=None,
        composite_reason=None,
        stats=TradeStats(n_closed=0, win_rate=None, mean_win_r=None, mean_loss_r=None),
    )


def snapshot_of(in_session: bool = True, filtered_hour: str | None = None) -> MarketSnapshot:
    instrument = Instrument(
        instrument_id="EURUSD",
        market="forex",
        base_currency="EUR",
        quote_currency="USD",
        tick_size=Decimal("0.00001"),
        pip_size=Decimal("0.0001"),
        lot_size=Decimal(100_000),
        quantity_step=Decimal(1),
        min_quantity=Decimal(1),
        multiplier=Decimal(1),
        calendar="forex",
    )
    return MarketSnapshot(
        cycle_id=CYCLE,
        as_of=AT,
        parents=(),
        instrument=instrument,
        universe=("EURUSD",),
        timeframe=Timeframe.H1,
        series=(),
        quote=None,
        book=None,
        rates=(),
        in_session=in_session,
        filtered_hour=filtered_hour,
        reasons=(),
    )


def report_of(
    side: Side | None = Side.BUY, score: float = 4.0, is_opposed: bool = False, strength: float | None = 2.0
) -> FormulaReport:
    return FormulaReport(
        cycle_id=CYCLE,
        as_of=AT,
        parents=(),
        profile="technical",
        evidence=(),
        score=TechnicalScore(
            parts=(),
            buy=score,
            sell=score if side is None else 0,
            side=side,
            value=score,
            minimum=2.5,
            higher_trend=side.opposite if side and is_opposed else side,
            is_opposed=is_opposed,
        ),
        strength=CompositeStrength(
            value=strength,
            inputs=(),
            weights_id=None,
            reason=None if strength is not None else "no weights: too few bars",
        ),
    )


def gate_of(
    state: DeskState, snapshot: MarketSnapshot | None = None, report: FormulaReport | None = None
) -> Gate:
    return assess_gate(state, snapshot or snapshot_of(), report or report_of(), GateSettings())


def codes(gate: Gate) -> list[str]:
    return [reason.code for reason in gate.reasons]


@pytest.mark.parametrize("mode", ["technical", "technical+panel"])
@pytest.mark.parametrize(
    ("report", "level", "expected"),
    [
        (report_of(score=2.5), "vote", []),
        (report_of(score=2.49), "closed", ["below_minimum"]),
        (report_of(side=None, score=3.0), "closed", ["no_side"]),
        (report_of(side=None, score=0.0), "closed", ["no_side", "below_minimum"]),
        (report_of(is_opposed=True), "closed", ["higher_trend_opposes"]),
        (report_of(score=1.0, is_opposed=True), "closed", ["below_minimum", "higher_trend_opposes"]),
        (report_of(strength=None), "vote", []),
    ],
)
def test_technical_modes_go_by_the_score_alone(
    mode: Mode, report: FormulaReport, level: str, expected: list[str]
) -> None:
    gate = gate_of(state_of(mode), report=report)
    assert (gate.level, codes(gate)) == (level, expected)
    assert (gate.basis, gate.threshold, gate.value) == ("technical_score", 2.5, report.score.value)
    assert gate.side is report.score.side
    assert gate.ends_cycle == (level == "closed")


@pytest.mark.parametrize(
    ("strength", "level", "side", "threshold", "expected"),
    [
        (0.99, "closed", Side.BUY, 1.0, ["weak"]),
        (1.0, "brief", Side.BUY, 1.0, []),
        (1.49, "brief", Side.BUY, 1.0, []),
        (1.5, "vote", Side.BUY, 1.5, []),
        (-0.99, "closed", Side.SELL, 1.0, ["weak"]),
        (-1.0, "brief", Side.SELL, 1.0, []),
        (-1.5, "vote", Side.SELL, 1.5, []),
        (-40.0, "vote", Side.SELL, 1.5, []),
        (0.0, "closed", None, 1.0, ["weak"]),
        (None, "closed", None, 1.0, ["no_strength"]),
    ],
)
def test_dual_mode_goes_by_the_size_of_the_strength_and_its_sign(
    strength: float | None, level: str, side: Side | None, threshold: float, expected: list[str]
) -> None:
    ignored = {"side": None, "value": 0.0, "is_opposed": True}
    report = report_of(strength=strength).model_copy(
        update={"score": report_of().score.model_copy(update=ignored)}
    )
    gate = gate_of(state_of("dual"), report=report)
    assert (gate.level, gate.side, gate.threshold, codes(gate)) == (level, side, threshold, expected)
    assert (gate.basis, gate.value) == ("composite_strength", strength)


def test_missing_strength_tells_why_it_is_missing() -> None:
    gate = gate_of(state_of("dual"), report=report_of(strength=None))
    assert gate.reasons[0].text.endswith("no weights: too few bars")


@pytest.mark.parametrize("mode", ["technical", "technical+panel", "dual", "recorded"])
def test_closed_market_closes_every_mode(mode: Mode) -> None:
    gate = gate_of(state_of(mode), snapshot_of(in_session=False))
    assert (gate.level, codes(gate)) == ("closed", ["market_closed"])


@pytest.mark.parametrize("mode", ["technical", "technical+panel", "dual", "recorded"])
def test_filtered_hour_closes_every_mode_and_is_named(mode: Mode) -> None:
    gate = gate_of(state_of(mode), snapshot_of(filtered_hour="15:30-16:30 London"))
    assert (gate.level, codes(gate)) == ("closed", ["filtered_hour"])
    assert "15:30-16:30 London" in gate.reasons[0].text


@pytest.mark.parametrize(
    ("mode", "spent", "expected"),
    [
        ("technical", 5, []),
        ("technical+panel", 4.99, []),
        ("technical+panel", 5, ["budget_spent"]),
        ("dual", 5, ["budget_spent"]),
        ("dual", 6, ["budget_spent"]),
        ("recorded", 5, ["budget_spent"]),
    ],
)
def test_budget_at_its_cap_closes_where_models_are_asked(
    mode: Mode, spent: float, expected: list[str]
) -> None:
    assert codes(gate_of(state_of(mode, spent=spent))) == expected


def test_a_cap_of_nothing_closes_no_gate_on_what_is_free() -> None:
    nothing = state_of("dual").model_copy(
        update={"budgets": (Budget(name="day", cap=Decimal(0), spent=Decimal(0)),)}
    )
    assert codes(gate_of(nothing)) == codes(gate_of(state_of("dual")))


def test_every_reason_that_applies_is_listed() -> None:
    gate = gate_of(
        state_of("technical+panel", spent=5),
        snapshot_of(in_session=False, filtered_hour="15:30-16:30 London"),
        report_of(side=None, score=1.0),
    )
    assert codes(gate) == ["no_side", "below_minimum", "market_closed", "filtered_hour", "budget_spent"]


@pytest.mark.parametrize("mode", ["technical+panel", "dual"])
@pytest.mark.parametrize(
    ("held", "held_in", "expected"),
    [
        (-1000, "EURUSD", []),
        (1000, "EURUSD", ["filtered_hour", "budget_spent"]),
        (0, "EURUSD", ["filtered_hour", "budget_spent"]),
        (-1000, "GBPUSD", ["filtered_hour", "budget_spent"]),
    ],
)
def test_only_a_signal_against_the_open_position_passes_hour_and_budget(
    mode: Mode, held: float, held_in: str, expected: list[str]
) -> None:
    gate = gate_of(
        state_of(mode, held=held, held_in=held_in, spent=5), snapshot_of(filtered_hour="15:30-16:30 London")
    )
    assert codes(gate) == expected


def test_sell_signal_closes_a_long_through_a_filtered_hour() -> None:
    gate = gate_of(
        state_of("dual", held=1000), snapshot_of(filtered_hour="14:00-17:00"), report_of(strength=-2.0)
    )
    assert (gate.level, gate.side) == ("vote", Side.SELL)


def test_closed_market_holds_even_a_closing_signal() -> None:
    gate = gate_of(state_of("technical", held=-1000), snapshot_of(in_session=False))
    assert codes(gate) == ["market_closed"]


def test_closing_signal_still_needs_its_strength() -> None:
    gate = gate_of(state_of("dual", held=-1000), report=report_of(strength=0.5))
    assert codes(gate) == ["weak"]


def test_strength_over_vote_keeps_its_threshold_when_the_market_closes_the_gate() -> None:
    gate = gate_of(state_of("dual"), snapshot_of(in_session=False), report_of(strength=1.8))
    assert (gate.level, gate.threshold, gate.side) == ("closed", 1.5, Side.BUY)


def test_gate_names_its_parents_and_its_cycle() -> None:
    state, snapshot, report = state_of("technical"), snapshot_of(), report_of()
    gate = gate_of(state, snapshot, report)
    assert gate.parents == (state.record_id, snapshot.record_id, report.record_id)
    assert (gate.cycle_id, gate.as_of) == (CYCLE, AT)


@pytest.mark.parametrize("wrong", [{"brief": 2.0}, {"brief": 0.0}, {"vote": float("nan")}, {"votes": 1.5}])
def test_impossible_or_unknown_gate_setting_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        GateSettings.model_validate(wrong)
