"""What the desk expects of the world: clock, feed, broker, journal, blobs, voter.

Each docstring says what empty means, what raises and what is atomic. Anything that satisfies the
protocol will do; `desk/wiring.py` chooses.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeVar

from contracts.canonical import Record
from contracts.market import BarClosed, Bars, Quote, Side, Timeframe
from contracts.records import (
    Ballot,
    DeskState,
    Exposure,
    FormulaReport,
    FormulaView,
    Gate,
    Leg,
    MarketSnapshot,
    OrderIntent,
    OrderState,
    Position,
    Rate,
    TradeProposal,
)

R = TypeVar("R", bound=Record)


class Clock(Protocol):
    """Where `now` comes from; simulated time moves only when the session moves it."""

    def now(self) -> datetime:
        """The current moment, UTC, never going back."""
        ...

    def advance(self, to: datetime) -> None:
        """Move simulated time forward to `to`; a real clock ignores it. InvariantBroken if back."""
        ...


class Feed(Protocol):
    """Closed bars and quotes of several instruments."""

    name: str

    def instruments(self) -> tuple[str, ...]:
        """Instrument ids this feed serves, in scan order; never empty."""
        ...

    def events(self, timeframe: Timeframe) -> AsyncIterator[tuple[BarClosed, ...]]:
        """Bars closing at one moment, grouped, in time order; ends when the feed does."""
        ...

    async def bars(self, instrument_id: str, timeframe: Timeframe, until: datetime, count: int) -> Bars:
        """The newest `count` bars closed at or before `until`, fewer (or none) where history is short.

        Raises DataUnavailable for an instrument or timeframe it does not serve.
        """
        ...

    async def quote(self, instrument_id: str, at: datetime) -> Quote | None:
        """Newest quote known at `at`; None where there is none."""
        ...

    async def rates(self, at: datetime) -> tuple[Rate, ...]:
        """Mid conversion rates known at `at`, one a pair; empty where none."""
        ...


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account as its venue tells it."""

    account_id: str
    is_paper: bool
    currency: str
    balance: Decimal
    equity: Decimal
    positions: tuple[Position, ...]
    working: tuple[Exposure, ...]


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """A venue says an order entered a state."""

    client_order_id: str
    venue_order_id: str | None
    state: OrderState
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Execution:
    """A venue says a quantity was traded; `trade_id` is unique at the venue, repeats are dropped."""

    client_order_id: str
    trade_id: str
    instrument_id: str
    leg: Leg
    side: Side
    quantity: Decimal
    price: Decimal
    reference_price: Decimal
    commission: Decimal
    spread_cost: Decimal
    slippage_cost: Decimal
    swap: Decimal
    realized_pnl: Decimal
    position_quantity: Decimal
    conversion_rate: Decimal
    currency: str
    at: datetime
    note: str


