from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contracts.errors import InvariantBroken
from contracts.market import Side, Timeframe
from contracts.records import TradeProposal
from markets.instruments import INSTRUMENTS
from tests.tools.risk_scene import (
    SHA,
    atr_row,
    codes,
    gate,
    marks,
    position,
    quote,
    rate,
    report,
    snapshot,
    state,
    stats,
)
from tools.limits import RiskLimits
from tools.quantity import quantity_within, whole_steps
from tools.sizing import propose_trade

NAN = float("nan")


def propose(
    *,
    side: Side | None = Side.BUY,
    atr: float | None = 0.001,
    instrument: str = "EURUSD",
    limits: RiskLimits | None = None,
    seen: dict[str, Any] | None = None,
    **desk: Any,
) -> TradeProposal:
    return propose_trade(
        state(instrument_id=instrument, **desk),
        snapshot(INSTRUMENTS[instrument], **(seen or {})),
        report(atr_row(atr, instrument)),
        gate(side),
        limits or RiskLimits(),
    )


def test_a_buy_enters_at_the_ask_and_risks_one_percent() -> None:
    # Stop 2 x 0.0010 under 1.1001; 1 % of 100,000 is 1,000; 1,000 / 0.0020 = 500,000 units.
    trade = propose()
    assert (trade.entry, trade.stop, trade.target) == (1.1001, 1.0981, 1.1031)
    assert trade.quantity == 500_000
    assert trade.risk_amount == pytest.approx(1000)
    assert trade.risk_pct == pytest.approx(1)
    assert trade.notional == pytest.approx(550_050)
    assert trade.purpose == "entry"
    assert not trade.ends_cycle


def test_a_sell_enters_at_the_bid_with_stop_above_and_target_below() -> None:
    trade = propose(side=Side.SELL)
    assert (trade.entry, trade.stop, trade.target) == (1.1, 1.102, 1.097)
    assert trade.quantity == 500_000


def test_stop_and_target_round_to_the_tick_away_from_the_entry() -> None:
    # 2 x 0.001003 = 0.002006: the raw stop 1.098094 goes down, the short's 1.102006 goes up.
    bought, sold = propose(atr=0.001003), propose(side=Side.SELL, atr=0.001003)
    assert (bought.stop, sold.stop) == (1.09809, 1.10201)
    # 1.5 x 0.00201 = 0.003015 each way.
    assert (bought.target, sold.target) == (1.10312, 1.09698)


def test_a_yen_pair_converts_the_risk_into_dollars() -> None:
    # 0.20 yen a unit at 150 yen a dollar: 1,000 / (0.20 / 150) = 750,000 units.
    seen = {"quote": quote(149.99, 150.0), "rates": (rate("USD", "JPY", 150.0),)}
    trade = propose(instrument="USDJPY", atr=0.1, seen=seen)
    assert trade.quantity == 750_000
    assert trade.conversion_rate == pytest.approx(1 / 150)
    assert trade.risk_amount == pytest.approx(1000)


def test_a_futures_contract_counts_its_multiplier() -> None:
    # 20 points x 50 dollars is 1,000 dollars: one contract.
    trade = propose(instrument="ES", atr=10.0, seen={"quote": quote(5000.0, 5000.25)})
    assert trade.quantity == 1
    assert trade.notional == pytest.approx(5000.25 * 50)


def test_a_contract_that_risks_too_much_is_not_traded() -> None:
    trade = propose(instrument="ES", atr=10.25, seen={"quote": quote(5000.0, 5000.25)})
    assert trade.quantity == 0
    assert codes(trade) == ("below_minimum_size",)
    assert trade.ends_cycle


def test_crypto_risks_its_own_smaller_share() -> None:
    trade = propose(instrument="BTCUSD", atr=500.0, seen={"quote": quote(60000.0, 60001.0)})
    assert trade.risk_pct == pytest.approx(0.8, rel=1e-4)


def test_risk_is_recomputed_from_the_rounded_quantity() -> None:
    # 2,550 a contract: 5 contracts fit into 15,000 and lose 12,750 at the stop.
    seen = {"quote": quote(5000.0, 5000.25)}
    trade = propose(instrument="ES", atr=25.5, seen=seen, marks=marks("1500000"))
    assert trade.quantity == 5
    assert trade.risk_amount == pytest.approx(12_750)
    assert trade.risk_pct == pytest.approx(0.85)


