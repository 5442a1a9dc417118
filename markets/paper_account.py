"""What the paper account holds, as a sum of what was reported: orders, positions, balance.

State changes only through `note` (an order entered a state) and `book` (something traded), live and
after a restart alike, so an account rebuilt from the journal is the account that was lost.

Money, in the account's currency:

    balance = starting balance + sum(realized_pnl) - sum(commission) - sum(swap)
    equity  = balance + unrealized profit at the last bar's close, on the side that would close

`realized_pnl` comes from prices alone. Spread and slippage are inside those prices: their costs on an
execution say how much, and must not be taken off a second time. There is no margin call: the risk
guard limits leverage before the order, the paper account does not after it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from contracts.errors import DataUnavailable, InvariantBroken
from contracts.market import BarClosed, Instrument, Side
from contracts.ports import AccountState, Execution, OrderUpdate
from contracts.records import TERMINAL_STATES, Exposure, Fill, OrderIntent, Position, Rate
from markets.instruments import conversion_path
from markets.orders import to_decimal, to_taking_price
from markets.paper_fills import Bracket

MONEY_STEP = Decimal("1E-8")


def to_money(amount: Decimal) -> Decimal:
    """`amount` at eight decimal places: sums stay exact however long the account runs."""
    return amount.quantize(MONEY_STEP, ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class WorkingOrder:
    """An accepted order that waits for a bar to open."""

    intent: OrderIntent
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """One net position; `quantity` is signed, `conversion_rate` is the one of its entry."""

    entry: OrderIntent
    quantity: Decimal
    price: Decimal
    opened_at: datetime
    conversion_rate: Decimal

    @property
    def bracket(self) -> Bracket:
        """The protective orders on what is left of the position."""
        return Bracket(self.quantity, self.entry.stop_price, self.entry.target_price)


class PaperAccount:
    """Orders, positions and balance of one paper account."""

    def __init__(
        self, account_id: str, currency: str, balance: Decimal, instruments: Mapping[str, Instrument]
    ) -> None:
        self.account_id = account_id
        self.currency = currency
        self.balance = balance
        self.instruments = instruments
        self.rates: tuple[Rate, ...] = ()
        self.positions: dict[str, OpenPosition] = {}
        self._working: dict[str, WorkingOrder] = {}
        self._first: dict[str, OrderUpdate] = {}
        self._newest: dict[str, OrderUpdate] = {}
        self._last_bars: dict[str, BarClosed] = {}

    def first_update(self, client_order_id: str) -> OrderUpdate | None:
        """The account's first word on an order; None when it never saw it."""
        return self._first.get(client_order_id)

    def newest_update(self, client_order_id: str) -> OrderUpdate | None:
        """The account's newest word on an order; None when it never saw it."""
        return self._newest.get(client_order_id)

    def working_in(self, instrument_id: str) -> tuple[WorkingOrder, ...]:
        """Orders of one instrument that wait for a bar, in the order they were accepted."""
        return tuple(w for w in self._working.values() if w.intent.instrument_id == instrument_id)

    def has_interest(self, instrument_id: str) -> bool:
        """Whether a bar of this instrument could trade anything."""
        return instrument_id in self.positions or bool(self.working_in(instrument_id))

    def conversion_rate(self, instrument: Instrument) -> Decimal | None:
        """Account currency for one unit of the quote currency, by the newest rates; None without a path."""
        rate = conversion_path(instrument.quote_currency, self.currency, self.rates)
        return None if rate is None else to_decimal(rate)

    def closing_rate(self, instrument: Instrument, position: OpenPosition) -> Decimal:
        """The newest conversion rate, else that of the position's entry: closing never waits."""
        rate = self.conversion_rate(instrument)
        return position.conversion_rate if rate is None else rate

    def mark(self, bar: BarClosed) -> None:
        """Value this instrument at the close of `bar` from now on; an older bar changes nothing."""
        last = self._last_bars.get(bar.instrument_id)
        if last is None or bar.close_time >= last.close_time:
            self._last_bars[bar.instrument_id] = bar

    def note(self, intent: OrderIntent, update: OrderUpdate) -> None:
        """An order entered a state; one that has ended stays ended."""
        key = update.client_order_id
        newest = self._newest.get(key)
        if newest is not None and newest.state in TERMINAL_STATES:
            return
        self._first.setdefault(key, update)
        self._newest[key] = update
        if update.state in TERMINAL_STATES:
            self._working.pop(key, None)
        else:
            self._working[key] = WorkingOrder(intent, update.at)

    def book(self, intent: OrderIntent, traded: Execution | Fill) -> None:
        """Something traded: move position and balance. InvariantBroken when the two do not agree."""
        before = self.positions.get(traded.instrument_id)
        signed = traded.side.sign * traded.quantity
        after = signed + (before.quantity if before else 0)
        if after != traded.position_quantity or (before is None) != (traded.leg == "entry"):
            raise InvariantBroken(
                f"expected {traded.trade_id} to leave a position of {traded.position_quantity} "
                f"{traded.instrument_id}, found {after}: verify the journal",
                trade_id=traded.trade_id,
            )
        if after == 0:
            del self.positions[traded.instrument_id]
        elif before is None:
            position = OpenPosition(intent, after, traded.price, traded.at, traded.conversion_rate)
            self.positions[traded.instrument_id] = position
        else:
            self.positions[traded.instrument_id] = replace(before, quantity=after)
        self.balance += traded.realized_pnl - traded.commission - traded.swap

    def state(self) -> AccountState:
        """The account now; DataUnavailable when a position has no bar to be valued at."""
        positions = tuple(self._valued())
        return AccountState(
            account_id=self.account_id,
            is_paper=True,
            currency=self.currency,
            balance=self.balance,
            equity=self.balance + sum((p.unrealized_pnl for p in positions), Decimal(0)),
            positions=positions,
            working=tuple(_exposure(working) for working in self._working.values()),
        )

    def _valued(self) -> Iterator[Position]:
        for instrument_id, position in sorted(self.positions.items()):
            yield Position(
                instrument_id=instrument_id,
                quantity=position.quantity,
                average_price=position.price,
                unrealized_pnl=self._unrealized(self.instruments[instrument_id], position),
                stop_price=position.entry.stop_price,
                target_price=position.entry.target_price,
            )

    def _unrealized(self, instrument: Instrument, position: OpenPosition) -> Decimal:
        bar = self._last_bars.get(instrument.instrument_id)
        if bar is None:
            raise DataUnavailable(
                f"expected a last bar of {instrument.instrument_id} to value a position at, found none: "
                "give one to restore or collect",
                instrument_id=instrument.instrument_id,
            )
        side = position.bracket.closing_side
        close = bar.bid.close if side is Side.SELL else bar.ask.close
        closing = to_taking_price(close, instrument.tick_size, side)
        value = position.quantity * instrument.multiplier * self.closing_rate(instrument, position)
        return to_money(value * (closing - position.price))


def _exposure(working: WorkingOrder) -> Exposure:
    intent = working.intent
    return Exposure(
        kind="working_order",
        instrument_id=intent.instrument_id,
        client_order_id=intent.client_order_id,
        quantity=intent.side.sign * intent.quantity,
        price=intent.reference_price,
        is_reduce_only=intent.is_reduce_only,
    )
