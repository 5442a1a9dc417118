"""Lines to a model that answers by script, in this process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import httpx2

from agents.exchanges import Caller
from agents.line import Line, Outside
from contracts.exchange import Exchange, Tokens
from memory.scratch import OverlayBlobStore

CALLER = Caller("ab" * 32, "seat", "kimi", "moonshot", "kimi-k2", None, "cd" * 32, max_tokens=100)

Answer = httpx2.Response | Exception


class Parts(httpx2.AsyncByteStream):
    """A body that comes in parts; an exception among them breaks it off, a number waits."""

    def __init__(self, *parts: bytes | Exception | float) -> None:
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            if isinstance(part, Exception):
                raise part
            if isinstance(part, bytes):
                yield part
            else:
                await asyncio.sleep(part)


@dataclass
class Model(httpx2.AsyncBaseTransport):
    """Gives its answers in order and keeps what it was asked."""

    answers: list[Answer]
    asked: list[httpx2.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Book:
    """What was written, as a journal would hold it."""

    blobs: OverlayBlobStore = field(default_factory=OverlayBlobStore)
    written: list[Exchange] = field(default_factory=list)
    latencies: list[float | None] = field(default_factory=list)

    def write(self, exchange: Exchange, latency_ms: float | None) -> Exchange:
        self.written.append(exchange)
        self.latencies.append(latency_ms)
        return exchange

    def outside(
        self,
        model: httpx2.AsyncBaseTransport,
        may_ask: Callable[[Caller, int, int], str | None] | None = None,
    ) -> Outside:
        def cost_of(_caller: Caller, tokens: Tokens) -> Decimal:
            return Decimal(tokens.input + 2 * tokens.output) / 1_000_000

        return Outside(model, self.write, cost_of, may_ask or (lambda _caller, _in, _out: None))

    def line(
        self,
        *answers: Answer,
        recorded: Sequence[Exchange] = (),
        may_ask: Callable[[Caller, int, int], str | None] | None = None,
    ) -> Line:
        """A line to a model that gives these answers."""
        return Line(CALLER, self.blobs, recorded, self.outside(Model(list(answers)), may_ask))

    def replay(self) -> Line:
        """A line that may not ask."""
        return Line(CALLER, self.blobs, self.written, None)
