"""From the venue's executions to fills on record, and from a closed trade to its outcome."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from contracts.market import Bars, to_ms
from contracts.ports import Execution
from contracts.records import Fill, OrderIntent, Outcome
from graphs.desk import Desk
from graphs.ledger import OpenTrade
from markets.bars import encode_bars
from markets.instruments import resolve
from tools.outcome import settle_outcome


def as_fill(intent: OrderIntent, execution: Execution, ordinal: int) -> Fill:
    """An execution as a record of the cycle that asked for the order."""
    return Fill(
        cycle_id=intent.cycle_id,
        as_of=intent.as_of,
        parents=(intent.record_id,),
        ordinal=ordinal,
        client_order_id=execution.client_order_id,
        trade_id=execution.trade_id,
        instrument_id=execution.instrument_id,
        leg=execution.leg,
        side=execution.side,
        quantity=execution.quantity,
        price=execution.price,
        reference_price=execution.reference_price,
        commission=execution.commission,
        spread_cost=execution.spread_cost,
        slippage_cost=execution.slippage_cost,
        swap=execution.swap,
        realized_pnl=execution.realized_pnl,
        position_quantity=execution.position_quantity,
        conversion_rate=execution.conversion_rate,
        currency=execution.currency,
        at=execution.at,
        note=execution.note,
    )


async def settle(desk: Desk, trade: OpenTrade) -> Outcome:
    """The outcome of a closed trade, with the bars it lived through stored beside it."""
    path = await _bars_between(desk, trade)
    price_path = desk.blobs.put(encode_bars(path))
    market = resolve(trade.intent.instrument_id).market
    return outcome_of(trade.intent, market, trade.fills, path, price_path)


def outcome_of(
    intent: OrderIntent, market: str, fills: Sequence[Fill], path: Bars, price_path: str
) -> Outcome:
    """Stage 13, from records and the stored price path alone; excursions are on the path's own side."""
    entries = tuple(fill for fill in fills if fill.leg == "entry")
    exits = tuple(fill for fill in fills if fill.leg != "entry")
    return settle_outcome(
        intent,
        market,
        entries,
        exits,
        path,
        price_path,
        conversion=entries[0].conversion_rate,
        bars_held=len(path),
    )


async def _bars_between(desk: Desk, trade: OpenTrade) -> Bars:
    """Bars that overlap the trade's life: a function of its fills, not of when it is settled."""
    opened = min(fill.at for fill in trade.fills)
    closed = max(fill.at for fill in trade.fills)
    timeframe = desk.settings.timeframe
    length = timedelta(seconds=timeframe.seconds)
    count = int((closed - opened) / length) + 3
    bars = await desk.feed.bars(trade.intent.instrument_id, timeframe, closed + length, count)
    first = int(np.searchsorted(bars.close_time, to_ms(opened), side="right"))
    stop = int(np.searchsorted(bars.open_time, to_ms(closed), side="left"))
    return bars[first:stop]
