"""The path of a decision: one frozen record a stage, in the order they are made.

    DeskState -> MarketSnapshot -> FormulaReport -> Gate -> FormulaView -> TradeProposal -> Ballot x N
    -> Decision -> Portfolio, RiskVerdict -> ApprovalRequest, Approval -> Requote -> OrderIntent
    -> Order, Fill -> Outcome

Each names its cycle, the close time it decides on (`as_of`) and the record ids of its parents. Up to
OrderIntent numbers are float64 statistics (`Real`); from there on they are money (`Amount`). A stage
that ends a cycle carries `reasons` and its `ends_cycle` is true.
"""

from typing import Literal

from pydantic import Field

from contracts.canonical import Amount, Real, Record, Sha256, Utc
from contracts.exchange import Exchange
from contracts.market import Instrument, Quote, Side, Timeframe

Mode = Literal["technical", "technical+panel", "dual", "recorded"]
Purpose = Literal["entry", "exit"]
Leg = Literal["entry", "stop", "target", "exit"]


class Reason(Record):
    """Why a stage stopped or shrank something: a stable code and a sentence for people."""

    code: str
    text: str


class StageRecord(Record):
    """What every stage leaves behind."""

    cycle_id: Sha256
    as_of: Utc
    parents: tuple[Sha256, ...]


# 0 -- the desk itself


class AccountMarks(Record):
    """What the loss limits are measured from; equity includes open profit and loss."""

    currency: str
    balance: Amount
    equity: Amount
    start_equity: Amount
    peak_equity: Amount
    day_open_equity: Amount
    day_opened_at: Utc


class Position(Record):
    """One net position; quantity is signed, positive is long."""

    instrument_id: str
    quantity: Amount
    average_price: Amount
    unrealized_pnl: Amount
    stop_price: Amount | None = None
    target_price: Amount | None = None


class TradeStats(Record):
    """Closed trades of this market since the start or the last Kelly reset, in multiples of risk."""

    n_closed: int
    win_rate: Real | None
    mean_win_r: Real | None
    mean_loss_r: Real | None


class Budget(Record):
    """One spending cap and what is used of it."""

    name: str
    cap: Amount
    spent: Amount


class DeskState(StageRecord):
    """Stage 0: what the desk knew about itself when the cycle began."""

    desk: str
    account_id: str
    is_paper: bool
    mode: Mode
    instrument_id: str
    timeframe: Timeframe
    now: Utc
    settings_hash: Sha256
    limits_hash: Sha256
    code_hash: Sha256
    halted_by: str | None
    composite_weights: Sha256 | None
    composite_reason: str | None
    budgets: tuple[Budget, ...]
    marks: AccountMarks
    positions: tuple[Position, ...]
    stats: TradeStats
    reasons: tuple[Reason, ...] = ()

    @property
    def ends_cycle(self) -> bool:
        """Whether the desk was halted."""
        return self.halted_by is not None


# 1 -- the market


class ChunkRef(Record):
    """A stored run of bars: blob hash, and which of its rows count."""

    blob: Sha256
    start: int
    stop: int


class BarSeries(Record):
    """Closed bars of one instrument and timeframe: whole chunks, then the open tail."""

    instrument_id: str
    timeframe: Timeframe
    chunks: tuple[ChunkRef, ...]
    n_bars: int
    first_close: Utc | None
    last_close: Utc | None


class Rate(Record):
    """Units of `quote_currency` for one `base_currency`, mid, at a moment."""

    base_currency: str
    quote_currency: str
    rate: Real
    at: Utc


class MarketSnapshot(StageRecord):
    """Stage 1: everything the cycle may know about the market, nothing of it after `as_of`."""

    instrument: Instrument
    universe: tuple[str, ...]
    timeframe: Timeframe
    series: tuple[BarSeries, ...]
    held: tuple[BarSeries, ...] = ()
    """Of other instruments in which the account holds a position, for what ties the two together."""
    quote: Quote | None
    book: Sha256 | None
    rates: tuple[Rate, ...]
    in_session: bool
    filtered_hour: str | None
    reasons: tuple[Reason, ...]

    @property
    def ends_cycle(self) -> bool:
        """Whether the snapshot was refused."""
        return bool(self.reasons)


# 2 -- what the numbers say


