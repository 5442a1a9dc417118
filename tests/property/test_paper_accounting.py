"""Whatever the bars and orders: the money adds up, no rule is bent, and a restart changes nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.market import BarClosed, Ohlc, Side, Timeframe
from contracts.ports import AccountState
from contracts.records import Fill, OrderIntent, Rate
from markets.paper import PaperBroker
from markets.paper_fills import Bracket, bracket_trade, on_ticks
from tests.markets.paper_scene import (
    HOUR,
    START,
    TABLE,
    ManualClock,
    Recorder,
    entry,
    leaving,
    paper_broker,
    rate,
)

BASE_TICKS = {"EURUSD": 110_000, "USDJPY": 110_000, "ES": 16_000}
QUANTITY_UNIT = {"EURUSD": 1000, "USDJPY": 1000, "ES": 1}
IDS = tuple(BASE_TICKS)


@dataclass(frozen=True)
class Action:
    """Prices as ticks from the base price of the instrument."""

    instrument_id: str
    side: Side
    is_exit: bool
    quantity: int
    stop: int | None
    target: int | None
    worst: int | None
    valid_bars: int


@dataclass(frozen=True)
class Step:
    """What is asked at an hour, and the bars that begin then."""

    actions: tuple[Action, ...]
    bars: tuple[BarClosed, ...]
    rates: tuple[Rate, ...]


@dataclass
class Played:
    """A run of the desk's side: what was written down, and the account after every step."""

    broker: PaperBroker
    clock: ManualClock
    recorder: Recorder = field(default_factory=Recorder)
    last_bars: dict[str, BarClosed] = field(default_factory=dict)
    rates: tuple[Rate, ...] = ()
    accounts: list[AccountState] = field(default_factory=list)


def actions() -> st.SearchStrategy[Action]:
    near = st.integers(-30, 30)
    return st.builds(
        Action,
        instrument_id=st.sampled_from(IDS),
        side=st.sampled_from(Side),
        is_exit=st.sampled_from([False, False, True]),
        quantity=st.integers(1, 5),
        stop=st.none() | st.integers(1, 40),
        target=st.none() | st.integers(1, 40),
        worst=st.none() | near,
        valid_bars=st.integers(0, 2),
    )


@st.composite
def hourly_bar(draw: st.DrawFn, instrument_id: str, hour: int) -> BarClosed:
    move = st.integers(-30, 30)
    reach = st.integers(0, 20)
    opened, closed, spread = draw(move), draw(move), draw(st.integers(0, 6))
    high, low = max(opened, closed) + draw(reach), min(opened, closed) - draw(reach)
    bid = [price_of(instrument_id, ticks) for ticks in (opened, high, low, closed)]
    ask = [price_of(instrument_id, ticks + spread) for ticks in (opened, high, low, closed)]
    begins = START + hour * HOUR
    return BarClosed(instrument_id, Timeframe.H1, begins, begins + HOUR, Ohlc(*bid), Ohlc(*ask), False)


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    made = []
    for hour in range(draw(st.integers(1, 10))):
        traded = [i for i in IDS if draw(st.sampled_from([True, True, True, False]))]
        bars = tuple(draw(hourly_bar(i, hour)) for i in traded)
        yen = rate("USD", "JPY", draw(st.integers(9000, 13000)) / 100)
        made.append(Step(tuple(draw(st.lists(actions(), max_size=3))), bars, (yen,)))
    return made


def price_of(instrument_id: str, ticks: int) -> float:
    return (BASE_TICKS[instrument_id] + ticks) * float(TABLE[instrument_id].tick_size)


def level(instrument_id: str, ticks: int | None) -> str | None:
    if ticks is None:
        return None
    return str((BASE_TICKS[instrument_id] + ticks) * TABLE[instrument_id].tick_size)


def intent_of(action: Action, hour: int, ordinal: int) -> OrderIntent:
    name, instrument_id, sign = f"{hour}-{ordinal}", action.instrument_id, action.side.sign
    quantity = str(action.quantity * QUANTITY_UNIT[instrument_id])
    if action.is_exit:
        return leaving(action.side, quantity, name=name, instrument_id=instrument_id)
    return entry(
        action.side,
        quantity,
        level(instrument_id, None if action.stop is None else -sign * action.stop),
        level(instrument_id, None if action.target is None else sign * action.target),
        worst=level(instrument_id, action.worst),
        instrument_id=instrument_id,
        name=name,
        valid_until=START + (hour + action.valid_bars) * HOUR,
    )


