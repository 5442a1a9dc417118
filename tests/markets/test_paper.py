"""Every fill rule of the paper account with numbers worked out by hand.

Bids are given; the ask is the bid plus 0.00010 unless said. Slippage is one tick.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from contracts.errors import DataUnavailable, SettingsError
from contracts.market import Side
from contracts.ports import Execution, OrderUpdate
from contracts.records import OrderIntent
from markets.paper import PaperBroker, PaperSettings
from tests.markets.paper_scene import (
    ACCOUNT,
    CALM,
    HOUR,
    SPREAD,
    START,
    TABLE,
    ManualClock,
    bar,
    entry,
    executions,
    leaving,
    paper_broker,
    play,
    rate,
    states,
)


async def test_buy_fills_at_the_next_open_ask_plus_slippage() -> None:
    events = await play(paper_broker(), entry(Side.BUY, "100000"), bar(0, CALM, SPREAD))
    assert events == [
        Execution(
            client_order_id="in",
            trade_id="in-entry-1",
            instrument_id="EURUSD",
            leg="entry",
            side=Side.BUY,
            quantity=Decimal(100_000),
            price=Decimal("1.10011"),
            reference_price=Decimal("1.10010"),
            commission=Decimal(0),
            spread_cost=Decimal(5),
            slippage_cost=Decimal(1),
            swap=Decimal(0),
            realized_pnl=Decimal(0),
            position_quantity=Decimal(100_000),
            conversion_rate=Decimal(1),
            currency="USD",
            at=START,
            note="",
        ),
        OrderUpdate("in", "paper-in", "FILLED", "", START),
    ]


async def test_sell_fills_at_the_next_open_bid_less_slippage() -> None:
    (sold, _) = await play(paper_broker(), entry(Side.SELL, "100000"), bar(0, CALM, SPREAD))
    assert isinstance(sold, Execution)
    assert (sold.price, sold.position_quantity, sold.slippage_cost) == (
        Decimal("1.09999"),
        Decimal(-100_000),
        Decimal(1),
    )


async def test_order_waits_for_a_bar_that_opens_after_it_was_accepted() -> None:
    broker = paper_broker(clock=ManualClock(START + timedelta(seconds=7)))
    events = await play(broker, entry(Side.BUY, "100000"), bar(0, CALM), bar(1, (1.2, 1.2, 1.2, 1.2)))
    assert [e.price for e in executions(events)] == [Decimal("1.20001")]


@pytest.mark.parametrize(("low", "is_stopped"), [(1.09501, False), (1.095, True)])
async def test_long_stop_triggers_on_the_bid_and_slips(low: float, is_stopped: bool) -> None:
    later = bar(1, (1.1, 1.1, low, 1.1), SPREAD)
    events = await play(paper_broker(), entry(Side.BUY, "100000", "1.09500"), bar(0, CALM, SPREAD), later)
    stops = [e for e in executions(events) if e.leg == "stop"]
    expected = [(Decimal("1.09499"), Decimal("1.09500"), Decimal(-512), Decimal(0), later.close_time)]
    found = [(e.price, e.reference_price, e.realized_pnl, e.position_quantity, e.at) for e in stops]
    assert found == (expected if is_stopped else [])


@pytest.mark.parametrize(("bid_high", "is_stopped"), [(1.10489, False), (1.1049, True)])
async def test_short_stop_triggers_on_the_ask(bid_high: float, is_stopped: bool) -> None:
    later = bar(1, (1.1, bid_high, 1.1, 1.1), SPREAD)
    events = await play(paper_broker(), entry(Side.SELL, "100000", "1.10500"), bar(0, CALM, SPREAD), later)
    stops = [(e.side, e.price, e.realized_pnl) for e in executions(events) if e.leg == "stop"]
    assert stops == ([(Side.BUY, Decimal("1.10501"), Decimal(-502))] if is_stopped else [])


@pytest.mark.parametrize(("high", "is_met"), [(1.10499, False), (1.105, True)])
async def test_long_target_fills_on_the_bid_without_slippage(high: float, is_met: bool) -> None:
    intent = entry(Side.BUY, "100000", "1.09000", "1.10500")
    events = await play(paper_broker(), intent, bar(0, CALM, SPREAD), bar(1, (1.1, high, 1.1, 1.1), SPREAD))
    targets = [(e.price, e.realized_pnl, e.slippage_cost) for e in executions(events) if e.leg == "target"]
    assert targets == ([(Decimal("1.10500"), Decimal(489), Decimal(0))] if is_met else [])


@pytest.mark.parametrize(("bid_low", "is_met"), [(1.09491, False), (1.0949, True)])
async def test_short_target_fills_on_the_ask(bid_low: float, is_met: bool) -> None:
    intent = entry(Side.SELL, "100000", "1.11000", "1.09500")
    events = await play(
        paper_broker(), intent, bar(0, CALM, SPREAD), bar(1, (1.1, 1.1, bid_low, 1.1), SPREAD)
    )
    targets = [(e.price, e.realized_pnl) for e in executions(events) if e.leg == "target"]
    assert targets == ([(Decimal("1.09500"), Decimal(499))] if is_met else [])


async def test_stop_that_gaps_fills_at_the_open_and_shows_the_gap_as_slippage() -> None:
    later = bar(1, (1.09, 1.12, 1.08, 1.1), SPREAD)
    intent = entry(Side.BUY, "100000", "1.09500", "1.11000")
    stop = executions(await play(paper_broker(), intent, bar(0, CALM, SPREAD), later))[1]
    assert (stop.leg, stop.price, stop.reference_price) == ("stop", Decimal("1.08999"), Decimal("1.09500"))
    assert (stop.realized_pnl, stop.slippage_cost, stop.at) == (Decimal(-1012), Decimal(501), later.open_time)
    assert "opened past the stop" in stop.note


async def test_target_that_gaps_fills_at_the_better_open() -> None:
    later = bar(1, (1.107, 1.12, 1.08, 1.1), SPREAD)
    intent = entry(Side.BUY, "100000", "1.09500", "1.10500")
    target = executions(await play(paper_broker(), intent, bar(0, CALM, SPREAD), later))[1]
    assert (target.leg, target.price, target.realized_pnl) == ("target", Decimal("1.10700"), Decimal(689))
    assert (target.slippage_cost, target.at) == (Decimal(-200), later.open_time)


async def test_stop_and_target_in_one_bar_is_the_stop() -> None:
    intent = entry(Side.BUY, "100000", "1.09500", "1.10500")
    events = await play(paper_broker(), intent, bar(0, CALM, SPREAD), bar(1, (1.1, 1.2, 1.0, 1.1), SPREAD))
    stop = executions(events)[1]
    assert (stop.leg, stop.price) == ("stop", Decimal("1.09499"))
    assert "assumed first" in stop.note


async def test_entry_bar_can_already_stop_the_position() -> None:
    intent = entry(Side.BUY, "100000", "1.09960", "1.20000")
    broker = paper_broker()
    events = await play(broker, intent, bar(0, CALM, SPREAD))
    assert [(e.leg, e.price) for e in executions(events)] == [
        ("entry", Decimal("1.10011")),
        ("stop", Decimal("1.09959")),
    ]
    assert events[1] == OrderUpdate("in", "paper-in", "FILLED", "", START)
    account = await broker.account()
    assert (account.balance, account.equity, account.positions) == (Decimal(9948), Decimal(9948), ())


@pytest.mark.parametrize(
    ("intent", "why"),
    [
        (entry(Side.BUY, "1000", "1.10000"), "stop"),
        (entry(Side.BUY, "1000", "1.15000"), "stop"),
        (entry(Side.SELL, "1000", "1.10010"), "stop"),
        (entry(Side.BUY, "1000", "1.09000", "1.10000"), "target"),
        (entry(Side.SELL, "1000", "1.12000", "1.10010"), "target"),
        (entry(Side.BUY, "1000", "1.09000", worst="1.10010"), "worst price"),
        (entry(Side.SELL, "1000", "1.12000", worst="1.10000"), "worst price"),
    ],
)
async def test_entry_opening_past_its_stop_target_or_worst_price_is_cancelled(
    intent: OrderIntent, why: str
) -> None:
    broker = paper_broker()
    (update,) = await play(broker, intent, bar(0, CALM, SPREAD))
    assert isinstance(update, OrderUpdate)
    assert (update.state, why in update.reason) == ("CANCELED", True)
    account = await broker.account()
    assert (account.positions, account.working, account.balance) == ((), (), Decimal(10_000))


@pytest.mark.parametrize(("side", "worst"), [(Side.BUY, "1.10011"), (Side.SELL, "1.09999")])
async def test_entry_filling_exactly_at_its_worst_price_fills(side: Side, worst: str) -> None:
    events = await play(paper_broker(), entry(side, "1000", worst=worst), bar(0, CALM, SPREAD))
    assert [e.price for e in executions(events)] == [Decimal(worst)]


@pytest.mark.parametrize(("hour", "state"), [(1, "FILLED"), (2, "EXPIRED")])
async def test_order_past_its_time_when_the_next_bar_opens_expires(hour: int, state: str) -> None:
    events = await play(paper_broker(), entry(Side.BUY, "1000"), bar(hour, CALM))
    assert states(events) == [("in", state)]
    assert len(executions(events)) == (state == "FILLED")


async def test_partial_exit_shrinks_the_bracket_to_what_is_left() -> None:
    broker = paper_broker()
    await play(broker, entry(Side.BUY, "100000", "1.09500"), bar(0, CALM, SPREAD))
    await broker.submit(leaving(Side.SELL, "40000"))
    events = await broker.collect([bar(1, (1.101, 1.101, 1.09, 1.1), SPREAD)], ())
    closed = [(e.leg, e.quantity, e.price, e.realized_pnl, e.position_quantity) for e in executions(events)]
    assert closed == [
        ("exit", Decimal(40_000), Decimal("1.10099"), Decimal("35.2"), Decimal(60_000)),
        ("stop", Decimal(60_000), Decimal("1.09499"), Decimal("-307.2"), Decimal(0)),
    ]
    assert (await broker.account()).balance == Decimal(9728)


async def test_exit_never_closes_more_than_is_open_and_ends_the_protection() -> None:
    broker = paper_broker()
    await play(broker, entry(Side.SELL, "1000", "1.20000", "1.00000"), bar(0, CALM))
    await broker.submit(leaving(Side.BUY, "700", name="out-1"))
    await broker.submit(leaving(Side.BUY, "700", name="out-2"))
    await broker.submit(leaving(Side.BUY, "700", name="out-3"))
    events = await broker.collect([bar(1, (1.1, 1.3, 0.9, 1.1))], ())
    assert [(e.leg, e.quantity, e.position_quantity) for e in executions(events)] == [
        ("exit", Decimal(700), Decimal(-300)),
        ("exit", Decimal(300), Decimal(0)),
    ]
    assert states(events) == [("out-1", "FILLED"), ("out-2", "FILLED"), ("out-3", "CANCELED")]
    assert "only 300 open" in executions(events)[1].note


async def test_profit_in_yen_is_converted_at_the_rate_of_the_closing_bar() -> None:
    intent = entry(Side.BUY, "10000", "109.000", "110.511", instrument_id="USDJPY")
    broker = paper_broker()
    await broker.submit(intent)
    first = bar(0, (110.0, 110.1, 109.9, 110.0), 0.01, "USDJPY")
    opened = executions(await broker.collect([first], [rate("USD", "JPY", 110.0)]))[0]
    assert (opened.price, opened.conversion_rate) == (Decimal("110.011"), Decimal("0.00909090909091"))
    # Half the spread, 0.005 yen x 10,000 = 50 yen; one tick of slippage: 10 yen.
    assert (opened.spread_cost, opened.slippage_cost) == (Decimal("0.45454545"), Decimal("0.09090909"))
    second = bar(1, (110.2, 110.6, 110.1, 110.5), 0.01, "USDJPY")
    closed = executions(await broker.collect([second], [rate("USD", "JPY", 112.0)]))[0]
    # 0.500 yen x 10,000 = 5,000 yen at 1/112.
    assert (closed.leg, closed.realized_pnl) == ("target", Decimal("44.64285714"))
    assert (await broker.account()).balance == Decimal("10044.64285714")


async def test_entry_without_a_conversion_path_is_rejected() -> None:
    intent = entry(Side.BUY, "1000", instrument_id="USDJPY")
    (update,) = await play(paper_broker(), intent, bar(0, (110.0, 110.1, 109.9, 110.0), 0.01, "USDJPY"))
    assert isinstance(update, OrderUpdate)
    assert (update.state, update.reason) == (
        "REJECTED",
        "expected a conversion rate from JPY to USD, found no path",
    )


async def test_exit_without_a_conversion_path_uses_the_rate_of_the_entry() -> None:
    broker = paper_broker()
    opening = bar(0, (110.0, 110.1, 109.9, 110.0), 0.01, "USDJPY")
    await play(
        broker, entry(Side.BUY, "1000", instrument_id="USDJPY"), opening, rates=[rate("USD", "JPY", 110)]
    )
    await broker.submit(leaving(Side.SELL, "1000", instrument_id="USDJPY"))
    unrelated = [rate("EUR", "GBP", 0.9)]
    (closed, _) = await broker.collect([bar(1, (110.0, 110.1, 109.9, 110.0), 0.01, "USDJPY")], unrelated)
    assert isinstance(closed, Execution)
    assert closed.conversion_rate == Decimal("0.00909090909091")


async def test_rates_stay_known_until_newer_ones_come() -> None:
    broker = paper_broker()
    await broker.collect([], [rate("USD", "JPY", 110)])
    opening = bar(0, (110.0, 110.1, 109.9, 110.0), 0.01, "USDJPY")
    events = await play(broker, entry(Side.BUY, "1000", instrument_id="USDJPY"), opening)
    assert [e.conversion_rate for e in executions(events)] == [Decimal("0.00909090909091")]


async def test_spread_inside_a_bar_is_the_one_at_its_close() -> None:
    later = bar(1, (1.1, 1.1, 1.09, 1.1), SPREAD)
    later = replace(later, ask=later.ask._replace(close=1.1004))
    intent = entry(Side.BUY, "100000", "1.09500")
    stop = executions(await play(paper_broker(), intent, bar(0, CALM, SPREAD), later))[1]
    assert stop.spread_cost == Decimal(20)


async def test_futures_profit_counts_the_multiplier_and_commission_a_contract_a_side() -> None:
    broker = paper_broker(futures_commission_per_contract=Decimal("2.50"))
    intent = entry(Side.BUY, "2", "3990.00", instrument_id="ES")
    first = bar(0, (4000.0, 4002.0, 3998.0, 4001.0), 0.25, "ES")
    second = bar(1, (4000.0, 4000.0, 3985.0, 3990.0), 0.25, "ES")
    opened, closed = executions(await play(broker, intent, first, second))
    assert (opened.price, opened.commission, opened.spread_cost) == (
        Decimal("4000.50"),
        Decimal(5),
        Decimal("12.5"),
    )
    # 10.75 points x 50 x 2 contracts.
    assert (closed.price, closed.realized_pnl, closed.commission) == (
        Decimal("3989.75"),
        Decimal(-1075),
        Decimal(5),
    )
    assert (await broker.account()).balance == Decimal(8915)


async def test_crypto_commission_is_basis_points_of_the_traded_value() -> None:
    broker = paper_broker(crypto_commission_bps=Decimal(10))
    intent = entry(Side.BUY, "0.5", instrument_id="BTCUSD")
    (opened, _) = await play(broker, intent, bar(0, (20000.0, 20001.0, 19999.0, 20000.0), 0.0, "BTCUSD"))
    assert isinstance(opened, Execution)
    assert (opened.price, opened.commission) == (Decimal("20000.01"), Decimal("10.000005"))


async def test_forex_commission_is_by_the_lot() -> None:
    broker = paper_broker(forex_commission_per_lot=Decimal("3.50"))
    (opened, _) = await play(broker, entry(Side.BUY, "50000"), bar(0, CALM))
    assert isinstance(opened, Execution)
    assert opened.commission == Decimal("1.75")


async def test_swap_is_charged_on_what_is_closed_by_the_time_held() -> None:
    broker = paper_broker(swap_per_day_pct=Decimal(1))
    await play(broker, entry(Side.BUY, "100000"), bar(0, CALM, SPREAD), bar(1, CALM, SPREAD))
    await broker.submit(leaving(Side.SELL, "100000"))
    closed = executions(await broker.collect([bar(2, CALM, SPREAD)], ()))[0]
    # 110,011 x 1% x 2 hours of 24.
    assert closed.swap == Decimal("91.67583333")
    assert (await broker.account()).balance == Decimal(10_000) + closed.realized_pnl - closed.swap


@pytest.mark.parametrize(("side", "unrealized"), [(Side.BUY, Decimal(189)), (Side.SELL, Decimal(-211))])
async def test_open_position_is_valued_on_the_side_that_closes_it(side: Side, unrealized: Decimal) -> None:
    broker = paper_broker()
    await play(broker, entry(side, "100000"), bar(0, (1.1, 1.103, 1.1, 1.102), SPREAD))
    account = await broker.account()
    assert [p.unrealized_pnl for p in account.positions] == [unrealized]
    assert (account.balance, account.equity) == (Decimal(10_000), Decimal(10_000) + unrealized)


async def test_events_of_one_moment_keep_the_order_of_the_bars() -> None:
    broker = paper_broker()
    await broker.submit(entry(Side.BUY, "1", instrument_id="ES", name="es"))
    await broker.submit(entry(Side.BUY, "1000", "1.09960", name="eur"))
    bars = [bar(0, CALM), bar(0, (4000.0, 4000.0, 4000.0, 4000.0), 0.25, "ES")]
    told = [(e.client_order_id, e.at) for e in executions(await broker.collect(bars, ()))]
    assert told == [("eur", START), ("es", START), ("eur", START + HOUR)]


async def test_prices_off_the_tick_are_rounded_against_the_trader() -> None:
    broker = paper_broker(slippage_ticks=0)
    await broker.submit(entry(Side.BUY, "1000", "1.09000", name="long"))
    price = 1.1000049
    events = await broker.collect([bar(0, (price, price, 1.0900049, price))], ())
    assert [e.price for e in executions(events)] == [Decimal("1.10001"), Decimal("1.09000")]


async def test_bar_with_a_missing_price_is_refused_and_nothing_trades() -> None:
    broker = paper_broker()
    await broker.submit(entry(Side.BUY, "1", instrument_id="ES", name="es"))
    await broker.submit(entry(Side.BUY, "1000", name="eur"))
    good = bar(0, (4000.0, 4000.0, 4000.0, 4000.0), 0.25, "ES")
    with pytest.raises(DataUnavailable, match="finite"):
        await broker.collect([good, bar(0, (1.1, float("nan"), 1.0, 1.1))], ())
    assert len((await broker.account()).working) == 2


async def test_bar_of_an_instrument_nobody_asked_for_is_ignored() -> None:
    assert await paper_broker().collect([bar(0, CALM, instrument_id="NOSUCH")], ()) == ()


@pytest.mark.parametrize("balance", ["0", "-1", "NaN", "Infinity"])
def test_starting_balance_must_be_positive(balance: str) -> None:
    with pytest.raises(SettingsError, match="positive starting balance"):
        PaperBroker(ACCOUNT, "USD", Decimal(balance), TABLE, PaperSettings(), ManualClock())