class Evidence(Record):
    """One number from one tool call; None comes with the reason."""

    evidence_id: str
    tool: str
    instrument_id: str
    timeframe: Timeframe
    value: Real | None
    unit: str
    n_obs: int
    reason: str | None = None
    warnings: tuple[str, ...] = ()


class ScorePart(Record):
    """One part of the technical score: points given to each side out of `weight`."""

    name: str
    weight: Real
    buy: Real
    sell: Real
    why: str


class TechnicalScore(Record):
    """Sum of the parts a side; the larger one proposes, a tie proposes nothing."""

    parts: tuple[ScorePart, ...]
    buy: Real
    sell: Real
    side: Side | None
    value: Real
    minimum: Real
    higher_trend: Side | None
    is_opposed: bool


class CompositeInput(Record):
    """One signal inside the composite strength: its standardised value and its weight."""

    name: str
    z: Real | None
    weight: Real


class CompositeStrength(Record):
    """Signed strength in units of what it usually is; None comes with the reason."""

    value: Real | None
    inputs: tuple[CompositeInput, ...]
    weights_id: Sha256 | None
    reason: str | None = None


class SignalWeight(Record):
    """How one signal counts: past mean and deviation, rank correlation with its standard error, weight."""

    name: str
    mean: Real
    deviation: Real
    rank_correlation: Real
    standard_error: Real
    n_obs: int
    weight: Real


class CompositeWeights(Record):
    """Fitted, content-addressed weights of the composite strength for one instrument."""

    instrument_id: str
    timeframe: Timeframe
    fitted_from: Utc
    fitted_through: Utc
    horizon_bars: int
    signals: tuple[SignalWeight, ...]
    scale: Real | None
    n_scale: int
    bars: BarSeries
    others: tuple[BarSeries, ...] = ()
    """Of the same window, where a signal compares instruments."""


class FormulaReport(StageRecord):
    """Stage 2: evidence rows, the technical score and the composite strength."""

    profile: str
    evidence: tuple[Evidence, ...]
    score: TechnicalScore
    strength: CompositeStrength


# 3, 4 -- is it worth a thought, and what a model thinks of it


class Gate(StageRecord):
    """Stage 3: closed, brief (the formula brain reads) or vote (the panel is asked)."""

    level: Literal["closed", "brief", "vote"]
    basis: Literal["technical_score", "composite_strength"]
    side: Side | None
    value: Real | None
    threshold: Real
    reasons: tuple[Reason, ...]

    @property
    def ends_cycle(self) -> bool:
        """Whether nothing more is asked."""
        return self.level == "closed"


class FormulaView(StageRecord):
    """Stage 4: the formula brain's reading; evidence is cited by id, an abstention has a reason.

    `called` are the numbers of tools it called itself, beyond the report's.
    """

    level: Literal["brief", "vote"]
    side: Side | None
    supporting: tuple[str, ...]
    opposing: tuple[str, ...]
    reasoning: str
    called: tuple[Evidence, ...] = ()
    ungrounded: tuple[str, ...] = ()
    prompt_sha: Sha256 | None = None
    exchanges: tuple[Sha256, ...]
    abstained: str | None = None

    @property
    def ends_cycle(self) -> bool:
        """Whether the gate asked for no more than a reading."""
        return self.level == "brief"

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why the cycle ends here, where it does."""
        text = "expected a strength at which the panel is asked, found one that is only worth a reading"
        return (Reason(code="only_read", text=text),) if self.ends_cycle else ()


# 5, 6, 7 -- what to do


class KellyBound(Record):
    """Fraction of equity the Kelly rule lets a trade risk; None while it does not bind."""

    fraction: Real | None
    note: str


class TradeProposal(StageRecord):
    """Stage 5: side, prices and quantity, all by code; an exit closes what is open and no more."""

    instrument_id: str
    purpose: Purpose
    side: Side
    entry: Real
    stop: Real | None
    target: Real | None
    quantity: Real
    risk_amount: Real
    risk_pct: Real
    notional: Real
    conversion_rate: Real
    currency: str
    kelly: KellyBound
    reasons: tuple[Reason, ...]

    @property
    def ends_cycle(self) -> bool:
        """Whether there is nothing to trade."""
        return self.quantity <= 0 or bool(self.reasons)


class Ballot(StageRecord):
    """Stage 6: one seat's answer to one proposal; size, stop and target are advice."""

    seat: str
    ordinal: int
    answer: Literal["APPROVE", "REDUCE", "REJECT", "HOLD", "ABSTAIN"]
    abstained: str | None = None
    confidence: Real | None = None
    size_bound: Real | None = Field(default=None, ge=0, le=1)
    advised_stop_pips: Real | None = None
    advised_target_pips: Real | None = None
    reasoning: str = ""
    citations: tuple[str, ...] = ()
    ungrounded: tuple[str, ...] = ()
    prompt_sha: Sha256 | None = None
    exchange: Sha256 | None = None


