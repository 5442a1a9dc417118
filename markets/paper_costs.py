"""What trading on paper costs, and how a trade becomes an execution with every cost named.

With `value` = quantity x multiplier x conversion rate, in the account's currency and for one
execution:

    spread_cost   = value x half spread                        inside the price
    slippage_cost = value x (price - reference price) x sign   inside the price, negative is better
    realized_pnl  = value x (price - entry price) x sign       on closing, before the two below
    commission    by market, both sides                        taken from the balance
    swap          = value x entry price x percent a day x days taken from the balance on closing
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import Field, NonNegativeInt

from contracts.canonical import Amount, Record
from contracts.market import Instrument
from contracts.ports import Execution
from contracts.records import OrderIntent
from markets.paper_account import OpenPosition, to_money
from markets.paper_fills import Trade

Cost = Annotated[Amount, Field(ge=0)]


class PaperSettings(Record):
    """What paper trading costs; the defaults are round figures to begin with, not a venue's tariff."""

    forex_commission_per_lot: Cost = Decimal(0)
    """Account currency a lot a side; at zero the spread is the cost."""
    futures_commission_per_contract: Cost = Decimal("2.50")
    """Account currency a contract a side."""
    crypto_commission_bps: Cost = Decimal(10)
    """Basis points of the traded value a side."""
    index_commission_bps: Cost = Decimal(0)
    """Basis points of the traded value a side; at zero the spread is the cost."""
    slippage_ticks: NonNegativeInt = 1
    """Ticks worse than the quote for a market order, and worse than its price for a stop."""
    swap_per_day_pct: Cost = Decimal(0)
    """Percent of the entry value for each day held, long or short alike, charged on what is closed."""


@dataclass(frozen=True, slots=True)
class CostModel:
    """Turns trades into executions of one account."""

    settings: PaperSettings
    currency: str

    def slippage(self, instrument: Instrument) -> Decimal:
        """Slippage of a market order or a stop as a price distance."""
        return self.settings.slippage_ticks * instrument.tick_size

    def execution(
        self,
        intent: OrderIntent,
        trade: Trade,
        instrument: Instrument,
        position: OpenPosition | None,
        rate: Decimal,
    ) -> Execution:
        """`trade` with its money; `position` is the one it closes, None for an entry."""
        value = trade.quantity * instrument.multiplier * rate
        sign = trade.side.sign
        before = position.quantity if position else Decimal(0)
        gained = sign * (position.price - trade.price) if position else Decimal(0)
        return Execution(
            client_order_id=intent.client_order_id,
            # Every leg of a paper order trades once, so its ordinal is always 1.
            trade_id=f"{intent.client_order_id}-{trade.leg}-1",
            instrument_id=instrument.instrument_id,
            leg=trade.leg,
            side=trade.side,
            quantity=trade.quantity,
            price=trade.price,
            reference_price=trade.reference_price,
            commission=self._commission(instrument, trade, value),
            spread_cost=to_money(value * trade.half_spread),
            slippage_cost=to_money(value * sign * (trade.price - trade.reference_price)),
            swap=self._swap(trade, position, value),
            realized_pnl=to_money(value * gained),
            position_quantity=before + sign * trade.quantity,
            conversion_rate=rate,
            currency=self.currency,
            at=trade.at,
            note=trade.note,
        )

    def _commission(self, instrument: Instrument, trade: Trade, value: Decimal) -> Decimal:
        settings, traded_value = self.settings, value * abs(trade.price)
        match instrument.market:
            case "forex":
                return to_money(settings.forex_commission_per_lot * trade.quantity / instrument.lot_size)
            case "futures":
                return to_money(settings.futures_commission_per_contract * trade.quantity)
            case "crypto":
                return to_money(settings.crypto_commission_bps * traded_value / 10_000)
            case "index":
                return to_money(settings.index_commission_bps * traded_value / 10_000)

    def _swap(self, trade: Trade, position: OpenPosition | None, value: Decimal) -> Decimal:
        if position is None:
            return Decimal(0)
        seconds = (trade.at - position.opened_at) // timedelta(seconds=1)
        daily = value * abs(position.price) * self.settings.swap_per_day_pct / 100
        return to_money(daily * seconds / 86_400)
