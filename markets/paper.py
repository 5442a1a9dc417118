"""The paper venue: the Broker port over closed bars.

    submit  -> ACCEPTED, or REJECTED / EXPIRED with the reason; it never raises
    collect -> bar after bar in the order given: waiting market orders at its open, in the order they
               were accepted, then the position's stop and target (`markets/paper_fills.py`)

Deliberate oddities:
- An order waits for the first bar that opens at or after it was accepted: a price that was there
  before the order was is never given to it.
- An Execution comes before the FILLED update it causes, so that a journal cut between the two knows of
  the trade; after `restore` the missing update is told again.
- Trading a bar a second time changes nothing. After a restart the session may give the last bars
  again, and gets what it had not yet written down, under the same trade ids.
- An entry without a conversion path is REJECTED when it would fill. What closes a position
  then uses the rate of its entry, because nothing may keep a position from being closed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from contracts.errors import InvariantBroken, SettingsError
from contracts.market import BarClosed, Instrument
from contracts.ports import AccountState, Clock, Execution, OrderUpdate
from contracts.records import Fill, Order, OrderIntent, OrderState, Rate
from markets.paper_account import OpenPosition, PaperAccount
from markets.paper_costs import CostModel, PaperSettings
from markets.paper_fills import TickBar, Trade, bracket_trade, entry_refusal, market_trade, on_ticks

__all__ = ["PaperBroker", "PaperSettings"]

_VENUE_STATES: frozenset[OrderState] = frozenset({"ACCEPTED", "FILLED", "CANCELED", "REJECTED", "EXPIRED"})


class PaperBroker:
    """One paper account that trades against closed bars."""

    def __init__(
        self,
        account_id: str,
        currency: str,
        starting_balance: Decimal,
        instruments: Mapping[str, Instrument],
        settings: PaperSettings,
        clock: Clock,
    ) -> None:
        if not (starting_balance.is_finite() and starting_balance > 0):
            raise SettingsError(f"expected a positive starting balance, found {starting_balance}: set one")
        self._starting_balance = starting_balance
        self._costs = CostModel(settings, currency)
        self._clock = clock
        self._account = PaperAccount(account_id, currency, starting_balance, instruments)
        self._untold: list[OrderUpdate] = []

    async def account(self) -> AccountState:
        """The account now, valued at the last bars and rates it was given."""
        return self._account.state()

    async def find_order(self, client_order_id: str) -> OrderUpdate | None:
        """The newest state of this order; None when it was never submitted."""
        return self._account.newest_update(client_order_id)

    async def submit(self, intent: OrderIntent) -> OrderUpdate:
        """Accept or refuse; the same client order id always gets the first answer again."""
        if known := self._account.first_update(intent.client_order_id):
            return known
        now = self._clock.now()
        if now > intent.valid_until:
            update = _update(intent, "EXPIRED", f"was valid until {intent.valid_until.isoformat()}", now)
        elif refusal := self._malformed(intent) or self._conflicting(intent):
            update = _update(intent, "REJECTED", refusal, now)
        else:
            update = _update(intent, "ACCEPTED", "", now)
        self._account.note(intent, update)
        return update

    async def collect(
        self, bars: Sequence[BarClosed], rates: Sequence[Rate]
    ) -> tuple[OrderUpdate | Execution, ...]:
        """Trade against `bars` in the order given; what happened, oldest first.

        `rates` replace the ones known before, unless empty. DataUnavailable, with nothing traded, when
        a bar that matters holds a price that is not a number.
        """
        account = self._account
        tradable = [(bar, self._on_ticks(bar)) for bar in bars if account.has_interest(bar.instrument_id)]
        account.rates = tuple(rates) or account.rates
        events: list[OrderUpdate | Execution] = [*self._untold]
        self._untold = []
        for bar, ticks in tradable:
            events.extend(self._trade(account.instruments[bar.instrument_id], ticks))
        for bar in bars:
            account.mark(bar)
        return tuple(sorted(events, key=lambda event: event.at))

    def restore(
        self,
        intents: Sequence[OrderIntent],
        orders: Sequence[Order],
        fills: Sequence[Fill],
        last_bars: Sequence[BarClosed],
        rates: Sequence[Rate] = (),
    ) -> None:
        """Become the account of these journal records, each sequence in journal order.

        Repeated rows count once. States that only the session writes (INITIALIZED, SUBMITTED, UNKNOWN)
        are passed over, and so is a FILLED whose fill was not written down: its bar, given again, fills
        it again. `last_bars` and `rates` value what is open. InvariantBroken when the records
        contradict each other.
        """
        known = {intent.client_order_id: intent for intent in intents}
        filled = {fill.client_order_id: fill for fill in fills if fill.leg in ("entry", "exit")}
        old = self._account
        account = PaperAccount(old.account_id, old.currency, self._starting_balance, old.instruments)
        for order in orders:
            if order.state in _VENUE_STATES and (order.state != "FILLED" or order.client_order_id in filled):
                account.note(_intent_of(known, order.client_order_id), _as_update(order))
        for fill in {fill.trade_id: fill for fill in fills}.values():
            account.book(_intent_of(known, fill.client_order_id), fill)
        for bar in last_bars:
            account.mark(bar)
        account.rates = tuple(rates)
        self._account = account
        self._untold = list(self._untold_fills(known, filled.values()))

    def _untold_fills(
        self, known: Mapping[str, OrderIntent], filled: Iterable[Fill]
    ) -> Iterator[OrderUpdate]:
        for fill in filled:
            newest = self._account.newest_update(fill.client_order_id)
            if newest is None or newest.state == "ACCEPTED":
                intent = known[fill.client_order_id]
                update = _update(intent, "FILLED", fill.note, fill.at)
                self._account.note(intent, update)
                yield update
            elif newest.state != "FILLED":
                raise InvariantBroken(
                    f"expected {fill.client_order_id} to be FILLED, as it has a fill, "
                    f"found {newest.state}: verify the journal",
                    client_order_id=fill.client_order_id,
                )

    def _malformed(self, intent: OrderIntent) -> str | None:
        instrument = self._account.instruments.get(intent.instrument_id)
        if instrument is None:
            return f"expected an instrument of this account, found {intent.instrument_id}"
        if intent.account_id != self._account.account_id:
            return f"expected account {self._account.account_id}, found {intent.account_id}"
        if intent.is_reduce_only != (intent.purpose == "exit"):
            found = f"an {intent.purpose} with is_reduce_only={intent.is_reduce_only}"
            return f"expected exits, and only exits, to be reduce-only, found {found}"
        if intent.quantity <= 0 or intent.quantity % instrument.quantity_step:
            return f"expected whole steps of {instrument.quantity_step}, found quantity {intent.quantity}"
        if intent.purpose == "entry" and intent.quantity < instrument.min_quantity:
            return f"expected at least {instrument.min_quantity}, found quantity {intent.quantity}"
        for price in (intent.stop_price, intent.target_price):
            if price is not None and price % instrument.tick_size:
                return f"expected prices in ticks of {instrument.tick_size}, found {price}"
        return None

    def _conflicting(self, intent: OrderIntent) -> str | None:
        position = self._account.positions.get(intent.instrument_id)
        if intent.purpose == "exit":
            if _closable(intent, position):
                return None
            return f"expected a position that a {intent.side} closes, found {_described(position)}"
        if self._account.has_interest(intent.instrument_id):
            found = _described(position) if position else "an order that waits"
            return f"expected no position and no waiting order in {intent.instrument_id}, found {found}"
        return None

    def _on_ticks(self, bar: BarClosed) -> TickBar:
        return on_ticks(bar, self._account.instruments[bar.instrument_id].tick_size)

    def _trade(self, instrument: Instrument, bar: TickBar) -> Iterator[OrderUpdate | Execution]:
        for working in self._account.working_in(instrument.instrument_id):
            if bar.open_time >= working.accepted_at:
                yield from self._meet_open(instrument, working.intent, bar)
        position = self._account.positions.get(instrument.instrument_id)
        if position is not None and bar.open_time >= position.opened_at:
            trade = bracket_trade(position.bracket, bar, self._costs.slippage(instrument))
            if trade is not None:
                execution = self._closing(instrument, position.entry, trade, position)
                self._account.book(position.entry, execution)
                yield execution

    def _meet_open(
        self, instrument: Instrument, intent: OrderIntent, bar: TickBar
    ) -> Iterator[OrderUpdate | Execution]:
        attempt = self._exit if intent.purpose == "exit" else self._enter
        result = _lapsed(intent, bar) or attempt(instrument, intent, bar)
        if isinstance(result, Execution):
            self._account.book(intent, result)
            yield result
            result = _Ended("FILLED", result.note)
        update = _update(intent, result.state, result.reason, bar.open_time)
        self._account.note(intent, update)
        yield update

    def _enter(self, instrument: Instrument, intent: OrderIntent, bar: TickBar) -> "Execution | _Ended":
        trade = market_trade(intent, intent.quantity, bar, self._costs.slippage(instrument))
        if refusal := entry_refusal(intent, bar, trade.price):
            return _Ended("CANCELED", refusal)
        rate = self._account.conversion_rate(instrument)
        if rate is None:
            path = f"{instrument.quote_currency} to {self._account.currency}"
            return _Ended("REJECTED", f"expected a conversion rate from {path}, found no path")
        return self._costs.execution(intent, trade, instrument, None, rate)

    def _exit(self, instrument: Instrument, intent: OrderIntent, bar: TickBar) -> "Execution | _Ended":
        position = self._account.positions.get(instrument.instrument_id)
        quantity = _closable(intent, position)
        if position is None or quantity == 0:
            return _Ended("CANCELED", "nothing is left to close")
        trade = market_trade(intent, quantity, bar, self._costs.slippage(instrument))
        return self._closing(instrument, intent, trade, position)

    def _closing(
        self, instrument: Instrument, intent: OrderIntent, trade: Trade, position: OpenPosition
    ) -> Execution:
        rate = self._account.closing_rate(instrument, position)
        return self._costs.execution(intent, trade, instrument, position, rate)


class _Ended(NamedTuple):
    state: OrderState
    reason: str


def _lapsed(intent: OrderIntent, bar: TickBar) -> _Ended | None:
    if bar.open_time <= intent.valid_until:
        return None
    valid, opened = intent.valid_until.isoformat(), bar.open_time.isoformat()
    return _Ended("EXPIRED", f"was valid until {valid}, the next bar opened at {opened}")


def _closable(intent: OrderIntent, position: OpenPosition | None) -> Decimal:
    if position is None or intent.side.sign * position.quantity > 0:
        return Decimal(0)
    return min(intent.quantity, abs(position.quantity))


def _described(position: OpenPosition | None) -> str:
    return f"a position of {position.quantity}" if position else "no position"


def _update(intent: OrderIntent, state: OrderState, reason: str, at: datetime) -> OrderUpdate:
    return OrderUpdate(intent.client_order_id, f"paper-{intent.client_order_id}", state, reason, at)


def _as_update(order: Order) -> OrderUpdate:
    return OrderUpdate(order.client_order_id, order.venue_order_id, order.state, order.reason, order.at)


def _intent_of(known: Mapping[str, OrderIntent], client_order_id: str) -> OrderIntent:
    if client_order_id not in known:
        raise InvariantBroken(
            f"expected the intent of {client_order_id} among the records, found none: verify the journal",
            client_order_id=client_order_id,
        )
    return known[client_order_id]