class Decision(StageRecord):
    """Stage 7: what the votes come to; `size_fraction` of the proposal, 0 stands aside."""

    rule: str
    size_fraction: Real
    n_seats: int
    n_valid: int
    n_for: int
    reasons: tuple[Reason, ...]

    @property
    def ends_cycle(self) -> bool:
        """Whether the desk stands aside."""
        return self.size_fraction <= 0


# 8 -- may we


class Exposure(Record):
    """Something that is, or may become, a position: signed quantity at a price."""

    kind: Literal["position", "working_order", "intent"]
    instrument_id: str
    client_order_id: str | None
    quantity: Amount
    price: Amount
    is_reduce_only: bool


class Portfolio(StageRecord):
    """Stage 8: the account as the broker tells it, plus intents it has not acknowledged."""

    round: int
    account_id: str
    is_paper: bool
    marks: AccountMarks
    positions: tuple[Position, ...]
    exposures: tuple[Exposure, ...]
    quote: Quote | None
    rates: tuple[Rate, ...]
    at: Utc


class RiskCheck(Record):
    """One limit: of what, measured from where, how far away, and what a breach does."""

    name: str
    of_what: str
    measured_from: str
    value: Real | None
    limit: Real
    unit: str
    effect: Literal["passes", "shrinks", "refuses"]
    note: str


class RiskVerdict(StageRecord):
    """Stage 8: what may be done; never more than was proposed."""

    round: int
    purpose: Purpose
    side: Side
    quantity: Real
    entry: Real
    stop: Real | None
    target: Real | None
    risk_amount: Real
    risk_pct: Real
    checks: tuple[RiskCheck, ...]
    reasons: tuple[Reason, ...]

    @property
    def ends_cycle(self) -> bool:
        """Whether nothing may be done."""
        return self.quantity <= 0


# 9, 10 -- yes or no, and is it still so


class ApprovalRequest(StageRecord):
    """Stage 9: exactly what is shown; its record id is what an approval binds."""

    round: int
    instrument_id: str
    purpose: Purpose
    side: Side
    quantity: Real
    entry: Real
    stop: Real | None
    target: Real | None
    risk_amount: Real
    risk_pct: Real
    currency: str
    asked_at: Utc
    expires_at: Utc


class Approval(StageRecord):
    """Stage 9: the answer; `quantity` may be less than was asked, never more."""

    round: int
    request_id: Sha256
    is_granted: bool
    by: str
    kind: Literal["policy", "person", "expiry"]
    quantity: Real
    reason: str
    answered_at: Utc

    @property
    def ends_cycle(self) -> bool:
        """Whether it was refused or expired."""
        return not self.is_granted


class Requote(StageRecord):
    """Stage 10: a fresh look at the price and the book of exposures before committing."""

    round: int
    quote: Quote | None
    at: Utc
    halted_by: str | None
    is_exposure_changed: bool
    moved_ticks: Real | None
    tolerance_ticks: Real | None
    outcome: Literal["fresh", "moved", "exposure_changed", "gave_up", "no_quote", "expired", "halted"]
    reasons: tuple[Reason, ...]

    @property
    def ends_cycle(self) -> bool:
        """Whether the trade is let go."""
        return self.outcome in ("gave_up", "no_quote", "expired", "halted")


# 11, 12, 13 -- money


class OrderIntent(StageRecord):
    """Stage 11: the order that is about to be sent; committed first, never sent after `valid_until`."""

    client_order_id: str
    account_id: str
    instrument_id: str
    purpose: Purpose
    side: Side
    quantity: Amount
    reference_price: Amount
    worst_price: Amount | None
    stop_price: Amount | None
    target_price: Amount | None
    is_reduce_only: bool
    valid_until: Utc
    approval_id: Sha256


