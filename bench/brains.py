"""What our code costs on top of a model: votes and readings whose model answers in no time.

    seat or brain -> its client -> line, budget, journal and blobs on this disk -> an answer that is there

The case is a real report of the bundled EUR/USD hours. Answers come as providers send them (a seat's in
parts of eight characters), first from a transport in this process, then from the scripted server on loopback.
Each is timed in turn with its client library alone, over the same transport and with the messages that are
on record: what is ours is the difference. The library's clients are kept, ours are made for every cycle.
"""

import asyncio
import json
import ssl
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import httpx2
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI
from pydantic import JsonValue, SecretStr
from pydantic_ai import Agent, NativeOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from agents.agent_model import let_through
from agents.budget import Spending
from agents.chat import Endpoint, open_chat
from agents.dossier import plain
from agents.endpoints import find_endpoint
from agents.formula_brain import BarsOf, FormulaBrain
from agents.providers import find_model
from agents.seat import ModelSeat
from agents.settings import DEFAULT_SEATS, BrainSettings, BudgetSettings, PanelSettings, SeatSettings
from agents.traffic import LiveTraffic
from agents.view_answer import ViewAnswer
from bench.grounding_scenes import Moment, moments
from bench.report import publish, table
from contracts.canonical import sha256_hex
from contracts.exchange import Exchange
from desk.environment import describe_environment
from memory.blobs import FileBlobStore
from memory.journal import SqliteJournal
from tests.agents.lines import Parts
from tests.servers.answers import Completion, Stream, ToolCall
from tests.servers.scripted import ScriptedServer

N, N_WARM = 200, 10
AIM_MS = {"one seat": 10, "three seats at once": 15}
NOWHERE = "http://127.0.0.1:9/v1"
SEATS = PanelSettings().seats
MODEL = "qwen3:8b"

Asked = Callable[[Moment], Awaitable[object]]


@dataclass(frozen=True)
class Timed:
    """Seconds of ours, and of the client library alone, in turn."""

    what: str
    ours: Sequence[float]
    client: Sequence[float]
    processor: Sequence[float]
    """Seconds of the processor that ours took more; what else runs on the machine changes them little."""


