"""What the watch screen shows, in words: from the journal, and from what a desk of one's own saw last.

journal -> account, positions, orders, fills, curve, limits      each look, only what is new
        -> seats, models (they read much)                        after a rest, long beside the reading
Seen    -> positions, prices, broker, feed, budgets              where the terminal runs the desk
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from agents.desk_results import (
    AccountSeen,
    VoterSkill,
    account_seen,
    asked_on,
    spending_of,
    voter_skills,
)
from contracts.canonical import Amount
from contracts.exchange import Exchange
from contracts.market import Quote
from contracts.ports import BlobStore
from contracts.records import (
    TERMINAL_STATES,
    DeskState,
    Fill,
    MarketSnapshot,
    Order,
    OrderIntent,
)
from desk.present import gain, money, number, percent, price, quantity
from desk.terminal.account_words import account_now, account_rows, position_sheet
from desk.terminal.equity_curve import EquityCurve
from desk.terminal.health import Around, health
from desk.terminal.limit_words import budget_meters, limit_meters
from desk.terminal.newest import Newest
from desk.terminal.own_desk import Seen
from markets.instruments import resolve
from memory.reader import JournalReader
from tools.limits import RiskLimits
from tui.door import Meter, Sheet, Watch

_SHOWN = 50
_FILLS_KEPT = 400
"""Among which the order that opened a position is looked for."""
_SNAPSHOTS_KEPT = 64
"""Newest ones, among which an attached terminal finds the price of each instrument."""
_REST_S = 3.0
_REST_FACTOR = 20
"""What took a second to read is left alone for so many."""

_ORDERS = ("time (UTC)", "instrument", "side", "quantity", "state", "type", "stop", "target", "reason")
_FILLS = (
    "time (UTC)",
    "instrument",
    "leg",
    "side",
    "quantity",
    "realized P&L",
    "price",
    "slippage",
    "commission",
)
"""What matters most is on the left: where a screen is narrow, the rest is seen by scrolling."""
_SEATS = ("seat", "calls", "for", "against", "hold", "abstained", "trades", "hit rate", "mean R")
_MODELS = ("role", "model", "asked", "answered", "cost", "tokens in", "tokens out")


class _Much(NamedTuple):
    """What is not read at every look, and when it may be read again."""

    row: int
    day: date
    skills: tuple[VoterSkill, ...]
    asked: tuple[Exchange, ...]
    rests_until_s: float


class WatchWords:
    """The watch of one journal; may be asked from several threads."""

    def __init__(self, journal: JournalReader, path: Path, blobs: BlobStore) -> None:
        self._journal, self._path, self._blobs = journal, path, blobs
        self._lock = Lock()
        self._curve = EquityCurve(journal)
        self._intents = Newest(journal, OrderIntent, _SHOWN)
        self._fills = Newest(journal, Fill, _FILLS_KEPT)
        self._snapshots = Newest(journal, MarketSnapshot, _SNAPSHOTS_KEPT)
        self._ended: dict[str, Order] = {}
        self._limits: tuple[str, RiskLimits] | None = None
        self._much: _Much | None = None

    def watch(self, now: datetime, seen: Seen | None, around: Around) -> Watch:
        """Everything at `now` on the wall; `seen` where the terminal runs the desk."""
        with self._lock:
            recorded = account_seen(self._journal)
            account, state = account_now(recorded, seen), self._journal.last(DeskState)
            today, fills = now.astimezone(UTC).date(), self._fills.look()
            quotes = self._quotes() if seen is None else seen.quotes
            opened_by = {fill.instrument_id: fill.cycle_id for fill in fills if fill.leg == "entry"}
            much = self._read_much(today)
            return Watch(
                account=account_rows(account),
                positions=position_sheet(account, quotes, opened_by),
                orders=self._orders(),
                fills=_fill_sheet(fills[-_SHOWN:]),
                curve=self._curve.look(),
                limits=self._limit_meters(state, account, seen),
                seats=_seat_sheet(much.skills),
                models=_model_sheet(much.asked),
                budgets=self._budgets(state, seen, today),
                health=health(self._journal, self._path, around, seen, quotes, much.asked, today),
            )

    def _quotes(self) -> Mapping[str, Quote | None]:
        """Of each instrument as the newest cycle saw it."""
        return {each.instrument.instrument_id: each.quote for each in self._snapshots.look()}

    def _orders(self) -> Sheet:
        intents = self._intents.look()[::-1]
        newest = [self._newest_order(intent) for intent in intents]
        self._ended = {
            each.cycle_id: each for each in newest if each is not None and each.state in TERMINAL_STATES
        }
        rows = tuple(map(_order_row, intents, newest))
        return Sheet(head=_ORDERS, rows=rows, cycles=tuple(each.cycle_id for each in intents))

    def _newest_order(self, intent: OrderIntent) -> Order | None:
        """A cycle sends one order; what has ended stays as it is."""
        if (ended := self._ended.get(intent.cycle_id)) is not None:
            return ended
        return next(reversed(self._journal.find_all(Order, intent.cycle_id)), None)

    def _limit_meters(
        self, state: DeskState | None, account: AccountSeen | None, seen: Seen | None
    ) -> tuple[Meter, ...]:
        if state is None or account is None:
            return ()
        if self._limits is None or self._limits[0] != state.limits_hash:
            limits = RiskLimits.from_canonical(self._blobs.get(state.limits_hash))
            self._limits = state.limits_hash, limits
        if seen is not None:
            return limit_meters(state, account, seen.rates, self._limits[1])
        kept = self._snapshots.look()
        return limit_meters(state, account, kept[-1].rates if kept else (), self._limits[1])

    def _budgets(self, state: DeskState | None, seen: Seen | None, today: date) -> tuple[Meter, ...]:
        if seen is not None:
            return budget_meters(seen.budgets, today, today)
        if state is None or not state.budgets:
            return ()
        written = next(row.written_at for row in self._journal.rows(cycle_id=state.cycle_id))
        return budget_meters(state.budgets, written.astimezone(UTC).date(), today)

    def _read_much(self, today: date) -> _Much:
        row, began, much = self._journal.tip().n_rows, time.monotonic(), self._much
        if much is not None and much.day == today and (much.row == row or began < much.rests_until_s):
            return much
        skills, asked = voter_skills(self._journal), asked_on(self._journal, today)
        ended = time.monotonic()
        rest_s = max(_REST_S, _REST_FACTOR * (ended - began))
        self._much = _Much(row, today, skills, asked, ended + rest_s)
        return self._much


def _order_row(intent: OrderIntent, order: Order | None) -> tuple[str, ...]:
    kind = (
        "market" if intent.worst_price is None else f"market, at worst {_price(intent, intent.worst_price)}"
    )
    return (
        f"{intent.as_of:%m-%d %H:%M}",
        intent.instrument_id,
        intent.side,
        quantity(intent.quantity),
        "not sent yet" if order is None else order.state.lower().replace("_", " "),
        f"{kind}, only closes" if intent.is_reduce_only else kind,
        _price(intent, intent.stop_price),
        _price(intent, intent.target_price),
        "" if order is None else order.reason,
    )


def _fill_sheet(fills: Sequence[Fill]) -> Sheet:
    rows = tuple(
        (
            f"{fill.at:%m-%d %H:%M}",
            fill.instrument_id,
            fill.leg,
            fill.side,
            quantity(fill.quantity),
            gain(fill.realized_pnl, fill.currency),
            _price(fill, fill.price),
            money(fill.slippage_cost, fill.currency),
            money(fill.commission, fill.currency),
        )
        for fill in reversed(fills)
    )
    return Sheet(head=_FILLS, rows=rows, cycles=tuple(fill.cycle_id for fill in reversed(fills)))


def _seat_sheet(skills: Iterable[VoterSkill]) -> Sheet:
    rows = tuple(
        (
            each.seat,
            *(
                f"{count:,}"
                for count in (
                    each.n_calls,
                    each.n_for,
                    each.n_against,
                    each.n_hold,
                    each.n_abstained,
                    each.n_trades,
                )
            ),
            "-" if each.hit_rate is None else percent(each.hit_rate * 100),
            "-" if each.mean_r is None else f"{each.mean_r:+.2f} R",
        )
        for each in skills
    )
    return Sheet(head=_SEATS, rows=rows, cycles=(None,) * len(rows))


def _model_sheet(asked: Iterable[Exchange]) -> Sheet:
    rows = tuple(
        (
            each.role.replace("_", " "),
            f"{each.provider} {each.model}",
            f"{each.n_asked:,}",
            f"{each.n_answered:,}",
            "not known" if each.cost_usd is None else f"{number(each.cost_usd)} USD",
            f"{each.tokens_in:,}",
            f"{each.tokens_out:,}",
        )
        for each in spending_of(asked)
    )
    return Sheet(head=_MODELS, rows=rows, cycles=(None,) * len(rows))


def _price(of: OrderIntent | Fill, value: Amount | None) -> str:
    return "-" if value is None else price(value, resolve(of.instrument_id).tick_size)