OrderState = Literal[
    "INITIALIZED",
    "SUBMITTED",
    "ACCEPTED",
    "PARTIALLY_FILLED",
    "FILLED",
    "CANCELED",
    "REJECTED",
    "EXPIRED",
    "UNKNOWN",
]
TERMINAL_STATES: frozenset[OrderState] = frozenset({"FILLED", "CANCELED", "REJECTED", "EXPIRED"})


class Order(StageRecord):
    """Stage 11: one state an order entered, as the venue told it."""

    ordinal: int
    client_order_id: str
    venue_order_id: str | None
    instrument_id: str
    state: OrderState
    reason: str
    at: Utc


class Fill(StageRecord):
    """Stage 12: one execution, with every cost named; money in the account's currency."""

    ordinal: int
    client_order_id: str
    trade_id: str
    instrument_id: str
    leg: Leg
    side: Side
    quantity: Amount
    price: Amount
    reference_price: Amount
    commission: Amount
    spread_cost: Amount
    slippage_cost: Amount
    swap: Amount
    realized_pnl: Amount
    position_quantity: Amount
    conversion_rate: Amount
    currency: str
    at: Utc
    note: str


class Outcome(StageRecord):
    """Stage 13: what a closed trade came to; R is profit over the money risked at entry."""

    client_order_id: str
    instrument_id: str
    market: str
    side: Side
    quantity: Amount
    entry_price: Amount
    exit_price: Amount
    exit_leg: Leg
    opened_at: Utc
    closed_at: Utc
    bars_held: int
    gross_pnl: Amount
    costs: Amount
    net_pnl: Amount
    currency: str
    r_multiple: Real | None
    max_favourable_r: Real | None
    max_adverse_r: Real | None
    entry_slippage: Amount
    exit_slippage: Amount
    price_path: Sha256


# Around the path


class Environment(Record):
    """What a session ran on; every journal row names one by its record id."""

    schema_hash: Sha256
    code_hash: Sha256
    lock_hash: Sha256
    machine: str
    python: str


class SessionStarted(Record):
    """A runner took the lease on this journal."""

    session_id: str
    desk: str
    account_id: str
    is_paper: bool
    mode: Mode
    feed: str
    settings_hash: Sha256
    started_at: Utc
    holds_s: Real | None = None
    """How long replayed time stands still for a question, on the wall. None: as long as the question stands.

    Live prices are held by nobody, so there it is None too, and in journals that do not say it.
    """


class SessionEnded(Record):
    """A runner let the lease go in good order."""

    session_id: str
    ended_at: Utc
    why: str
    summary_sha: Sha256


class KellyReset(Record):
    """A person told the Kelly rule to forget the trades so far in one market."""

    market: str
    by: str
    reason: str
    at: Utc


class PersonAnswer(Record):
    """What a person said to a question from another process; the session acts on the first one."""

    of_cycle: Sha256
    request_id: Sha256
    is_granted: bool
    by: str
    quantity: Real | None
    """None for a refusal."""
    reason: str
    said_at: Utc
    """By the clock on the wall, whatever the desk's own says."""


class CycleWanted(Record):
    """A person had a bar decided on once more; the nonce makes that a cycle beside the bar's own."""

    of_cycle: Sha256
    nonce: str
    by: str
    said_at: Utc
    """By the clock on the wall."""


PATH: tuple[type[StageRecord], ...] = (
    DeskState,
    MarketSnapshot,
    FormulaReport,
    Gate,
    FormulaView,
    TradeProposal,
    Ballot,
    Decision,
    Portfolio,
    RiskVerdict,
    ApprovalRequest,
    Approval,
    Requote,
    OrderIntent,
    Order,
    Fill,
    Outcome,
)
"""Stage records in path order."""

_AROUND: tuple[type[Record], ...] = (
    CompositeWeights,
    Exchange,
    Environment,
    SessionStarted,
    SessionEnded,
    KellyReset,
    PersonAnswer,
    CycleWanted,
)

RECORDS: dict[str, type[Record]] = {cls.__name__: cls for cls in (*PATH, *_AROUND)}
"""Every record class the journal may hold, by name."""
