"""The desk's index of its own orders, kept from journal rows and nothing else.

Answers what the journal alone could answer too, only faster: which cycle an order belongs to, what
the venue last said of it, which trades are open, which intents nobody has acknowledged.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from contracts.ports import Journal
from contracts.records import (
    TERMINAL_STATES,
    Exposure,
    Fill,
    KellyReset,
    Order,
    OrderIntent,
    Outcome,
    StageRecord,
    TradeStats,
)
from tools.kelly import trade_stats

_UNACKNOWLEDGED = ("INITIALIZED", "SUBMITTED", "UNKNOWN")

KEPT_DONE = 512
"""Finished orders and trade ids remembered, for what a venue repeats; a desk of years must not grow."""


@dataclass
class OpenTrade:
    """An entry with a position behind it: the fills so far, of every order that touched it."""

    intent: OrderIntent
    fills: list[Fill] = field(default_factory=list)


class Ledger:
    """Rebuilt from the journal at start, then told of every row that concerns money."""

    def __init__(self, journal: Journal) -> None:
        self.intents: dict[str, OrderIntent] = {}
        self.orders: dict[str, Order] = {}
        self._unsettled_intents: dict[str, OrderIntent] = {}
        self.open_trades: dict[str, OpenTrade] = {}
        self._n_orders: dict[str, int] = {}
        self._n_fills: dict[str, int] = {}
        self._done: deque[str] = deque()
        self._trade_ids: OrderedDict[str, None] = OrderedDict()
        self._outcomes: dict[str, list[Outcome]] = {}
        self._stats: dict[str, TradeStats] = {}
        for intent in journal.find_all(OrderIntent):
            self.add_intent(intent)
        for order in journal.find_all(Order):
            self.add_order(order)
        settled = self._take_outcomes(journal.find_all(Outcome), journal.find_all(KellyReset))
        closed = [trade for fill in journal.find_all(Fill) if (trade := self.add_fill(fill))]
        self.closed_without_outcome = [t for t in closed if t.intent.client_order_id not in settled]
        """Trades that closed just before a crash and still await their outcome."""
        self._forget_old()

    def note(self, record: StageRecord) -> None:
        """Take in a row a cycle has just written; most concern no money and change nothing."""
        if isinstance(record, OrderIntent):
            self.add_intent(record)
        elif isinstance(record, Order):
            self.add_order(record)

    def add_intent(self, intent: OrderIntent) -> None:
        """Note an intent that has been committed."""
        self.intents[intent.client_order_id] = intent
        self._unsettled_intents[intent.client_order_id] = intent
        self._forget_old()

    def add_order(self, order: Order) -> None:
        """Note what the venue said of an order."""
        self.orders[order.client_order_id] = order
        self._n_orders[order.client_order_id] = order.ordinal + 1
        if order.state not in _UNACKNOWLEDGED:
            self._unsettled_intents.pop(order.client_order_id, None)
        if order.state in TERMINAL_STATES:
            self._done.append(order.client_order_id)

    def add_fill(self, fill: Fill) -> OpenTrade | None:
        """Note an execution; the trade it closed, if it closed one."""
        self._trade_ids[fill.trade_id] = None
        if len(self._trade_ids) > KEPT_DONE:
            self._trade_ids.popitem(last=False)
        self._n_fills[fill.client_order_id] = fill.ordinal + 1
        if fill.leg == "entry" and fill.instrument_id not in self.open_trades:
            self.open_trades[fill.instrument_id] = OpenTrade(self.intents[fill.client_order_id])
        trade = self.open_trades.get(fill.instrument_id)
        if trade is None:
            return None
        trade.fills.append(fill)
        if fill.position_quantity != 0:
            return None
        return self.open_trades.pop(fill.instrument_id)

    def add_outcome(self, outcome: Outcome) -> None:
        """Note how a trade ended."""
        self._outcomes.setdefault(outcome.market, []).append(outcome)
        self._stats.pop(outcome.market, None)

    def stats(self, market: str) -> TradeStats:
        """Closed trades of a market since the start or the last Kelly reset."""
        if market not in self._stats:
            self._stats[market] = trade_stats(self._outcomes.get(market, ()))
        return self._stats[market]

    def unacknowledged(self) -> tuple[Exposure, ...]:
        """Intents that may become positions though no venue has said so yet."""
        return tuple(_as_exposure(intent) for intent in self._unsettled_intents.values())

    def in_state_unknown(self) -> tuple[OrderIntent, ...]:
        """Orders that were sent and whose fate nobody knows."""
        return tuple(self.intents[coid] for coid, order in self.orders.items() if order.state == "UNKNOWN")

    def instruments_at_stake(self) -> tuple[str, ...]:
        """Instruments with a position or with an order that may still become one."""
        alive = (order for order in self.orders.values() if order.state not in TERMINAL_STATES)
        ids = {*self.open_trades, *(order.instrument_id for order in alive)}
        ids.update(intent.instrument_id for intent in self._unsettled_intents.values())
        return tuple(sorted(ids))

    def is_known_trade(self, trade_id: str) -> bool:
        """Whether this execution is already on record."""
        return trade_id in self._trade_ids

    def next_order_ordinal(self, client_order_id: str) -> int:
        """Ordinal of this order's next Order row; a cycle has one order, so it is the cycle's too."""
        return self._n_orders.get(client_order_id, 0)

    def next_fill_ordinal(self, client_order_id: str) -> int:
        """Ordinal of this order's next Fill row."""
        return self._n_fills.get(client_order_id, 0)

    def _forget_old(self) -> None:
        open_entries = {trade.intent.client_order_id for trade in self.open_trades.values()}
        for _ in range(len(self._done) - KEPT_DONE):
            oldest = self._done.popleft()
            if oldest in open_entries:
                self._done.append(oldest)
                continue
            for index in (self.intents, self.orders, self._n_orders, self._n_fills):
                index.pop(oldest, None)

    def _take_outcomes(self, outcomes: Iterable[Outcome], resets: Iterable[KellyReset]) -> set[str]:
        last_reset = {reset.market: reset.at for reset in resets}
        settled = set()
        for outcome in outcomes:
            settled.add(outcome.client_order_id)
            if outcome.market not in last_reset or outcome.closed_at > last_reset[outcome.market]:
                self._outcomes.setdefault(outcome.market, []).append(outcome)
        return settled


def _as_exposure(intent: OrderIntent) -> Exposure:
    return Exposure(
        kind="intent",
        instrument_id=intent.instrument_id,
        client_order_id=intent.client_order_id,
        quantity=intent.quantity * intent.side.sign,
        price=intent.reference_price,
        is_reduce_only=intent.is_reduce_only,
    )
