"""Instruments, bars, intents and a recorder for tests of the paper account."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from contracts.market import BarClosed, Instrument, Market, Ohlc, Side, Timeframe
from contracts.ports import Execution, OrderUpdate
from contracts.records import Fill, Order, OrderIntent, Rate
from markets.paper import PaperBroker, PaperSettings

START = datetime(2017, 3, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
ACCOUNT = "paper-test"
CYCLE = "c" * 64
SPREAD = 0.0001
CALM = (1.1, 1.1005, 1.0995, 1.1)
"""A quiet bar: its bid never comes near a stop or a target of these tests."""


def instrument(
    instrument_id: str,
    quote: str,
    tick: str,
    *,
    market: Market = "forex",
    multiplier: str = "1",
    step: str = "1",
) -> Instrument:
    """An instrument whose pip is its tick."""
    return Instrument(
        instrument_id=instrument_id,
        market=market,
        base_currency=instrument_id[:3],
        quote_currency=quote,
        tick_size=Decimal(tick),
        pip_size=Decimal(tick),
        lot_size=Decimal(100_000),
        quantity_step=Decimal(step),
        min_quantity=Decimal(step),
        multiplier=Decimal(multiplier),
        calendar="forex",
    )


TABLE: Mapping[str, Instrument] = {
    row.instrument_id: row
    for row in (
        instrument("EURUSD", "USD", "0.00001"),
        instrument("USDJPY", "JPY", "0.001"),
        instrument("ES", "USD", "0.25", market="futures", multiplier="50"),
        instrument("BTCUSD", "USD", "0.01", market="crypto", step="0.0001"),
    )
}


class ManualClock:
    """Time the test moves."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, to: datetime) -> None:
        self._now = to


def bar(
    hour: int,
    bid: tuple[float, float, float, float],
    spread: float = 0.0,
    instrument_id: str = "EURUSD",
    start: datetime = START,
) -> BarClosed:
    """The hourly bar that opens `hour` hours after `start`: open, high, low, close of the bid."""
    ask = Ohlc(*(price + spread for price in bid))
    opened = start + hour * HOUR
    return BarClosed(instrument_id, Timeframe.H1, opened, opened + HOUR, Ohlc(*bid), ask, False)


def rate(base: str, quote: str, value: float) -> Rate:
    """A conversion rate."""
    return Rate(base_currency=base, quote_currency=quote, rate=value, at=START)


def entry(
    side: Side,
    quantity: str,
    stop: str | None = None,
    target: str | None = None,
    *,
    worst: str | None = None,
    instrument_id: str = "EURUSD",
    name: str = "in",
    valid_until: datetime = START + HOUR,
) -> OrderIntent:
    """An entry that the paper account may accept."""
    return OrderIntent(
        cycle_id=CYCLE,
        as_of=START,
        parents=(),
        client_order_id=name,
        account_id=ACCOUNT,
        instrument_id=instrument_id,
        purpose="entry",
        side=side,
        quantity=Decimal(quantity),
        reference_price=Decimal(1),
        worst_price=None if worst is None else Decimal(worst),
        stop_price=None if stop is None else Decimal(stop),
        target_price=None if target is None else Decimal(target),
        is_reduce_only=False,
        valid_until=valid_until,
        approval_id="a" * 64,
    )


def leaving(side: Side, quantity: str, *, name: str = "out", instrument_id: str = "EURUSD") -> OrderIntent:
    """A reduce-only exit, valid for long."""
    made = entry(side, quantity, instrument_id=instrument_id, name=name, valid_until=START + 1000 * HOUR)
    return made.model_copy(update={"purpose": "exit", "is_reduce_only": True})


def paper_broker(
    *, currency: str = "USD", slippage_ticks: int = 1, clock: ManualClock | None = None, **costs: Decimal
) -> PaperBroker:
    """A broker with 10,000 and no commission unless told."""
    free = {"futures_commission_per_contract": Decimal(0), "crypto_commission_bps": Decimal(0)}
    settings = PaperSettings.model_validate({**free, **costs, "slippage_ticks": slippage_ticks})
    return PaperBroker(ACCOUNT, currency, Decimal(10_000), TABLE, settings, clock or ManualClock())


async def play(
    broker: PaperBroker, intent: OrderIntent, *bars: BarClosed, rates: Sequence[Rate] = ()
) -> list[OrderUpdate | Execution]:
    """What an accepted order comes to over these bars."""
    assert (await broker.submit(intent)).state == "ACCEPTED"
    events: list[OrderUpdate | Execution] = []
    for each in bars:
        events.extend(await broker.collect([each], rates))
    return events


def executions(events: Sequence[OrderUpdate | Execution]) -> list[Execution]:
    """The trades among the events."""
    return [event for event in events if isinstance(event, Execution)]


def states(events: Sequence[OrderUpdate | Execution]) -> list[tuple[str, str]]:
    """Order id and state of the updates among the events."""
    return [(event.client_order_id, event.state) for event in events if isinstance(event, OrderUpdate)]


class Recorder:
    """What a session writes down: orders and fills, repeats dropped."""

    def __init__(self) -> None:
        self.intents: list[OrderIntent] = []
        self.orders: list[Order] = []
        self.fills: list[Fill] = []

    def keep(self, events: Sequence[OrderUpdate | Execution]) -> None:
        """Write down what the broker said."""
        for event in events:
            if isinstance(event, OrderUpdate):
                self._keep_update(event)
            elif event.trade_id not in {fill.trade_id for fill in self.fills}:
                self.fills.append(Fill.model_validate({**_stage(len(self.fills)), **_fields(event)}))

    def restore(
        self, broker: PaperBroker, last_bars: Sequence[BarClosed], rates: Sequence[Rate]
    ) -> PaperBroker:
        """`broker` as these records leave it."""
        broker.restore(self.intents, self.orders, self.fills, last_bars, rates)
        return broker

    def _keep_update(self, update: OrderUpdate) -> None:
        said = {(order.client_order_id, order.state) for order in self.orders}
        if (update.client_order_id, update.state) not in said:
            instrument_id = next(
                i.instrument_id for i in self.intents if i.client_order_id == update.client_order_id
            )
            named = {**_stage(len(self.orders)), "instrument_id": instrument_id, **_fields(update)}
            self.orders.append(Order.model_validate(named))


def _stage(ordinal: int) -> dict[str, object]:
    return {"cycle_id": CYCLE, "as_of": START, "parents": (), "ordinal": ordinal}


def _fields(event: OrderUpdate | Execution) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__slots__}
