"""The crossing from float64 to Decimal, and the order made from verdict, approval and requote."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import DataUnavailable, InvariantBroken
from contracts.market import Quote, Side
from contracts.records import Approval, OrderIntent, Reason, Requote, RiskVerdict
from markets.orders import client_order_id, make_intent, to_price, to_quantity, to_taking_price
from tests.markets.paper_scene import TABLE

NOW = datetime(2017, 3, 1, 10, tzinfo=UTC)
CYCLE = "c" * 64
TICK = Decimal("0.00001")
EURUSD = TABLE["EURUSD"]


@pytest.mark.parametrize(
    ("value", "tick", "price"),
    [
        (1.234567, "0.00001", "1.23457"),
        (1.1 + 2.2, "0.1", "3.3"),
        (4000.13, "0.25", "4000.25"),
        (4000.12, "0.25", "4000.00"),
        (-37.634, "0.01", "-37.63"),
        (0.0, "0.01", "0"),
        (1e-7, "0.00001", "0"),
    ],
)
def test_price_goes_to_the_nearest_tick(value: float, tick: str, price: str) -> None:
    assert to_price(value, Decimal(tick)) == Decimal(price)


@pytest.mark.parametrize(
    ("rounding", "price"), [(ROUND_FLOOR, "1.10000"), (ROUND_CEILING, "1.10001")], ids=["down", "up"]
)
def test_price_goes_the_way_it_is_told(rounding: str, price: str) -> None:
    assert to_price(1.100004, TICK, rounding) == Decimal(price)


def test_price_to_be_taken_is_rounded_against_the_taker() -> None:
    assert to_taking_price(1.100001, TICK, Side.BUY) == Decimal("1.10001")
    assert to_taking_price(1.100009, TICK, Side.SELL) == Decimal("1.10000")


def test_price_on_a_tick_stays_there_for_either_side() -> None:
    noisy = 1.0001 + 1e-16
    assert (
        to_taking_price(noisy, TICK, Side.BUY) == to_taking_price(noisy, TICK, Side.SELL) == Decimal("1.0001")
    )


@pytest.mark.parametrize(
    ("value", "step", "quantity"),
    [
        (0.1 + 0.2, "0.1", "0.3"),
        (0.3 - 1e-17, "0.1", "0.3"),
        (0.7 - 0.4, "0.1", "0.3"),
        (0.29, "0.1", "0.2"),
        (1999.999, "1", "1999"),
        (0.00019, "0.0001", "0.0001"),
        (0.5, "1", "0"),
        (1e12, "1", "1000000000000"),
    ],
)
def test_quantity_goes_down_to_its_step_without_losing_one_to_noise(
    value: float, step: str, quantity: str
) -> None:
    assert to_quantity(value, Decimal(step)) == Decimal(quantity)


@given(steps=st.integers(0, 10**9), step=st.sampled_from(["1", "0.1", "0.001", "0.25", "1000"]))
def test_whole_number_of_steps_survives_the_float(steps: int, step: str) -> None:
    assert to_quantity(steps * float(step), Decimal(step)) == steps * Decimal(step)


@given(value=st.floats(0, 1e9), step=st.sampled_from(["1", "0.1", "0.0001", "0.25"]))
def test_quantity_is_on_its_step_and_never_above_twelve_digits_of_the_value(value: float, step: str) -> None:
    quantity = to_quantity(value, Decimal(step))
    assert quantity % Decimal(step) == 0
    assert float(quantity) <= value * (1 + 1e-11)
    assert value - float(quantity) < float(step) + value * 1e-11


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_number_that_is_not_finite_cannot_become_money(value: float) -> None:
    with pytest.raises(DataUnavailable, match="finite"):
        to_price(value, TICK)
    with pytest.raises(DataUnavailable, match="finite"):
        to_quantity(value, TICK)


@pytest.mark.parametrize("step", ["0", "-0.1"])
def test_step_that_is_not_positive_halts(step: str) -> None:
    with pytest.raises(InvariantBroken, match="positive tick or step"):
        to_price(1.0, Decimal(step))


def test_client_order_id_is_short_and_depends_on_cycle_and_purpose_only() -> None:
    made = client_order_id(CYCLE, "entry")
    assert made == client_order_id(CYCLE, "entry")
    assert len({made, client_order_id(CYCLE, "exit"), client_order_id("d" * 64, "entry")}) == 3
    assert len(made) <= 36
    assert made.replace("-", "").isalnum()


def verdict(**changed: object) -> RiskVerdict:
    fields: dict[str, object] = {
        "cycle_id": CYCLE,
        "as_of": NOW,
        "parents": (),
        "round": 0,
        "purpose": "entry",
        "side": Side.BUY,
        "quantity": 1500.7,
        "entry": 1.1001,
        "stop": 1.095,
        "target": 1.11,
        "risk_amount": 50.0,
        "risk_pct": 0.5,
        "checks": (),
        "reasons": (),
    }
    return RiskVerdict.model_validate(fields | changed)


def approval(**changed: object) -> Approval:
    fields: dict[str, object] = {
        "cycle_id": CYCLE,
        "as_of": NOW,
        "parents": (),
        "round": 0,
        "request_id": "b" * 64,
        "is_granted": True,
        "by": "trader",
        "kind": "person",
        "quantity": 1500.7,
        "reason": "",
        "answered_at": NOW,
    }
    return Approval.model_validate(fields | changed)


def requote(**changed: object) -> Requote:
    fields: dict[str, object] = {
        "cycle_id": CYCLE,
        "as_of": NOW,
        "parents": (),
        "round": 0,
        "quote": Quote(bid=1.1002, ask=1.1003, at=NOW),
        "at": NOW,
        "halted_by": None,
        "is_exposure_changed": False,
        "moved_ticks": 20.0,
        "tolerance_ticks": 50.9,
        "outcome": "fresh",
        "reasons": (),
    }
    return Requote.model_validate(fields | changed)


def made(
    risk: RiskVerdict, answer: Approval, look: Requote, ticks: float | None = 50.9
) -> OrderIntent | Reason:
    return make_intent(
        risk,
        answer,
        look,
        EURUSD,
        account_id="paper-main",
        valid_until=NOW + timedelta(hours=1),
        worst_price_ticks=ticks,
    )


def intent_of(risk: RiskVerdict, answer: Approval | None = None, look: Requote | None = None) -> OrderIntent:
    intent = made(risk, answer or approval(), look or requote())
    assert isinstance(intent, OrderIntent)
    return intent


def test_entry_carries_the_verdicts_prices_and_the_requoted_reference() -> None:
    risk, answer, look = verdict(), approval(), requote()
    intent = intent_of(risk, answer, look)
    assert (intent.stop_price, intent.target_price) == (Decimal("1.095"), Decimal("1.11"))
    assert (intent.reference_price, intent.worst_price) == (Decimal("1.1003"), Decimal("1.1008"))
    assert (intent.quantity, intent.is_reduce_only) == (Decimal(1500), False)
    assert intent.parents == (risk.record_id, answer.record_id, look.record_id)
    assert (intent.approval_id, intent.client_order_id) == (answer.record_id, client_order_id(CYCLE, "entry"))


def test_sell_entry_refers_to_the_bid_and_tolerates_lower() -> None:
    intent = intent_of(verdict(side=Side.SELL, stop=1.11, target=1.09))
    assert (intent.reference_price, intent.worst_price) == (Decimal("1.1002"), Decimal("1.0997"))


def test_exit_is_reduce_only_and_has_no_worst_price() -> None:
    risk = verdict(purpose="exit", side=Side.SELL, stop=None, target=None)
    intent = intent_of(risk)
    assert (intent.is_reduce_only, intent.worst_price, intent.stop_price) == (True, None, None)


@pytest.mark.parametrize(("asked", "granted"), [(1500.7, 900.0), (900.0, 1500.7)])
def test_quantity_is_the_smaller_of_verdict_and_approval(asked: float, granted: float) -> None:
    assert intent_of(verdict(quantity=asked), approval(quantity=granted)).quantity == Decimal(900)


@pytest.mark.parametrize(("asked", "granted"), [(0.99, 0.99), (10.0, 0.0), (0.0, 10.0), (10.0, -5.0)])
def test_quantity_under_a_step_is_a_reason_and_no_order(asked: float, granted: float) -> None:
    reason = made(verdict(quantity=asked), approval(quantity=granted), requote())
    assert isinstance(reason, Reason)
    assert reason.code == "rounds_to_nothing"


def test_minimum_binds_entries_and_not_exits() -> None:
    table = EURUSD.model_copy(update={"min_quantity": Decimal(1000)})
    given = {"account_id": "a", "valid_until": NOW, "worst_price_ticks": 1.0}
    small = verdict(quantity=500.0)
    closing = verdict(quantity=500.0, purpose="exit", stop=None, target=None)
    assert isinstance(make_intent(small, approval(), requote(), table, **given), Reason)  # type: ignore[arg-type]
    assert isinstance(make_intent(closing, approval(), requote(), table, **given), OrderIntent)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "look"),
    [
        (approval(is_granted=False), requote()),
        (approval(cycle_id="d" * 64), requote()),
        (approval(), requote(cycle_id="d" * 64)),
        (approval(), requote(outcome="moved")),
        (approval(), requote(outcome="halted")),
        (approval(), requote(quote=None)),
    ],
)
def test_order_without_a_granted_approval_and_a_fresh_requote_of_its_cycle_halts(
    answer: Approval, look: Requote
) -> None:
    with pytest.raises(InvariantBroken):
        made(verdict(), answer, look)


def test_entry_without_a_tolerance_halts_and_an_exit_goes_on() -> None:
    with pytest.raises(InvariantBroken, match="tolerance"):
        made(verdict(), approval(), requote(), ticks=None)
    closing = verdict(purpose="exit", stop=None, target=None)
    assert isinstance(made(closing, approval(), requote(), ticks=None), OrderIntent)