def new_run(clock: ManualClock | None = None) -> Played:
    clock = clock or ManualClock()
    broker = paper_broker(
        clock=clock,
        slippage_ticks=2,
        swap_per_day_pct=Decimal("0.01"),
        forex_commission_per_lot=Decimal("3.5"),
        futures_commission_per_contract=Decimal("2.5"),
    )
    return Played(broker, clock)


async def play(run: Played, script: Sequence[Step], first: int = 0) -> None:
    for hour, step in enumerate(script[first:], first):
        await ask(run, step, hour)
        run.recorder.keep(await run.broker.collect(step.bars, step.rates))
        seen(run, step)
        run.accounts.append(await run.broker.account())


async def ask(run: Played, step: Step, hour: int) -> None:
    run.clock.advance(START + hour * HOUR)
    for ordinal, action in enumerate(step.actions):
        intent = intent_of(action, hour, ordinal)
        if all(known.client_order_id != intent.client_order_id for known in run.recorder.intents):
            run.recorder.intents.append(intent)
        if await run.broker.find_order(intent.client_order_id) is None:
            run.recorder.keep([await run.broker.submit(intent)])


def seen(run: Played, step: Step) -> None:
    run.last_bars |= {bar.instrument_id: bar for bar in step.bars}
    run.rates = step.rates


async def restart(run: Played) -> Played:
    fresh = new_run(ManualClock(run.clock.now()))
    broker = run.recorder.restore(fresh.broker, tuple(run.last_bars.values()), run.rates)
    return Played(broker, fresh.clock, run.recorder, run.last_bars, run.rates, run.accounts)


@given(script=steps())
def test_money_adds_up_after_every_step(script: list[Step]) -> None:
    run = new_run()
    for hour in range(len(script)):
        asyncio.run(play(run, script[: hour + 1], hour))
        fills, account = run.recorder.fills, run.accounts[-1]
        earned = sum((f.realized_pnl - f.commission - f.swap for f in fills), Decimal(0))
        assert account.balance == Decimal(10_000) + earned
        assert account.equity == account.balance + sum(p.unrealized_pnl for p in account.positions)
        held = {p.instrument_id: p.quantity for p in account.positions}
        for instrument_id in IDS:
            traded = sum(f.side.sign * f.quantity for f in fills if f.instrument_id == instrument_id)
            assert traded == held.get(instrument_id, 0)


@given(script=steps())
def test_profit_on_closed_positions_is_the_cash_that_flowed(script: list[Step]) -> None:
    run = new_run()
    asyncio.run(play(run, script))
    held = {p.instrument_id: p for p in run.accounts[-1].positions}
    for instrument_id in ("EURUSD", "ES"):
        fills = [f for f in run.recorder.fills if f.instrument_id == instrument_id]
        cash = -sum((f.side.sign * f.quantity * f.price for f in fills), Decimal(0))
        if position := held.get(instrument_id):
            cash += position.quantity * position.average_price
        realized = sum((f.realized_pnl for f in fills), Decimal(0))
        assert realized == cash * TABLE[instrument_id].multiplier


@given(script=steps())
def test_no_fill_bends_its_rule(script: list[Step]) -> None:
    run = new_run()
    asyncio.run(play(run, script))
    intents = {intent.client_order_id: intent for intent in run.recorder.intents}
    before = dict.fromkeys(IDS, Decimal(0))
    for fill in run.recorder.fills:
        held, before[fill.instrument_id] = before[fill.instrument_id], fill.position_quantity
        assert fill.price % TABLE[fill.instrument_id].tick_size == 0
        assert fill.spread_cost >= 0
        if fill.leg == "entry":
            assert held == 0
        else:
            assert held * fill.position_quantity >= 0
            assert abs(fill.position_quantity) == abs(held) - fill.quantity
        keeps_its_price(fill, intents[fill.client_order_id])


def keeps_its_price(fill: Fill, intent: OrderIntent) -> None:
    gain = -fill.side.sign
    if fill.leg == "entry" and intent.worst_price is not None:
        assert gain * (fill.price - intent.worst_price) >= 0
    if fill.leg == "entry":
        assert START <= fill.at <= intent.valid_until
    if fill.leg == "stop":
        assert intent.stop_price is not None
        assert gain * (fill.price - intent.stop_price) < 0
    if fill.leg == "target":
        assert intent.target_price is not None
        assert gain * (fill.price - intent.target_price) >= 0