@pytest.mark.parametrize(
    ("budget", "cost", "expected"),
    [(0.3, 1.0, 0.3), (0.1 + 0.2, 1.0, 0.3), (0.29, 1.0, 0.2), (2.7, 3.0, 0.9), (0.57, 0.1, 5.7)],
)
def test_a_tenth_step_loses_nothing_to_binary_noise(budget: float, cost: float, expected: float) -> None:
    assert INSTRUMENTS["SPX"].quantity_step == Decimal("0.1")
    assert quantity_within(budget, cost, INSTRUMENTS["SPX"]) == expected


@pytest.mark.parametrize(
    ("budget", "cost"),
    [(0.0, 1.0), (-1.0, 1.0), (1.0, 0.0), (1.0, -1.0), (1e300, 1e-300), (NAN, 1.0), (1.0, NAN)],
)
def test_a_quantity_that_cannot_be_computed_is_zero(budget: float, cost: float) -> None:
    assert quantity_within(budget, cost, INSTRUMENTS["EURUSD"]) == 0


def test_kelly_binds_when_it_is_tighter_than_the_limit() -> None:
    # K = 0.51 - 0.49 = 0.02; half, times 90 / 120, is 0.75 % of equity.
    trade = propose(stats=stats(90, 0.51, 1.0, 1.0))
    assert trade.kelly.fraction == pytest.approx(0.0075)
    assert trade.quantity == 375_000


def test_kelly_never_raises_the_limit() -> None:
    assert propose(stats=stats(500, 0.9, 3.0, 1.0)).risk_pct == pytest.approx(1)


def test_kelly_at_zero_stands_aside() -> None:
    trade = propose(stats=stats(50, 0.4, 1.0, 1.0))
    assert trade.quantity == 0
    assert codes(trade) == ("kelly_stands_aside",)


def test_too_few_trades_are_said_on_the_proposal() -> None:
    trade = propose(stats=stats(3, 0.0, None, 1.0))
    assert trade.quantity > 0
    assert "does not bind" in trade.kelly.note


@pytest.mark.parametrize("value", [None, 0.0, -0.001])
def test_no_usable_range_is_no_trade(value: float | None) -> None:
    trade = propose(atr=value)
    assert codes(trade) == ("no_atr",)
    assert trade.quantity == 0


def test_the_range_of_another_timeframe_or_instrument_is_not_taken() -> None:
    rows = (atr_row(0.001, timeframe=Timeframe.H4), atr_row(0.001, "GBPUSD"), atr_row(0.001, tool="rsi"))
    trade = propose_trade(state(), snapshot(), report(*rows), gate(), RiskLimits())
    assert codes(trade) == ("no_atr",)


def test_no_quote_is_no_trade() -> None:
    trade = propose(seen={"quote": None})
    assert codes(trade) == ("no_quote",)
    assert trade.quantity == 0


def test_no_conversion_path_is_no_trade() -> None:
    seen = {"quote": quote(149.99, 150.0), "rates": (rate("EUR", "USD", 1.1),)}
    trade = propose(instrument="USDJPY", atr=0.1, seen=seen)
    assert codes(trade) == ("no_conversion",)
    assert trade.quantity == 0


@pytest.mark.parametrize("equity", ["0", "-50"])
def test_no_equity_is_no_trade(equity: str) -> None:
    assert codes(propose(marks=marks(equity))) == ("no_equity",)


def test_a_spread_wider_than_the_stop_is_no_trade() -> None:
    assert codes(propose(seen={"quote": quote(1.098, 1.1)})) == ("stop_inside_spread",)


def test_a_stop_nearer_than_a_tick_is_no_trade() -> None:
    # Off the tick grid the rounded stop would stand 1e-12 from the entry, and the quantity be absurd.
    seen = {"quote": quote(1.10000000001, 1.10000000001)}
    assert codes(propose(atr=1e-12, seen=seen)) == ("stop_under_a_tick",)


