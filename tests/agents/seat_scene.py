"""A seat at a scripted server, with a journal, a budget and a case of plain figures."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Literal

import httpx2
from pydantic import JsonValue, SecretStr

from agents.budget import Spending
from agents.chat import Endpoint
from agents.exchanges import Caller
from agents.providers import Model, Price, Quirk
from agents.seat import ModelSeat
from agents.settings import BudgetSettings, PanelSettings, SeatSettings
from agents.spoken import Words
from agents.traffic import LiveTraffic, RecordedTraffic
from contracts.exchange import Exchange
from contracts.market import Side
from contracts.ports import Case
from contracts.records import Ballot, Evidence, FormulaView
from memory.scratch import MemoryJournal, OverlayBlobStore
from tests.servers.answers import Completion, Usage
from tests.servers.scripted import Scripted, ScriptedServer
from tests.tools.risk_scene import STAGE, atr_row, gate, proposal, report, snapshot, state

KEY = "sk-never-on-record"
PROPOSAL = proposal()
USAGE = Usage(prompt=1000, completion=100)
COST = Decimal("0.0012")
"""Of `USAGE` at `_PRICE`."""
_PRICE = Price(
    input=Decimal(1),
    output=Decimal(2),
    cached=Decimal(1),
    seen_on=date(2024, 3, 6),
    source="https://prices.invalid/kimi",
)
_MODEL = Model(
    name="kimi-k2",
    family="kimi",
    context_tokens=100_000,
    price=_PRICE,
    tools="yes",
    json_schema="yes",
    streaming="yes",
    reasoning="no",
)
RSI = atr_row(58.3172, evidence_id="rsi", tool="rsi", unit="points 0-100")
ATR = atr_row(0.000905)


def case_of(*evidence: Evidence, view: FormulaView | None = None) -> Case:
    """RSI and ATR are known, unless other evidence is given."""
    return Case(state(), snapshot(), report(*(evidence or (RSI, ATR))), gate(), view)


def view_of(reasoning: str) -> FormulaView:
    return FormulaView(
        **STAGE,
        level="vote",
        side=Side.BUY,
        supporting=("rsi",),
        opposing=(),
        reasoning=reasoning,
        exchanges=(),
    )


def vote_text(**changes: JsonValue) -> str:
    """A vote by the schema that rests on the evidence of `case_of`."""
    vote: dict[str, JsonValue] = {
        "reasoning": "RSI at 58.3 leans the same way, and nothing speaks against it.",
        "citations": ["rsi", "atr"],
        "answer": "APPROVE",
        "confidence": 70,
        "size_pct": 100,
        "stop_pips": 18.5,
        "target_pips": None,
    }
    return json.dumps(vote | changes)


def said(content: str | None) -> Completion:
    """An answer in pieces of a size that keeps streams short."""
    return Completion(content, usage=USAGE, piece=60)


VOTE = said(vote_text())
PARTS = VOTE.chunks()
"""Of `VOTE` as it is streamed: its beginning, its words, its reason to finish, its usage."""


def plain_http() -> httpx2.AsyncHTTPTransport:
    """Plain HTTP only: reading a store of certificates for every desk costs more than its vote."""
    return httpx2.AsyncHTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


@dataclass
class Desk:
    """What stands around one seat; `pauses` are what it would have slept, or did if it `sleeps`."""

    base_url: str
    settings: SeatSettings
    panel: PanelSettings
    quirks: tuple[Quirk, ...] = ()
    case: Case = field(default_factory=case_of)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    blobs: OverlayBlobStore = field(default_factory=OverlayBlobStore)
    pauses: list[float] = field(default_factory=list)
    heard: list[tuple[str, Words]] = field(default_factory=list)
    sleeps: bool = False
    key: str = KEY

    def __post_init__(self) -> None:
        self.spending = Spending(BudgetSettings(), lambda *_: _PRICE, lambda: date(2024, 3, 6))
        self.traffic = LiveTraffic(
            self.journal, self.blobs, self.spending, transport=plain_http(), heard=self._hear
        )

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        return self.journal.find_all(Exchange)

    @property
    def outcomes(self) -> list[str]:
        return [exchange.outcome for exchange in self.exchanges]

    @property
    def spent_usd(self) -> Decimal:
        """Of the day, with the worst case of what is under way."""
        return self.spending.budgets()[0].spent

    async def vote(self) -> Ballot:
        return await self.seat(self.traffic).vote(self.case, PROPOSAL, 1)

    async def replay(self) -> Ballot:
        """The vote again, from nothing but the record."""
        recorded = RecordedTraffic(self.blobs, self.exchanges)
        return await self.seat(recorded).vote(self.case, PROPOSAL, 1)

    def after_crash(self) -> "Desk":
        """The desk that starts on what this one has on record so far."""
        journal = MemoryJournal()
        for exchange in self.exchanges:
            journal.append(exchange, cycle_id=exchange.cycle_id, ordinal=1_000 + exchange.ordinal)
        return replace(self, journal=journal)

    def seat(self, lines: LiveTraffic | RecordedTraffic) -> ModelSeat:
        model = _MODEL.model_copy(update={"quirks": self.quirks})
        endpoint = Endpoint("moonshot", model, self.base_url, SecretStr(self.key))
        return ModelSeat("kimi", self.settings, self.panel, endpoint, lines, sleep=self._sleep)

    def _hear(self, caller: Caller, words: Words) -> None:
        self.heard.append((caller.seat, words))

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if self.sleeps:
            await asyncio.sleep(seconds)


@asynccontextmanager
async def desk_told(
    *steps: Scripted,
    case: Case | None = None,
    quirks: tuple[Quirk, ...] = (),
    timeout_s: float = 5,
    max_tokens: int = 1_200,
    deadline_s: float = 10,
    ungrounded: Literal["abstain", "mark"] = "abstain",
    journal: MemoryJournal | None = None,
) -> AsyncIterator[tuple[Desk, ScriptedServer]]:
    """A desk whose seat asks a server that says these; after the block there is no server."""
    with ScriptedServer() as server:
        server.script(*steps)
        settings = SeatSettings(
            provider="moonshot",
            model="kimi-k2",
            prompt="seat_kimi",
            timeout_s=timeout_s,
            max_tokens=max_tokens,
        )
        panel = PanelSettings(deadline_s=deadline_s, ungrounded=ungrounded)
        desk = Desk(server.base_url, settings, panel, quirks, case or case_of(), journal or MemoryJournal())
        try:
            yield desk, server
        finally:
            await desk.traffic.aclose()


async def assert_replay_is(ballot: Ballot, desk: Desk) -> None:
    again = await desk.replay()
    assert again == ballot
    assert again.record_id == ballot.record_id