@given(script=steps(), data=st.data())
def test_restart_at_any_cut_ends_where_no_restart_would(script: list[Step], data: st.DataObject) -> None:
    whole = new_run()
    asyncio.run(play(whole, script))
    cut = data.draw(st.integers(0, len(script) - 1), label="step of the crash")
    n_kept = data.draw(st.integers(0, 12), label="events written down before the crash")
    resumed = asyncio.run(crash_and_resume(script, cut, n_kept))
    assert resumed.recorder.fills == whole.recorder.fills
    assert said(resumed) == said(whole)
    assert resumed.accounts == whole.accounts


async def crash_and_resume(script: Sequence[Step], cut: int, n_kept: int) -> Played:
    run = new_run()
    await play(run, script[:cut])
    await ask(run, script[cut], cut)
    events = await run.broker.collect(script[cut].bars, script[cut].rates)
    run.recorder.keep(events[:n_kept])
    resumed = await restart(run)
    await play(resumed, script, cut)
    return resumed


@given(script=steps(), data=st.data())
def test_restart_between_two_steps_needs_no_bar_again(script: list[Step], data: st.DataObject) -> None:
    whole = new_run()
    asyncio.run(play(whole, script))
    cut = data.draw(st.integers(0, len(script)), label="steps before the restart")
    resumed = asyncio.run(stop_and_resume(script, cut))
    assert (resumed.recorder.fills, said(resumed)) == (whole.recorder.fills, said(whole))
    assert resumed.accounts == whole.accounts


async def stop_and_resume(script: Sequence[Step], cut: int) -> Played:
    run = new_run()
    await play(run, script[:cut])
    resumed = await restart(run)
    assert await resumed.broker.account() == await run.broker.account()
    await play(resumed, script, cut)
    return resumed


@given(script=steps(), n_lost=st.integers(1, 3))
def test_accepted_order_that_was_never_written_down_is_asked_again(script: list[Step], n_lost: int) -> None:
    whole = new_run()
    asyncio.run(play(whole, script))
    run = new_run()
    asyncio.run(ask(run, script[0], 0))
    del run.recorder.orders[-n_lost:]
    resumed = asyncio.run(restart(run))
    asyncio.run(play(resumed, script))
    assert resumed.recorder.fills == whole.recorder.fills
    assert resumed.accounts == whole.accounts


def said(run: Played) -> set[tuple[str, str, str, object]]:
    return {(o.client_order_id, o.state, o.reason, o.at) for o in run.recorder.orders}


@given(
    bar=hourly_bar("EURUSD", 0),
    side=st.sampled_from(Side),
    stop=st.none() | st.integers(-60, -1),
    target=st.none() | st.integers(1, 60),
)
def test_bracket_fills_as_a_walk_over_open_worst_best(
    bar: BarClosed, side: Side, stop: int | None, target: int | None
) -> None:
    tick = TABLE["EURUSD"].tick_size
    quotes = bar.bid if side is Side.BUY else bar.ask
    far = (quotes.low, quotes.high) if side is Side.BUY else (quotes.high, quotes.low)
    walk = [side.sign * (round(p / float(tick)) - BASE_TICKS["EURUSD"]) for p in (quotes.open, *far)]
    expected = walked(walk, stop, target)
    prices = [None if t is None else (BASE_TICKS["EURUSD"] + side.sign * t) * tick for t in (stop, target)]
    trade = bracket_trade(Bracket(side.sign * Decimal(7), *prices), on_ticks(bar, tick), 3 * tick)
    if trade is None:
        assert expected is None
        return
    assert (trade.side, trade.quantity) == (side.opposite, Decimal(7))
    in_favour = side.sign * (trade.price / tick - BASE_TICKS["EURUSD"])
    assert in_favour % 1 == 0
    assert (trade.leg, int(in_favour)) == expected


def walked(walk: list[int], stop: int | None, target: int | None) -> tuple[str, int] | None:
    """Leg and fill, in ticks in the position's favour: slippage of 3 comes off a stop."""
    for n, here in enumerate(walk):
        if stop is not None and here <= stop:
            return "stop", (here if n == 0 else stop) - 3
        if target is not None and here >= target:
            return "target", here if n == 0 else target
    return None


@pytest.mark.slow
def test_scripts_reach_every_leg_and_state() -> None:
    """The properties above would hold for a broker that does nothing: this one shows that it trades."""
    legs: set[str] = set()
    states: set[str] = set()

    @given(script=steps())
    @settings(derandomize=True, database=None)
    def explore(script: list[Step]) -> None:
        run = new_run()
        asyncio.run(play(run, script))
        legs.update(fill.leg for fill in run.recorder.fills)
        states.update(order.state for order in run.recorder.orders)

    explore()
    assert legs == {"entry", "exit", "stop", "target"}
    assert states == {"ACCEPTED", "FILLED", "CANCELED", "REJECTED", "EXPIRED"}
