"""The session: drives cycles over the feed, keeps the broker's word, sweeps questions nobody answered.

The only door for faces. One step a closing moment, in this order: the clock moves, the broker says
what happened (fills and outcomes are written), the account is marked, expired questions are refused,
then each instrument gets its cycle. On start, whatever a crash left unfinished is finished first.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Command

from contracts import market, records
from contracts.canonical import Record, canonical_json, sha256_hex
from contracts.errors import DualbrainError, InvariantBroken, OrderStateUnknown, ToolInputError
from contracts.market import BarClosed
from contracts.ports import Execution, OrderUpdate
from contracts.records import (
    AccountMarks,
    Approval,
    ApprovalRequest,
    DeskState,
    PersonAnswer,
)
from graphs.approval import answer
from graphs.cycle import compile_cycle
from graphs.desk import CycleSettings, Desk
from graphs.execution import as_order, mark_account
from graphs.ledger import OpenTrade
from graphs.questions import LOOKED_AT
from graphs.settlement import as_fill, settle
from graphs.stages import CycleRun, by_kind, stage_records
from graphs.state import CycleState
from graphs.tally import Tally
from graphs.weights import WeightsKeeper
from markets.instruments import resolve
from markets.sessions import day_open


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """Something a face may want to show."""

    kind: str
    cycle_id: str | None
    text: str
    record: Record | None = None
    seat: str | None = None
    """Who speaks, where a model does."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A question that waits for a person."""

    request: ApprovalRequest
    state: CycleState


