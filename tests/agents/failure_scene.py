"""A fault at each model that is asked by default, with the quirks and prices of its own endpoint.

    fault, model -> scripted server -> ballot or view -> decision, and what the budget counted

The seats are the default panel, the brain is the local one. What comes out is held against the laws here:
`Lawless` names the one that was broken.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Event as Signal
from typing import TypeVar
from unittest.mock import patch

from pydantic import SecretStr

from agents.budget import Spending
from agents.chat import Endpoint
from agents.consensus import ConsensusSettings, decide
from agents.dossier import BEGIN, END
from agents.endpoints import find_endpoint
from agents.formula_brain import BarsOf, FormulaBrain
from agents.providers import Price, Quirk, find_model
from agents.seat import ModelSeat
from agents.settings import DEFAULT_SEATS, BrainSettings, BudgetSettings, PanelSettings, SeatSettings
from agents.traffic import LiveTraffic, RecordedTraffic
from contracts.exchange import Exchange
from contracts.market import Timeframe
from contracts.ports import Case
from contracts.records import Ballot, FormulaView
from memory.scratch import MemoryJournal, OverlayBlobStore
from tests.agents.failures import UNDISTURBED, Ability, Fault
from tests.agents.seat_scene import KEY, PROPOSAL, plain_http
from tests.servers.answers import Completion, Delivery, Reply, Step, Stream, typed_error
from tests.servers.scripted import Request, ScriptedServer
from tests.tools.price_paths import random_bars

SEATS = PanelSettings().seats
BRAINS: dict[str, Ability] = {"brain, tools": "tools", "brain, single": "single"}
MODELS = (*SEATS, *BRAINS)

Said = TypeVar("Said", bound=Ballot | FormulaView)

_DEADLINE_S, _SOON_S = 60.0, 0.1
_BARS = {Timeframe.H1: random_bars(1, 600), Timeframe.H4: random_bars(2, 600)}
_MIDNIGHT = datetime(2024, 3, 6, tzinfo=UTC)


class Lawless(AssertionError):
    """A fault ended as what it must never be."""


@dataclass(frozen=True)
class Found:
    """What came of a fault at one model; money and tokens as the budget counts them."""

    who: str
    on_record: str
    decision: str
    n_requests: int
    tokens: Decimal
    usd: Decimal


async def undergo(fault: Fault, who: str) -> Found:
    """Ask one model while this goes wrong, let the panel decide, ask again from the record alone."""
    with ScriptedServer() as server:
        stand = _Stand(server.base_url, fault, who)
        server.always(stand.served, model=stand.endpoint.model.name)
        with stand.clock.running():
            try:
                said = await _lawfully(fault, who, stand.ask(stand.traffic))
            finally:
                await stand.end()
        requests = tuple(server.requests)
        decided = await _decided(fault.case, said, server)
    again = await _lawfully(fault, who, stand.ask(RecordedTraffic(stand.blobs, stand.exchanges)))
    if again.record_id != said.record_id:
        raise Lawless(f"{fault.name} at {who}: expected the same in a replay, found {again}")
    _check_words(fault, who, said)
    _check_traffic(fault, who, stand, requests)
    usd, tokens = (budget.spent for budget in stand.spending.budgets())
    return Found(who, _told(said), decided, len(requests), tokens, usd)


def price_of(provider: str, model: str) -> Price | None:
    """By the catalogue."""
    return find_model(provider, model).price


class _WallClock:
    """`time.time` and the budget's day; deadlines must not look at either."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def today(self) -> date:
        return self._at.date()

    def _now(self) -> float:
        return self._at.timestamp()

    def jump(self, by: timedelta) -> None:
        self._at += by

    @contextmanager
    def running(self) -> Iterator[None]:
        with patch.object(time, "time", self._now):
            yield


class _Stand:
    """One model at a server, and everything that it needs around it."""

    def __init__(self, base_url: str, fault: Fault, who: str) -> None:
        self._fault, self._who = fault, who
        self._settings = _settings(fault, who, base_url)
        self.endpoint = _endpoint(self._settings)
        self.clock = _WallClock(_MIDNIGHT - fault.jump / 2)
        self.journal, self.blobs = MemoryJournal(), OverlayBlobStore()
        self.spending = Spending(BudgetSettings(), price_of, self.clock.today)
        self.traffic = LiveTraffic(self.journal, self.blobs, self.spending, transport=plain_http())
        self._is_over = Signal()

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        return self.journal.find_all(Exchange)

    def served(self, _request: Request) -> Step:
        """What the server says, after what happens while it is waited for."""
        fault = self._fault
        self.clock.jump(fault.jump)
        if fault.is_late:
            self._is_over.wait(_DEADLINE_S)
        if self._who in BRAINS:
            return fault.to_brain(BRAINS[self._who])
        return _in_its_manner(fault.to_seat, self.endpoint.model.quirks)

    async def ask(self, lines: LiveTraffic | RecordedTraffic) -> Ballot | FormulaView:
        settings, case = self._settings, self._fault.case
        if isinstance(settings, BrainSettings):
            bars = BarsOf(lambda _snapshot: _BARS, lambda _snapshot: ())
            return await FormulaBrain(settings, self.endpoint, lines, bars).read(replace(case, view=None))
        panel = PanelSettings(deadline_s=_deadline_s(self._fault))
        seat = ModelSeat(self._who, settings, panel, self.endpoint, lines, sleep=_no_pause)
        return await seat.vote(case, PROPOSAL, SEATS.index(self._who))

    async def end(self) -> None:
        """Let what is late come in, and close."""
        self._is_over.set()
        async with asyncio.timeout(_DEADLINE_S):
            while self._fault.is_late and len(self.exchanges) < 2:  # noqa: ASYNC110 - it comes over a socket
                await asyncio.sleep(0.005)
        await self.traffic.aclose()


