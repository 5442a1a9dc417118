"""The edge to the broker: reading the account, writing the intent down, sending the order."""

import asyncio

from contracts.errors import InvariantBroken, OrderStateUnknown, VenueRejected, VenueThrottled
from contracts.ports import AccountState, OrderUpdate
from contracts.records import AccountMarks, Exposure, Order, OrderIntent, OrderState, Portfolio, Reason
from graphs.desk import Desk
from graphs.state import CycleState
from markets.orders import make_intent


async def read_portfolio(desk: Desk, state: CycleState, round_: int) -> Portfolio:
    """Stage 8: the account at this moment, with every exposure that is or may come."""
    now = desk.clock.now()
    account = await desk.broker.account()
    desk_state, proposal, decision = state["desk_state"], state["proposal"], state["decision"]
    return Portfolio(
        cycle_id=proposal.cycle_id,
        as_of=proposal.as_of,
        parents=(desk_state.record_id, proposal.record_id, decision.record_id),
        round=round_,
        account_id=account.account_id,
        is_paper=account.is_paper,
        marks=mark_account(desk_state.marks, account),
        positions=account.positions,
        exposures=exposures_now(desk, account),
        quote=await desk.feed.quote(proposal.instrument_id, now),
        rates=await desk.feed.rates(now),
        at=now,
    )


def mark_account(marks: AccountMarks, account: AccountState) -> AccountMarks:
    """The same marks at the account's balance and equity of now."""
    return marks.model_copy(
        update={
            "balance": account.balance,
            "equity": account.equity,
            "peak_equity": max(marks.peak_equity, account.equity),
        }
    )


def exposures_now(desk: Desk, account: AccountState) -> tuple[Exposure, ...]:
    """Positions, working orders, and intents no venue has acknowledged."""
    positions = tuple(
        Exposure(
            kind="position",
            instrument_id=p.instrument_id,
            client_order_id=None,
            quantity=p.quantity,
            price=p.average_price,
            is_reduce_only=False,
        )
        for p in account.positions
    )
    return positions + account.working + desk.ledger.unacknowledged()


def commit_order(desk: Desk, state: CycleState) -> OrderIntent:
    """Stage 11: exactly the order that was approved, in money."""
    intent = make_intent(
        state["verdict"],
        state["approval"],
        state["requote"],
        state["snapshot"].instrument,
        account_id=desk.account_id,
        valid_until=desk.settings.valid_until(state["verdict"].as_of, state["snapshot"].instrument),
        worst_price_ticks=state["requote"].tolerance_ticks or 0.0,
    )
    if isinstance(intent, Reason):
        raise InvariantBroken(f"expected a tradable quantity after the requote, found none: {intent.text}")
    return intent


async def send_order(desk: Desk, intent: OrderIntent) -> Order:
    """Stage 11: the venue's first word on this order; sent at most once, never past its time."""
    try:
        known = await desk.broker.find_order(intent.client_order_id)
        if known is not None:
            return as_order(intent, known, ordinal=0)
        return await _send_new(desk, intent)
    except OrderStateUnknown as error:
        return _own_word(desk, intent, "UNKNOWN", str(error))


def as_order(intent: OrderIntent, update: OrderUpdate, ordinal: int) -> Order:
    """A venue's word as a record of the cycle that asked for the order."""
    return Order(
        cycle_id=intent.cycle_id,
        as_of=intent.as_of,
        parents=(intent.record_id,),
        ordinal=ordinal,
        client_order_id=intent.client_order_id,
        venue_order_id=update.venue_order_id,
        instrument_id=intent.instrument_id,
        state=update.state,
        reason=update.reason,
        at=update.at,
    )


async def _send_new(desk: Desk, intent: OrderIntent) -> Order:
    while True:
        if desk.clock.now() > intent.valid_until:
            return _own_word(desk, intent, "EXPIRED", f"never sent: valid until {intent.valid_until}")
        if (halted := desk.kill_switch.halted_by()) is not None:
            return _own_word(desk, intent, "CANCELED", f"never sent: {halted}")
        try:
            return as_order(intent, await desk.broker.submit(intent), ordinal=0)
        except VenueRejected as error:
            return _own_word(desk, intent, "REJECTED", str(error))
        except VenueThrottled as error:
            wait = error.fields.get("retry_after_s", 1.0)
            await asyncio.sleep(float(wait) if isinstance(wait, int | float) else 1.0)


def _own_word(desk: Desk, intent: OrderIntent, state: OrderState, reason: str) -> Order:
    update = OrderUpdate(
        client_order_id=intent.client_order_id,
        venue_order_id=None,
        state=state,
        reason=reason,
        at=desk.clock.now(),
    )
    return as_order(intent, update, ordinal=0)
