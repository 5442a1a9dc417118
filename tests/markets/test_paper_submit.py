"""What the paper account accepts, refuses, and answers when it is asked twice."""

from datetime import timedelta
from decimal import Decimal

import pytest

from contracts.market import Side
from tests.markets.paper_scene import (
    CALM,
    START,
    ManualClock,
    bar,
    entry,
    executions,
    leaving,
    paper_broker,
    play,
)


async def test_waiting_orders_are_exposures() -> None:
    broker = paper_broker()
    await broker.submit(entry(Side.SELL, "1000"))
    (working,) = (await broker.account()).working
    assert (working.kind, working.quantity, working.client_order_id) == (
        "working_order",
        Decimal(-1000),
        "in",
    )


async def test_submitting_twice_gives_the_same_answer_and_one_fill() -> None:
    broker = paper_broker()
    intent = entry(Side.BUY, "1000")
    first = await broker.submit(intent)
    assert await broker.submit(intent) == first
    events = await broker.collect([bar(0, CALM)], ())
    assert await broker.submit(intent) == first
    events += await broker.collect([bar(1, CALM)], ())
    assert len(executions(events)) == 1
    found = await broker.find_order("in")
    assert found is not None
    assert found.state == "FILLED"


async def test_unknown_order_is_none() -> None:
    assert await paper_broker().find_order("never") is None


async def test_intent_past_its_time_is_expired_and_never_fills() -> None:
    broker = paper_broker(clock=ManualClock(START + timedelta(hours=1, microseconds=1)))
    assert (await broker.submit(entry(Side.BUY, "1000"))).state == "EXPIRED"
    assert await broker.collect([bar(2, CALM)], ()) == ()


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"account_id": "another"}, "expected account"),
        ({"instrument_id": "DOGE"}, "found DOGE"),
        ({"is_reduce_only": True}, "reduce-only"),
        ({"purpose": "exit"}, "reduce-only"),
        ({"purpose": "exit", "is_reduce_only": True}, "found no position"),
        ({"quantity": Decimal("0.5")}, "whole steps"),
        ({"quantity": Decimal(0)}, "whole steps"),
        ({"quantity": Decimal(-1)}, "whole steps"),
        ({"stop_price": Decimal("1.0950005")}, "ticks"),
        ({"target_price": Decimal("1.2000001")}, "ticks"),
    ],
)
async def test_impossible_order_is_rejected_with_the_reason(changed: dict[str, object], why: str) -> None:
    broker = paper_broker()
    update = await broker.submit(entry(Side.BUY, "1000").model_copy(update=changed))
    assert (update.state, why in update.reason) == ("REJECTED", True)
    assert (await broker.account()).working == ()
    assert await broker.find_order("in") == update


async def test_second_entry_is_rejected_while_one_waits_or_is_open() -> None:
    broker = paper_broker()
    await broker.submit(entry(Side.BUY, "1000"))
    assert (await broker.submit(entry(Side.BUY, "1000", name="again"))).state == "REJECTED"
    await broker.collect([bar(0, CALM)], ())
    assert (await broker.submit(entry(Side.SELL, "1000", name="reverse"))).state == "REJECTED"


async def test_exit_on_the_side_that_would_grow_the_position_is_rejected() -> None:
    broker = paper_broker()
    await play(broker, entry(Side.BUY, "1000"), bar(0, CALM))
    assert (await broker.submit(leaving(Side.BUY, "1000"))).state == "REJECTED"