class Session:
    """One runner's life on one desk."""

    def __init__(
        self,
        desk: Desk,
        weights: WeightsKeeper,
        *,
        code_hash: str,
        listener: Callable[[SessionEvent], None] = lambda _event: None,
    ) -> None:
        self.desk = desk
        self.tally = Tally()
        self.marks: AccountMarks | None = None
        self.pending: dict[str, Pending] = {}
        self._heard = 0
        """Row through which people's answers were heard."""
        self._weights = weights
        self._listener = listener
        self._code_hash = code_hash
        self._settings_hash = desk.blobs.put(desk.settings.canonical)
        self._limits_hash = desk.blobs.put(desk.settings.limits.canonical)
        self._checkpoints = InMemorySaver(serde=_serializer())
        self._asking, self._autonomous = compile_cycle(self._checkpoints), compile_cycle()
        self._deciding = asyncio.Lock()
        last = desk.journal.last(DeskState)
        self._reached = None if last is None else last.as_of
        if last is not None:
            self.marks = last.marks
            desk.clock.advance(last.now)

    async def start(self, unfinished: Sequence[str]) -> None:
        """Finish what an earlier runner left: unknown orders, unsettled trades, cycles cut short."""
        await self.reconcile()
        for trade in self.desk.ledger.closed_without_outcome:
            await self._settle(trade)
        for cycle_id in unfinished:
            records = stage_records(self.desk.journal.rows(cycle_id=cycle_id))
            states = [r for r, _ in records if isinstance(r, DeskState)]
            if states:
                self._say("recovered", cycle_id, f"finishing a cycle of {states[0].as_of:%Y-%m-%d %H:%M} UTC")
                await self._run_graph(states[0], CycleRun(self._desk_of(states[0]), by_kind(records)))

    async def run(self) -> None:
        """Step through the feed to its end."""
        async for bars in self.desk.feed.events(self.desk.settings.timeframe):
            await self.step(bars)

    async def step(self, bars: tuple[BarClosed, ...]) -> None:
        """Everything that belongs to one closing moment."""
        close_time = bars[0].close_time
        if self._reached is not None and close_time < self._reached:
            self.tally.n_already_done += len(bars)
            return
        self.desk.clock.advance(close_time)
        if self._reached is None or close_time > self._reached:
            await self.reconcile()
            await self._keep_broker(bars)
            await self._mark_account()
        await self.hear_answers()
        await self.sweep()
        for bar in bars:
            await self.run_cycle(bar.instrument_id, close_time)
        self._reached = close_time

    async def run_cycle(self, instrument_id: str, as_of: datetime, nonce: str = "") -> None:
        """One decision on one instrument; a bar scanned twice is one cycle."""
        cycle_id = self.cycle_id(instrument_id, as_of, nonce)
        if self.desk.journal.find(DeskState, cycle_id) is not None:
            self.tally.n_already_done += 1
            return
        desk_state = await self._desk_state(cycle_id, instrument_id, as_of)
        self.desk.journal.append(desk_state, cycle_id=cycle_id)
        await self._run_graph(desk_state, CycleRun(self.desk))

    def cycle_id(self, instrument_id: str, as_of: datetime, nonce: str = "") -> str:
        """Hash of desk, account, instrument, timeframe, close time, and the nonce of a manual run."""
        name = [self.desk.settings.desk, self.desk.account_id, instrument_id]
        name += [self.desk.settings.timeframe, as_of.isoformat(), nonce]
        return sha256_hex(canonical_json(name))

    async def answer(
        self,
        cycle_id: str,
        request_id: str,
        *,
        is_granted: bool,
        by: str,
        reason: str,
        quantity: float | None = None,
    ) -> Approval:
        """A person's answer to a pending question; it binds the record id of what was shown."""
        pending = self.pending.get(cycle_id)
        if pending is None or pending.request.record_id != request_id:
            raise ToolInputError(
                f"expected a question that still stands, found none with id {request_id[:12]}"
            )
        approval = answer(
            pending.request,
            is_granted=is_granted,
            by=by,
            kind="person",
            reason=reason,
            at=self.desk.clock.now(),
            quantity=quantity,
        )
        await self._resume(cycle_id, approval)
        return approval

    async def sweep(self) -> None:
        """Refuse, as expired, every question whose time has passed."""
        now = self.desk.clock.now()
        for cycle_id, pending in list(self.pending.items()):
            request = pending.request
            if now >= request.expires_at:
                reason = f"nobody answered before {request.expires_at:%Y-%m-%d %H:%M:%S} UTC"
                refusal = answer(
                    request, is_granted=False, by="session", kind="expiry", reason=reason, at=now
                )
                await self._resume(cycle_id, refusal)

    async def hear_answers(self) -> None:
        """Act on what people said from other processes; only the first answer to a question counts."""
        for row in self.desk.journal.newest(PersonAnswer, LOOKED_AT, after=self._heard):
            self._heard = row.seq
            said = PersonAnswer.from_canonical(row.body)
            pending = self.pending.get(said.of_cycle)
            if pending is not None and pending.request.record_id == said.request_id:
                await self.answer(
                    said.of_cycle,
                    said.request_id,
                    is_granted=said.is_granted,
                    by=said.by,
                    reason=said.reason,
                    quantity=said.quantity,
                )

    async def reconcile(self) -> None:
        """Ask the venue about every order whose fate is unknown; an entry is never sent again."""
        for intent in self.desk.ledger.in_state_unknown():
            try:
                update = await self.desk.broker.find_order(intent.client_order_id)
            except OrderStateUnknown:
                continue
            if update is None:
                update = OrderUpdate(
                    intent.client_order_id,
                    None,
                    "CANCELED",
                    "the venue never saw it; an order is not sent twice",
                    self.desk.clock.now(),
                )
            self._book_order(update)

    def _desk_of(self, desk_state: DeskState) -> Desk:
        """The same desk under the settings a cycle began with: one cycle, one set of rules."""
        settings = CycleSettings.from_canonical(self.desk.blobs.get(desk_state.settings_hash))
        return replace(self.desk, settings=settings)

    async def _run_graph(self, desk_state: DeskState, run: CycleRun) -> None:
        await self._invoke(desk_state.cycle_id, {"desk_state": desk_state}, run)

    async def _resume(self, cycle_id: str, approval: Approval) -> None:
        self.desk.journal.append(approval, cycle_id=cycle_id, ordinal=approval.round, durable=True)
        desk = self._desk_of(self.pending.pop(cycle_id).state["desk_state"])
        run = CycleRun(desk, by_kind(stage_records(self.desk.journal.rows(cycle_id=cycle_id))))
        await self._invoke(cycle_id, Command(resume=approval.record_id), run)

    async def _invoke(self, cycle_id: str, given: CycleState | Command[str], run: CycleRun) -> None:
        config: RunnableConfig = {"configurable": {"thread_id": cycle_id}, "recursion_limit": 60}
        # Only a cycle that may wait for a person needs a checkpoint to be taken up from.
        is_asking = run.desk.settings.approval.policy == "ask"
        graph = self._asking if is_asking else self._autonomous
        durability: Literal["exit"] | None = "exit" if is_asking else None
        try:
            async with self._deciding:
                found = await graph.ainvoke(given, config, context=run, durability=durability)
        except DualbrainError:
            raise
        except Exception as error:
            # The session's door: a bug may end a cycle, but not without a word and not half done.
            raise InvariantBroken(
                f"expected cycle {cycle_id[:12]} to end with a record, "
                f"found {type(error).__name__}: {error}; the desk stops, protective orders stay",
                cycle_id=cycle_id,
            ) from error
        state = cast("CycleState", found)
        if "__interrupt__" in found:
            request = state["request"]
            self.pending[cycle_id] = Pending(request, state)
            self._say(
                "approval_needed",
                cycle_id,
                f"{request.side} {request.quantity:g} {request.instrument_id}",
                request,
            )
            return
        if is_asking:
            self._checkpoints.delete_thread(cycle_id)
        self.tally.add_cycle(state)
        self._say("cycle_finished", cycle_id, self.tally.last_end, state.get("order"))

    async def _desk_state(self, cycle_id: str, instrument_id: str, as_of: datetime) -> DeskState:
        desk, instrument = self.desk, resolve(instrument_id)
        account = await desk.broker.account()
        weights, reason = await self._weights.current(instrument_id, as_of)
        if self.marks is None:
            await self._mark_account()
        assert self.marks is not None
        return DeskState(
            cycle_id=cycle_id,
            as_of=as_of,
            parents=(),
            desk=desk.settings.desk,
            account_id=desk.account_id,
            is_paper=desk.is_paper,
            mode=desk.settings.mode,
            instrument_id=instrument_id,
            timeframe=desk.settings.timeframe,
            now=desk.clock.now(),
            settings_hash=self._settings_hash,
            limits_hash=self._limits_hash,
            code_hash=self._code_hash,
            halted_by=desk.kill_switch.halted_by(),
            composite_weights=None if weights is None else weights.record_id,
            composite_reason=reason,
            budgets=desk.budgets(),
            marks=self.marks,
            positions=account.positions,
            stats=desk.ledger.stats(instrument.market),
        )

    async def _keep_broker(self, bars: Sequence[BarClosed]) -> None:
        rates = await self.desk.feed.rates(self.desk.clock.now())
        for said in await self.desk.broker.collect(bars, rates):
            if isinstance(said, OrderUpdate):
                self._book_order(said)
            else:
                await self._book_execution(said)

    def _book_order(self, update: OrderUpdate) -> None:
        ledger = self.desk.ledger
        intent = ledger.intents.get(update.client_order_id)
        if intent is None:
            raise InvariantBroken(
                f"expected an order of this desk, found {update.client_order_id} at the venue"
            )
        on_record = ledger.orders.get(update.client_order_id)
        if on_record is not None and (on_record.state, on_record.reason) == (update.state, update.reason):
            return
        order = as_order(intent, update, ledger.next_order_ordinal(intent.client_order_id))
        self.desk.journal.append(order, cycle_id=order.cycle_id, ordinal=order.ordinal)
        ledger.add_order(order)
        self.tally.add_order(order)
        self._say("order", order.cycle_id, f"{order.instrument_id} {order.state} {order.reason}", order)

    async def _book_execution(self, execution: Execution) -> None:
        ledger = self.desk.ledger
        if ledger.is_known_trade(execution.trade_id):
            return
        intent = ledger.intents.get(execution.client_order_id)
        if intent is None:
            raise InvariantBroken(f"expected a fill of this desk's order, found {execution.client_order_id}")
        fill = as_fill(intent, execution, ledger.next_fill_ordinal(intent.client_order_id))
        self.desk.journal.append(fill, cycle_id=fill.cycle_id, ordinal=fill.ordinal)
        self.tally.add_fill(fill)
        self._say("fill", fill.cycle_id, f"{fill.leg} {fill.side} {fill.quantity} at {fill.price}", fill)
        closed = ledger.add_fill(fill)
        if closed is not None:
            await self._settle(closed)

    async def _settle(self, trade: OpenTrade) -> None:
        outcome = await settle(self.desk, trade)
        self.desk.journal.append(outcome, cycle_id=outcome.cycle_id)
        self.desk.ledger.add_outcome(outcome)
        self.tally.add_outcome(outcome)
        self._say("outcome", outcome.cycle_id, f"{outcome.net_pnl} {outcome.currency}", outcome)

    async def _mark_account(self) -> None:
        account, now = await self.desk.broker.account(), self.desk.clock.now()
        market = resolve(self.desk.feed.instruments()[0]).market
        opened = day_open(market, now)
        marks = self.marks
        if marks is None:
            marks = AccountMarks(
                currency=account.currency,
                balance=account.balance,
                equity=account.equity,
                start_equity=account.equity,
                peak_equity=account.equity,
                day_open_equity=account.equity,
                day_opened_at=opened,
            )
        elif opened > marks.day_opened_at:
            # A bar closing exactly at the roll is the new day's opening mark; a later one is not.
            at_open = account.equity if now == opened else marks.equity
            marks = marks.model_copy(update={"day_open_equity": at_open, "day_opened_at": opened})
        self.marks = mark_account(marks, account)
        self.tally.add_equity(self.marks.equity)

    def _say(self, kind: str, cycle_id: str | None, text: str, record: Record | None = None) -> None:
        self._listener(SessionEvent(kind, cycle_id, text, record))


def _serializer() -> JsonPlusSerializer:
    """Only our records and their enumerations may come back out of a checkpoint as what they were."""
    named = (*vars(records).values(), *vars(market).values())
    allowed = [kind for kind in named if isinstance(kind, type) and issubclass(kind, Record | StrEnum)]
    return JsonPlusSerializer(allowed_msgpack_modules=allowed)