@pytest.mark.parametrize(
    ("exact", "kept"), [("12345.67890127", 12345.6789012), ("0.3", 0.3), ("0.000000009", 0.0), ("7", 7.0)]
)
def test_whole_steps_are_cut_to_the_digits_of_a_record(exact: str, kept: float) -> None:
    assert whole_steps(Decimal(exact), INSTRUMENTS["BTCUSD"]) == kept


def test_a_range_wider_than_the_price_is_no_trade() -> None:
    assert codes(propose(atr=0.6)) == ("price_not_positive",)
    assert codes(propose(side=Side.SELL, atr=0.5)) == ("price_not_positive",)


@pytest.mark.parametrize(("side", "quantity"), [(Side.BUY, "1000"), (Side.SELL, "-1000")])
def test_a_signal_on_the_same_side_stands_aside(side: Side, quantity: str) -> None:
    trade = propose(side=side, positions=(position(quantity),))
    assert codes(trade) == ("already_positioned",)
    assert trade.quantity == 0


@pytest.mark.parametrize(("side", "quantity"), [(Side.SELL, "1234"), (Side.BUY, "-1234")])
def test_the_opposite_side_closes_exactly_what_is_open(side: Side, quantity: str) -> None:
    trade = propose(side=side, positions=(position(quantity),))
    assert (trade.purpose, trade.side, trade.quantity) == ("exit", side, 1234)
    assert (trade.stop, trade.target, trade.risk_amount) == (None, None, 0)
    assert trade.kelly.fraction is None
    assert not trade.ends_cycle


def test_an_exit_needs_no_range_no_rate_no_equity_and_no_kelly() -> None:
    trade = propose(
        side=Side.SELL,
        atr=None,
        instrument="USDJPY",
        seen={"quote": quote(149.99, 150.0)},
        positions=(position("700", "USDJPY", "150"),),
        marks=marks("-10"),
        stats=stats(50, 0.1, 1.0, 1.0),
    )
    assert (trade.purpose, trade.quantity) == ("exit", 700)


def test_a_position_in_another_instrument_changes_nothing() -> None:
    assert propose(positions=(position("-5000", "GBPUSD"),)).purpose == "entry"


def test_the_parents_are_the_four_records_read() -> None:
    args = state(), snapshot(), report(atr_row(0.001)), gate()
    trade = propose_trade(*args, RiskLimits())
    assert trade.parents == tuple(record.record_id for record in args)
    assert trade.cycle_id == SHA


def test_a_gate_without_a_side_is_a_broken_invariant() -> None:
    with pytest.raises(InvariantBroken, match="open gate with a side"):
        propose(side=None)


def test_records_of_two_instruments_are_a_broken_invariant() -> None:
    with pytest.raises(InvariantBroken, match="one instrument a cycle"):
        propose_trade(state(instrument_id="GBPUSD"), snapshot(), report(), gate(), RiskLimits())


@given(
    bid=st.floats(0.5, 2.0),
    spread=st.floats(0, 0.001),
    atr=st.floats(0.00001, 0.05),
    equity=st.integers(1, 10_000_000),
    side=st.sampled_from(Side),
    risk=st.floats(0.01, 5),
    multiple=st.floats(0.1, 10),
)
def test_a_sized_trade_never_risks_more_than_allowed_and_sits_on_the_grid(
    bid: float, spread: float, atr: float, equity: int, side: Side, risk: float, multiple: float
) -> None:
    limits = RiskLimits(risk_per_trade_pct=risk, stop_atr_multiple=multiple)
    seen = {"quote": quote(bid, bid + spread)}
    trade = propose(side=side, atr=atr, limits=limits, seen=seen, marks=marks(str(equity)))
    assume(not trade.reasons)
    assert trade.stop is not None
    assert trade.target is not None
    assert trade.risk_pct <= risk * (1 + 1e-9)
    assert trade.quantity == int(trade.quantity)
    assert (trade.entry - trade.stop) * side.sign > 0
    assert (trade.target - trade.entry) * side.sign > 0
    for price in (trade.stop, trade.target):
        assert Decimal(str(price)) % Decimal("0.00001") == 0
    assert abs(trade.entry - trade.stop) >= multiple * atr * (1 - 1e-9)
