"""A paper account rebuilt from what was written down, whole or cut short."""

from decimal import Decimal

import pytest

from contracts.errors import DataUnavailable, InvariantBroken
from contracts.market import BarClosed, Side
from contracts.ports import OrderUpdate
from markets.paper import PaperBroker
from tests.markets.paper_scene import (
    CALM,
    SPREAD,
    START,
    Recorder,
    bar,
    entry,
    executions,
    paper_broker,
)


async def recorded_position() -> tuple[PaperBroker, Recorder, BarClosed]:
    broker, recorder, opening = paper_broker(), Recorder(), bar(0, CALM, SPREAD)
    intent = entry(Side.BUY, "1000", "1.09000", "1.20000")
    recorder.intents.append(intent)
    recorder.keep([await broker.submit(intent)])
    recorder.keep(await broker.collect([opening], ()))
    return broker, recorder, opening


async def test_restored_account_is_the_one_that_was_lost() -> None:
    broker, recorder, opening = await recorded_position()
    restored = recorder.restore(paper_broker(), [opening], ())
    assert await restored.account() == await broker.account()
    assert await restored.find_order("in") == await broker.find_order("in")
    crash = bar(1, (1.08, 1.08, 1.08, 1.08), SPREAD)
    assert await restored.collect([crash], ()) == await broker.collect([crash], ())


async def test_trading_the_last_bar_again_after_a_restart_changes_nothing() -> None:
    broker, recorder, opening = await recorded_position()
    restored = recorder.restore(paper_broker(), [opening], ())
    assert await restored.collect([opening], ()) == ()
    assert await restored.account() == await broker.account()


async def test_fill_on_record_without_its_order_state_is_told_again() -> None:
    broker, recorder, opening = await recorded_position()
    (update,) = [order for order in recorder.orders if order.state == "FILLED"]
    recorder.orders.remove(update)
    restored = recorder.restore(paper_broker(), [opening], ())
    assert await restored.account() == await broker.account()
    assert await restored.collect([], ()) == (OrderUpdate("in", "paper-in", "FILLED", "", START),)
    assert await restored.collect([], ()) == ()


async def test_filled_state_without_its_fill_fills_again_when_the_bar_is_given_again() -> None:
    broker, recorder, opening = await recorded_position()
    recorder.fills.clear()
    restored = recorder.restore(paper_broker(), [], ())
    events = await restored.collect([opening], ())
    assert [e.trade_id for e in executions(events)] == ["in-entry-1"]
    assert await restored.account() == await broker.account()


async def test_states_only_the_session_wrote_say_nothing_of_the_venue() -> None:
    _, recorder, _ = await recorded_position()
    recorder.orders = [recorder.orders[0].model_copy(update={"state": "UNKNOWN"})]
    recorder.fills.clear()
    restored = recorder.restore(paper_broker(), [], ())
    assert await restored.find_order("in") is None


async def test_answer_repeated_on_record_after_the_end_does_not_revive_the_order() -> None:
    broker, recorder = paper_broker(), Recorder()
    intent = entry(Side.BUY, "1000", "1.15000")
    recorder.intents.append(intent)
    recorder.keep([await broker.submit(intent)])
    recorder.keep(await broker.collect([bar(0, CALM)], ()))
    assert [order.state for order in recorder.orders] == ["ACCEPTED", "CANCELED"]
    recorder.orders.append(recorder.orders[0].model_copy(update={"ordinal": 9}))
    restored = recorder.restore(paper_broker(), [], ())
    assert (await restored.account()).working == ()
    assert await restored.find_order("in") == await broker.find_order("in")


async def test_fill_repeated_on_record_counts_once() -> None:
    broker, recorder, opening = await recorded_position()
    recorder.fills.append(recorder.fills[0].model_copy(update={"ordinal": 9}))
    restored = recorder.restore(paper_broker(), [opening], ())
    assert await restored.account() == await broker.account()


async def test_older_bar_given_again_does_not_move_the_value() -> None:
    broker, recorder, opening = await recorded_position()
    newer = bar(1, (1.15, 1.15, 1.15, 1.15), SPREAD)
    await broker.collect([newer], ())
    restored = recorder.restore(paper_broker(), [newer], ())
    await restored.collect([opening], ())
    assert await restored.account() == await broker.account()


async def test_position_without_a_bar_to_value_it_cannot_be_told() -> None:
    _, recorder, _ = await recorded_position()
    restored = recorder.restore(paper_broker(), [], ())
    with pytest.raises(DataUnavailable, match="last bar of EURUSD"):
        await restored.account()


async def test_fill_of_a_cancelled_order_on_record_halts() -> None:
    _, recorder, _ = await recorded_position()
    recorder.orders = [order.model_copy(update={"state": "CANCELED"}) for order in recorder.orders[-1:]]
    with pytest.raises(InvariantBroken, match="found CANCELED"):
        recorder.restore(paper_broker(), [], ())


async def test_fill_that_does_not_add_up_to_the_position_halts() -> None:
    _, recorder, _ = await recorded_position()
    recorder.fills = [recorder.fills[0].model_copy(update={"quantity": Decimal(999)})]
    with pytest.raises(InvariantBroken, match="position of 1000"):
        recorder.restore(paper_broker(), [], ())


async def test_fill_without_its_intent_halts() -> None:
    _, recorder, _ = await recorded_position()
    recorder.intents.clear()
    with pytest.raises(InvariantBroken, match="expected the intent of in"):
        recorder.restore(paper_broker(), [], ())