async def _no_pause(_seconds: float) -> None: ...


def _deadline_s(fault: Fault) -> float:
    return _SOON_S if fault.is_late else _DEADLINE_S


def _settings(fault: Fault, who: str, base_url: str) -> SeatSettings | BrainSettings:
    if who in BRAINS:
        brain = BrainSettings(model="qwen3:8b", ability=BRAINS[who], deadline_s=_deadline_s(fault))
        return brain.model_copy(update={"base_url": base_url, "timeout_s": fault.timeout_s})
    return DEFAULT_SEATS[who].model_copy(update={"base_url": base_url, "timeout_s": fault.timeout_s})


def _endpoint(settings: SeatSettings | BrainSettings) -> Endpoint:
    found = find_endpoint(settings, SecretStr(KEY))
    assert isinstance(found, Endpoint), found
    return found


def _in_its_manner(step: Step, quirks: Sequence[Quirk]) -> Step:
    """The same, as this endpoint says it."""
    if isinstance(step, Delivery):
        of = _in_its_manner(step.of, quirks)
        assert isinstance(of, Completion | Reply | Stream)
        return replace(step, of=of)
    if isinstance(step, Reply) and step.status >= 400 and Quirk.TYPED_ERROR in quirks:
        return typed_error(step.status, "api_error", json.loads(step.body)["error"]["message"])
    if isinstance(step, Completion) and step.content and Quirk.THINK_TAGS in quirks:
        return replace(step, content=f"<think>Let me see.</think>\n{step.content}")
    if isinstance(step, Completion) and Quirk.REASONING_CONTENT in quirks:
        step = replace(step, reasoning="Let me see.")
    if isinstance(step, Completion) and Quirk.KEEP_ALIVE in quirks:
        return Stream((": keep-alive", *step.chunks()))
    if isinstance(step, Stream) and Quirk.KEEP_ALIVE in quirks:
        return replace(step, events=(": keep-alive", *step.events))
    return step


async def _decided(case: Case, said: Ballot | FormulaView, server: ScriptedServer) -> str:
    """What the desk does where the other seats approve; where it is a view, all of them."""
    if isinstance(said, FormulaView):
        case = replace(case, view=said)
    ballots = []
    for name in SEATS:
        if isinstance(said, Ballot) and said.seat == name:
            ballots.append(said)
            continue
        stand = _Stand(server.base_url, replace(UNDISTURBED, case=case), name)
        server.script(stand.served, model=stand.endpoint.model.name)
        ballot = await stand.ask(stand.traffic)
        await stand.end()
        assert isinstance(ballot, Ballot)
        assert ballot.answer == "APPROVE", ballot
        ballots.append(ballot)
    decision = decide(PROPOSAL, ballots, len(SEATS), ConsensusSettings())
    return _SIZES.get(decision.size_fraction) or f"{decision.size_fraction:.0%} of the size"


_SIZES = {0.0: "stands aside", 0.5: "half size", 1.0: "full size"}


def _told(said: Ballot | FormulaView) -> str:
    if said.abstained is not None:
        return f"abstains: {said.abstained}"
    return said.answer if isinstance(said, Ballot) else f"{said.side or 'no side'}"


async def _lawfully(fault: Fault, who: str, asking: Awaitable[Said]) -> Said:
    try:
        return await asking
    except Exception as error:
        raise Lawless(f"{fault.name} at {who}: expected a record, found {error!r}") from error


def _check_words(fault: Fault, who: str, said: Ballot | FormulaView) -> None:
    if isinstance(said, Ballot):
        opinions = (said.confidence, said.size_bound, said.advised_stop_pips, said.advised_target_pips)
        is_silent = said.answer == "ABSTAIN" and opinions == (None,) * len(opinions)
    else:
        is_silent = said.side is None and not (said.supporting or said.opposing)
    is_silent = is_silent and bool(said.abstained) and said.reasoning == ""
    is_vote = said.abstained is None and (isinstance(said, FormulaView) or said.answer == "APPROVE")
    if not (is_vote if fault.is_answered else is_silent):
        expected = "the answer that was given" if fault.is_answered else "an abstention and nothing else"
        raise Lawless(f"{fault.name} at {who}: expected {expected}, found {said}")
    if "Traceback" in str(said):
        raise Lawless(f"{fault.name} at {who}: expected a reason, found a traceback: {said.abstained}")


def _check_traffic(fault: Fault, who: str, stand: "_Stand", requests: Sequence[Request]) -> None:
    """Each request is on record, none holds a key, and outside text stays inside its lines."""
    asked = [each for each in stand.exchanges if each.outcome not in ("not_asked", "late")]
    if len(asked) != len(requests):
        raise Lawless(f"{fault.name} at {who}: expected {len(requests)} exchanges, found {len(asked)}")
    for request in requests:
        if KEY.encode() in request.body:
            raise Lawless(f"{fault.name} at {who}: expected no key in a request, found one")
    (case,) = (
        text
        for place in range(2)
        if BEGIN in (text := str(requests[0].at("messages", place, "content"))).split("\n", 1)[0]
    )
    first, *inside, last = case.split("\n")
    if (first, last) != (BEGIN, END) or any(BEGIN in line or END in line for line in inside):
        raise Lawless(f"{fault.name} at {who}: expected the data between its two lines, found {case}")