class Instant(httpx2.AsyncBaseTransport):
    """Answers at once, by what is asked."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        asked: dict[str, JsonValue] = json.loads(await request.aread())
        kind = "text/event-stream" if asked.get("stream") else "application/json"
        parts = _parts(_answer(asked), str(asked["model"]), is_streamed=bool(asked.get("stream")))
        return httpx2.Response(200, headers={"content-type": kind}, stream=Parts(*parts))


@cache
def _parts(said: Completion, model: str, *, is_streamed: bool) -> tuple[bytes, ...]:
    if is_streamed:
        return tuple(Stream(said.chunks(model)).pieces())
    return (json.dumps(said.whole(model)).encode(),)


def main() -> None:
    """Measure and publish."""
    inside, over_socket = asyncio.run(_measured())
    head = ("what", "n", "median ms", "p95 ms", "client alone", "p95", "ours", "ours, processor")
    parts = [
        "In this process:",
        table(head, _rows(inside)),
        "Over loopback:",
        table(head, _rows(over_socket)),
    ]
    publish("brains", "Our own cost of a model call", "\n\n".join([*parts, _aims(inside), _building()]))


async def _measured() -> tuple[list[Timed], list[Timed]]:
    with tempfile.TemporaryDirectory() as home, ScriptedServer() as server:
        server.always(lambda request: _answer(json.loads(request.body)))
        journal = SqliteJournal(
            Path(home) / "journal.db",
            environment=describe_environment(),
            session_id="bench",
            clock=lambda: datetime.now(UTC),
        )
        with closing(journal):
            blobs = FileBlobStore(Path(home) / "blobs")
            inside = await _Stand(journal, blobs, Instant(), NOWHERE).measured("inside")
            way_out = httpx2.AsyncHTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
            over_socket = await _Stand(journal, blobs, way_out, server.base_url).measured("loopback")
            await way_out.aclose()
    return inside, over_socket


class _Stand:
    """Seats, brains and bare clients at one address."""

    def __init__(
        self, journal: SqliteJournal, blobs: FileBlobStore, transport: httpx2.AsyncBaseTransport, url: str
    ) -> None:
        no_cap = BudgetSettings(usd_per_day=Decimal(1000), tokens_per_day=10**9)
        spending = Spending(no_cap, lambda *of: find_model(*of).price, lambda: date(2026, 1, 1))
        self._journal, self._blobs, self._transport, self._url = journal, blobs, transport, url
        self._traffic = LiveTraffic(journal, blobs, spending, transport=transport)

    async def measured(self, where: str) -> list[Timed]:
        ours = {
            "one seat": self._seats("kimi"),
            "three seats at once": self._seats(*SEATS),
            "brain, single": self._brain("single"),
            "brain, one tool": self._brain("tools"),
        }
        found = []
        for what, asked in ours.items():
            first = _in_cycle(f"{where} {what} first")
            await asked(first)
            client = self._client(self._journal.find_all(Exchange, first.case.report.cycle_id))
            found.append(await _timed(what, where, asked, client))
        return found

    def _seats(self, *names: str) -> Asked:
        seats = [
            ModelSeat(
                name, DEFAULT_SEATS[name], PanelSettings(), self._endpoint(DEFAULT_SEATS[name]), self._traffic
            )
            for name in names
        ]

        async def asked(moment: Moment) -> None:
            votes = (seat.vote(moment.case, moment.proposal, place) for place, seat in enumerate(seats))
            for ballot in await asyncio.gather(*votes):
                assert ballot.answer == "APPROVE", ballot

        return asked

    def _brain(self, ability: str) -> Asked:
        settings = BrainSettings.model_validate({"model": MODEL, "ability": ability})
        bars = BarsOf(lambda _snapshot: moments()[1].bars, lambda _snapshot: ())
        brain = FormulaBrain(settings, self._endpoint(settings), self._traffic, bars)

        async def asked(moment: Moment) -> None:
            view = await brain.read(moment.case)
            assert view.abstained is None, view
            assert len(view.called) == (ability == "tools"), view

        return asked

    def _endpoint(self, settings: SeatSettings | BrainSettings) -> Endpoint:
        found = find_endpoint(settings.model_copy(update={"base_url": self._url}), SecretStr("none"))
        assert isinstance(found, Endpoint), found
        return found

    def _client(self, exchanges: Sequence[Exchange]) -> Asked:
        """The library alone, asking what is on record."""
        requests = [json.loads(self._blobs.get(each.request or "")) for each in exchanges]
        if exchanges[0].role == "brain":
            return self._agent(requests[0])
        return self._chats(requests)

    def _chats(self, requests: Sequence[dict[str, JsonValue]]) -> Asked:
        chats = [self._chat(request) for request in requests]

        async def asked(_moment: Moment) -> None:
            await asyncio.gather(*(chat.ainvoke(messages) for chat, messages in chats))

        return asked

    def _chat(self, request: dict[str, JsonValue]) -> tuple[ChatOpenAI, list[SystemMessage | HumanMessage]]:
        system, user = _messages(request)
        kept = {"response_format": request["response_format"]} if "response_format" in request else {}
        chat = ChatOpenAI(
            model=str(request["model"]),
            base_url=self._url,
            api_key=SecretStr("none"),
            streaming=True,
            stream_usage=True,
            stream_chunk_timeout=None,
            model_kwargs=kept,
            http_async_client=httpx2.AsyncClient(transport=self._transport),
        )
        return chat, [SystemMessage(system), HumanMessage(user)]

    def _agent(self, request: dict[str, JsonValue]) -> Asked:
        system, user = _messages(request)
        client = AsyncOpenAI(
            base_url=self._url, api_key="none", http_client=httpx2.AsyncClient(transport=self._transport)
        )
        model = OpenAIChatModel(MODEL, provider=OpenAIProvider(openai_client=client))

        async def call_tool(name: str, timeframe: str) -> str:
            return f"{name} {timeframe} 1"

        agent: Agent[None, ViewAnswer]
        if "tools" in request:
            agent = Agent(
                model, output_type=ToolOutput(ViewAnswer, name="view"), instructions=system, tools=[call_tool]
            )
        else:
            agent = Agent(model, output_type=NativeOutput(ViewAnswer), instructions=system)

        async def asked(_moment: Moment) -> None:
            await agent.run(user, event_stream_handler=let_through)

        return asked


async def _timed(what: str, where: str, ours: Asked, client: Asked) -> Timed:
    found: tuple[list[float], list[float]] = ([], [])
    processor: list[float] = []
    for index in range(N_WARM + N):
        moment = _in_cycle(f"{where} {what} {index}")
        used = []
        for asked, times in zip((ours, client), found, strict=True):
            started, used_before = time.perf_counter(), time.process_time()
            await asked(moment)
            times.append(time.perf_counter() - started)
            used.append(time.process_time() - used_before)
        processor.append(used[0] - used[1])
    return Timed(what, *(times[N_WARM:] for times in (*found, processor)))


def _in_cycle(name: str) -> Moment:
    """The same case as that of another cycle: none is answered from the record."""
    moment, about = moments()[1], {"cycle_id": sha256_hex(name.encode())}
    report, gate = moment.case.report.model_copy(update=about), moment.case.gate.model_copy(update=about)
    case = replace(moment.case, report=report, gate=gate)
    return replace(moment, case=case, proposal=moment.proposal.model_copy(update=about))


def _messages(request: dict[str, JsonValue]) -> tuple[str, str]:
    messages = request["messages"]
    assert isinstance(messages, list)
    system, user = (str(each["content"]) for each in messages[:2] if isinstance(each, dict))
    return system, user


def _answer(request: dict[str, JsonValue]) -> Completion:
    """A vote to a seat; to a brain a view, after a call where it has tools."""
    vote, view = _texts()
    messages = request["messages"]
    assert isinstance(messages, list)
    if request["model"] != MODEL:
        return Completion(vote)
    if "tools" not in request:
        return Completion(view)
    if len(messages) > 2:
        return Completion(tool_calls=(ToolCall("view", view, "b"),))
    return Completion(tool_calls=(ToolCall("call_tool", '{"name": "rsi", "timeframe": "1h"}', "a"),))


@cache
def _texts() -> tuple[str, str]:
    """A vote and a view with true numbers."""
    known = [row for row in moments()[1].case.report.evidence if row.value is not None][:3]
    reads = " ".join(f"{row.evidence_id} reads {plain(row.value or 0.0)}." for row in known)
    reasoning = f"{reads} Together they speak for the trade, and little weighs against it."
    ids = [row.evidence_id for row in known]
    advice = {"confidence": 70, "size_pct": 100, "stop_pips": None, "target_pips": None}
    vote = {"reasoning": reasoning, "citations": ids, "answer": "APPROVE"} | advice
    view = {"reasoning": reasoning, "supporting": ids, "opposing": [], "side": "BUY"}
    return json.dumps(vote), json.dumps(view)


def _rows(found: Sequence[Timed]) -> list[tuple[str, ...]]:
    return [
        (
            each.what,
            str(len(each.ours)),
            *_median_and_p95(each.ours),
            *_median_and_p95(each.client),
            f"{_ours_ms(each):.1f}",
            f"{statistics.median(each.processor) * 1e3:.1f}",
        )
        for each in found
    ]


def _median_and_p95(seconds: Sequence[float]) -> tuple[str, str]:
    p95 = statistics.quantiles(seconds, n=20)[-1]
    return f"{statistics.median(seconds) * 1e3:.1f}", f"{p95 * 1e3:.1f}"


def _ours_ms(of: Timed) -> float:
    """Median of the differences, each of two that ran one after the other."""
    return statistics.median(a - b for a, b in zip(of.ours, of.client, strict=True)) * 1e3


def _aims(found: Sequence[Timed]) -> str:
    lines = []
    for each in (one for one in found if one.what in AIM_MS):
        aim, total = AIM_MS[each.what], statistics.median(each.ours) * 1e3
        lines += [
            f"- {each.what}: {total:.1f} ms in total ({_against(total, aim)}), "
            f"{_ours_ms(each):.1f} ms over the client's own ({_against(_ours_ms(each), aim)})"
        ]
    return "\n".join(
        ["Against the aim of 10 ms a seat and 15 ms for three at once, in this process:", "", *lines]
    )


def _against(found: float, aim: float) -> str:
    return "met" if found <= aim else "not met"


def _building() -> str:
    """What it costs that a client belongs to one cycle."""
    endpoint = find_endpoint(DEFAULT_SEATS["kimi"], SecretStr("none"))
    assert isinstance(endpoint, Endpoint)
    times = []
    for _ in range(N):
        started = time.perf_counter()
        open_chat(
            endpoint,
            Instant(),
            schema={},
            answer_as="json_schema",
            temperature=None,
            max_tokens=1_200,
            timeout_s=20,
        )
        times.append(time.perf_counter() - started)
    return f"Of it, making a client for the cycle: {statistics.median(times) * 1e3:.2f} ms a seat."


if __name__ == "__main__":
    main()
