"""What a session did, counted as it goes; constant memory however long it runs."""

from collections import Counter
from datetime import datetime
from decimal import Decimal

from contracts.canonical import Amount, Real, Record, Utc
from contracts.records import Approval, DeskState, Fill, Order, Outcome, Reason, RiskVerdict
from graphs.state import CycleState

_COSTS = ("commission", "swap", "spread_cost", "slippage_cost")
_ENDED_AT = {
    "DeskState": "desk_state",
    "MarketSnapshot": "snapshot",
    "Gate": "gate",
    "FormulaView": "formula_brain",
    "TradeProposal": "proposal",
    "Decision": "decision",
    "RiskVerdict": "verdict",
    "Approval": "approval",
    "Requote": "requote",
}


class Count(Record):
    """How often something happened."""

    what: str
    n: int


class Performance(Record):
    """What the closed trades came to; shares are of closed trades, drawdown is from the equity peak."""

    currency: str | None
    n_closed: int
    n_won: int
    win_rate: Real | None
    net_pnl: Amount
    commission: Amount
    swap: Amount
    spread_cost: Amount
    slippage_cost: Amount
    """Spread and slippage are inside the fill prices, so inside net already; named, not added."""
    profit_factor: Real | None
    mean_r: Real | None
    equity: Amount | None
    max_drawdown_pct: Real
    exits: tuple[Count, ...]


class SessionSummary(Record):
    """What is printed and exported when a session ends."""

    session_id: str
    desk: str
    account_id: str
    is_paper: bool
    why_ended: str
    first_as_of: Utc | None
    last_as_of: Utc | None
    n_cycles: int
    n_already_done: int
    n_signals: int
    n_decisions: int
    n_approved: int
    n_orders: int
    n_fills: int
    n_pending: int
    stood_aside: tuple[Count, ...]
    order_states: tuple[Count, ...]
    performance: Performance


class Tally:
    """Counts and running sums."""

    def __init__(self) -> None:
        self.n_cycles = 0
        self.n_already_done = 0
        self.last_end = ""
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._counts: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._states: Counter[str] = Counter()
        self._exits: Counter[str] = Counter()
        self._won, self._lost = Decimal(0), Decimal(0)
        self._costs = dict.fromkeys(_COSTS, Decimal(0))
        self._sum_r, self._n_r, self._n_won = 0.0, 0, 0
        self._currency: str | None = None
        self._equity: Decimal | None = None
        self._peak, self._drawdown = Decimal(0), Decimal(0)

    def add_cycle(self, state: CycleState) -> None:
        """One finished cycle: how far it came and why it went no further."""
        self.n_cycles += 1
        as_of = state["desk_state"].as_of
        self._first = self._first or as_of
        self._last = as_of
        for key, name in (("proposal", "signals"), ("decision", "decisions"), ("intent", "orders")):
            self._counts[name] += key in state
        approval = state.get("approval")
        self._counts["approved"] += approval is not None and approval.is_granted
        self.last_end = self._why_ended(state)

    def add_order(self, order: Order) -> None:
        """A state an order entered."""
        self._states[order.state] += 1

    def add_fill(self, fill: Fill) -> None:
        """An execution."""
        self._counts["fills"] += 1
        self._currency = fill.currency
        for name in _COSTS:
            self._costs[name] += getattr(fill, name)

    def add_outcome(self, outcome: Outcome) -> None:
        """A closed trade."""
        self._exits[outcome.exit_leg] += 1
        self._n_won += outcome.net_pnl > 0
        if outcome.net_pnl > 0:
            self._won += outcome.net_pnl
        else:
            self._lost -= outcome.net_pnl
        if outcome.r_multiple is not None:
            self._sum_r += outcome.r_multiple
            self._n_r += 1

    def add_equity(self, equity: Decimal) -> None:
        """The account's equity at a closing moment."""
        self._equity = equity
        self._peak = max(self._peak, equity)
        if self._peak > 0:
            self._drawdown = max(self._drawdown, (self._peak - equity) / self._peak * 100)

    def summary(
        self, *, session_id: str, desk: str, account_id: str, is_paper: bool, why_ended: str, n_pending: int
    ) -> SessionSummary:
        """Everything counted so far."""
        return SessionSummary(
            session_id=session_id,
            desk=desk,
            account_id=account_id,
            is_paper=is_paper,
            why_ended=why_ended,
            first_as_of=self._first,
            last_as_of=self._last,
            n_cycles=self.n_cycles,
            n_already_done=self.n_already_done,
            n_signals=self._counts["signals"],
            n_decisions=self._counts["decisions"],
            n_approved=self._counts["approved"],
            n_orders=self._counts["orders"],
            n_fills=self._counts["fills"],
            n_pending=n_pending,
            stood_aside=_ranked(self._reasons),
            order_states=_ranked(self._states),
            performance=self._performance(),
        )

    def _performance(self) -> Performance:
        n_closed = sum(self._exits.values())
        return Performance(
            currency=self._currency,
            n_closed=n_closed,
            n_won=self._n_won,
            win_rate=self._n_won / n_closed if n_closed else None,
            net_pnl=self._won - self._lost,
            commission=self._costs["commission"],
            swap=self._costs["swap"],
            spread_cost=self._costs["spread_cost"],
            slippage_cost=self._costs["slippage_cost"],
            profit_factor=float(self._won / self._lost) if self._lost else None,
            mean_r=self._sum_r / self._n_r if self._n_r else None,
            equity=self._equity,
            max_drawdown_pct=float(self._drawdown),
            exits=_ranked(self._exits),
        )

    def _why_ended(self, state: CycleState) -> str:
        order = state.get("order")
        if order is not None:
            self._states[order.state] += 1
            return f"order {order.state}"
        ended_by = state["ended_by"]
        record = state.get(_ENDED_AT[ended_by])
        codes = _codes(record) or [ended_by]
        self._reasons.update(f"{_ENDED_AT[ended_by]}: {code}" for code in codes)
        return f"stands aside at {_ENDED_AT[ended_by]}: {', '.join(codes)}"


def _codes(record: object) -> list[str]:
    """Why this record ended its cycle."""
    if isinstance(record, DeskState):
        return ["halted"]
    if isinstance(record, Approval):
        return ["expired" if record.kind == "expiry" else "refused"]
    reasons: tuple[Reason, ...] = getattr(record, "reasons", ())
    return [reason.code for reason in reasons if reason.code not in _shrunk_by(record)]


def _shrunk_by(record: object) -> set[str]:
    """Checks that would have left a smaller trade; where nothing was let through they are not why."""
    checks = record.checks if isinstance(record, RiskVerdict) else ()
    return {check.name for check in checks if check.effect == "shrinks"}


def _ranked(counter: Counter[str]) -> tuple[Count, ...]:
    return tuple(Count(what=what, n=n) for what, n in counter.most_common())