class Broker(Protocol):
    """One account at one venue."""

    async def account(self) -> AccountState:
        """The account now. Raises DataUnavailable when the venue does not answer."""
        ...

    async def find_order(self, client_order_id: str) -> OrderUpdate | None:
        """What the venue knows of this order; None only when it says it never saw it.

        Raises OrderStateUnknown when it does not answer.
        """
        ...

    async def submit(self, intent: OrderIntent) -> OrderUpdate:
        """Send the order with its protective stop and target; idempotent by client order id.

        Returns the venue's first word. Raises VenueRejected, VenueThrottled (nothing was sent) or
        OrderStateUnknown (it may have been).
        """
        ...

    async def collect(
        self, bars: Sequence[BarClosed], rates: Sequence[Rate]
    ) -> tuple[OrderUpdate | Execution, ...]:
        """What happened since the last call, oldest first, possibly repeated after a restart.

        A simulated venue trades against `bars`; a real venue ignores them.
        """
        ...


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One row as stored: `body` is canonical JSON of a record of class `kind`."""

    seq: int
    kind: str
    cycle_id: str | None
    ordinal: int
    record_id: str
    body: bytes
    environment: str
    session_id: str
    written_at: datetime
    latency_ms: float | None
    prev_hash: str
    row_hash: str


class Journal(Protocol):
    """Append-only, chained record of everything that was decided and done.

    `(kind, cycle_id, ordinal)` is unique for rows with a cycle. Every method raises
    JournalUnavailable when the store cannot be read or written.
    """

    def append(
        self,
        record: Record,
        *,
        cycle_id: str | None = None,
        ordinal: int = 0,
        latency_ms: float | None = None,
        durable: bool = False,
    ) -> JournalRow:
        """Commit one row, atomically; `durable` survives a power cut, else only a crash.

        Appending what is already there with the same content returns the row on file; with other
        content raises InvariantBroken.
        """
        ...

    def find(self, kind: type[R], cycle_id: str, ordinal: int = 0) -> R | None:
        """The record of this stage of this cycle, or None."""
        ...

    def find_all(self, kind: type[R], cycle_id: str | None = None) -> tuple[R, ...]:
        """All records of a class, of one cycle or of the whole journal, in journal order."""
        ...

    def last(self, kind: type[R]) -> R | None:
        """The newest record of a class, or None."""
        ...

    def by_id(self, kind: type[R], record_id: str) -> R | None:
        """The record with this content hash, or None."""
        ...

    def rows(self, *, after: int = 0, cycle_id: str | None = None) -> Iterator[JournalRow]:
        """Rows in order with seq greater than `after`."""
        ...

    def newest(
        self, kind: type[Record], count: int, *, after: int = 0, before: int | None = None
    ) -> tuple[JournalRow, ...]:
        """The newest `count` rows of a class with seq over `after` and under `before`, oldest first."""
        ...


class BlobStore(Protocol):
    """Content-addressed bytes; equal content is stored once."""

    def put(self, data: bytes) -> str:
        """Store and return the SHA-256; atomic. Raises JournalUnavailable when it cannot write."""
        ...

    def get(self, blob: str) -> bytes:
        """The bytes, checked against their hash. Raises DataUnavailable or JournalCorrupt."""
        ...


class KillSwitch(Protocol):
    """A switch outside the agent; checked before every cycle and every order."""

    def halted_by(self) -> str | None:
        """Who halted the desk and why, in words; None while it may run. Unreadable counts as halted."""
        ...


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit in force: what it is called, how much is allowed, in which unit, and how much is used."""

    name: str
    allowed: float
    unit: str
    used: float | None = None


@dataclass(frozen=True, slots=True)
class PastCall:
    """What one seat said of an earlier proposal, and what its trade came to in multiples of risk.

    `r_multiple` is None where no trade of it had closed: none was made, or it was still open.
    """

    as_of: datetime
    instrument_id: str
    side: Side
    answer: str
    confidence: float | None
    r_multiple: float | None


@dataclass(frozen=True, slots=True)
class PastCalls:
    """One seat's record as it stood: its newest calls on an instrument, and all trades it was for."""

    newest: tuple[PastCall, ...] = ()
    n_closed: int = 0
    """Closed trades that it had approved or reduced."""
    n_won: int = 0
    mean_r: float | None = None


class Recall(Protocol):
    """What is remembered of voters."""

    def past_calls(self, seat: str, state: DeskState) -> PastCalls:
        """The seat's calls as known when this cycle began: the same however often it is asked."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """All that a model may know of one decision: records, nothing after `as_of`.

    With `is_blind` it is shown without symbol, dates and level of price.
    """

    state: DeskState
    snapshot: MarketSnapshot
    report: FormulaReport
    gate: Gate
    view: FormulaView | None = None
    limits: tuple[Limit, ...] = ()
    past_calls: PastCalls = PastCalls()
    is_blind: bool = False


class Brain(Protocol):
    """Who reads the evidence before anything is proposed."""

    async def read(self, case: Case) -> FormulaView:
        """What the evidence says. A failure is a view with `abstained`, never an exception.

        Raises NotOnRecord in a replay that has nothing to answer from.
        """
        ...


class Voter(Protocol):
    """One seat of the panel."""

    seat: str

    async def vote(self, case: Case, proposal: TradeProposal, ordinal: int) -> Ballot:
        """One ballot on `proposal`. A failure is a ballot with `abstained`, never an exception.

        Raises NotOnRecord in a replay that has nothing to answer from.
        """
        ...
