"""A seat's line to its model during one cycle: what is on record first, then, where allowed, the model.

    client (ChatOpenAI, pydantic-ai) -> Line -> recorded Exchange | provider's server -> Exchange on record

One class serves every mode. Trading starts with nothing on record and asks. After a crash the cycle's
exchanges are on record and only the rest is asked. A replay may not ask at all: what it cannot find raises
NotOnRecord. Deliberate oddities: an answer is read to its end in a task of its own, whatever the client does
with it, so that one that comes in after the deadline is still on record, and paid for; and what was *not*
asked is an exchange too, or a replay could not tell it from a loss.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from time import perf_counter

import httpx2

from agents.exchanges import LATE, Caller, Outcome, exchange_of, is_answer, tokens_in, without_random_ids
from agents.spoken import Spoken, Words
from agents.streams import Parts, parts_of
from agents.usage import DONE
from contracts.errors import DualbrainError, NotOnRecord
from contracts.exchange import Exchange, Tokens
from contracts.ports import BlobStore


class NotAsked(Exception):
    """The model was not asked, and the message says why; the seat abstains with it."""


class DeadlinePassed(httpx2.TimeoutException):
    """On record, the cycle went on without this answer; raised in its place when that is played back."""


@dataclass(frozen=True)
class Outside:
    """What a line needs to ask a model: a way out, somewhere to write, and leave to ask."""

    transport: httpx2.AsyncBaseTransport
    write: Callable[[Exchange, float | None], Exchange]
    """Commits the exchange with its latency in ms, and returns it."""
    cost_of: Callable[[Caller, Tokens], Decimal | None]
    may_ask: Callable[[Caller, int, int], str | None]
    """Given tokens in and tokens out at worst: why not, or None."""
    background: set[asyncio.Task[None]] = field(default_factory=set)
    heard: Callable[[Caller, Words], None] = lambda _caller, _words: None
    """Told the words of an answer as they come in, for people to watch."""


class Line(httpx2.AsyncBaseTransport):
    """The transport under one seat's client for one cycle."""

    def __init__(
        self,
        caller: Caller,
        blobs: BlobStore,
        recorded: Sequence[Exchange],
        outside: Outside | None,
        elsewhere: Sequence[Exchange] = (),
    ) -> None:
        self.caller = caller
        self._blobs = blobs
        in_time = (exchange for exchange in recorded if exchange.ordinal < LATE)
        self._recorded = deque(sorted(in_time, key=lambda exchange: exchange.ordinal))
        self._elsewhere = [each for each in elsewhere if is_answer(each, caller)]
        self._outside = outside
        numbered = [each.ordinal for each in (*recorded, *elsewhere) if each.role == caller.role]
        self._next = max((ordinal + 1 for ordinal in numbered if ordinal < LATE), default=0)
        self.begun_with = self._recorded[0].prompt_sha if self._recorded else None
        """Prompt of this cycle's first request, where it is on record."""
        self._lost: NotOnRecord | None = None
        self._under_way: _Fetch | None = None
        self._deadline: asyncio.Timeout | None = None
        self._seconds = 0.0
        self.exchanges: list[Exchange] = []
        """Every exchange of this cycle so far, played back or made."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The recorded answer to this request, or the model's."""
        body = await request.aread()
        if (exchange := self._on_record(body)) is not None:
            self.exchanges.append(exchange)
            if exchange.outcome == "not_asked":
                raise NotAsked(exchange.error)
            return self._again(exchange)
        if self._outside is None:
            found = "another one" if self._recorded else "no more"
            self._lost = NotOnRecord(
                f"expected request {len(self.exchanges)} of {self.caller.seat} on record, found {found}: "
                "its prompt, model or settings differ",
                stage="Exchange",
            )
            raise self._lost
        self._recorded.clear()
        if self._deadline is not None and self._deadline.when() is None:
            self._deadline.reschedule(asyncio.get_running_loop().time() + self._seconds)
        if why := self._outside.may_ask(self.caller, tokens_in(body), self.caller.max_tokens):
            self._forgo(self._outside, why)
            raise NotAsked(why)
        self._under_way = _Fetch(self, self._outside, request, body)
        return await self._under_way.answer()

    @asynccontextmanager
    async def within(self, seconds: float) -> AsyncIterator[None]:
        """Raise TimeoutError so long after the first request that is not on record.

        After a crash, or in a replay, there may be none; then no time passes.
        """
        self._seconds = seconds
        async with asyncio.timeout(None) as self._deadline:
            yield

    def give_up(self, why: str) -> None:
        """Call when the deadline has passed: the answer under way, if any, will be late."""
        if self._outside is None or self._recorded:
            return
        if self._under_way is not None and not self._under_way.is_over:
            self._under_way.give_up(why)
        else:
            self._forgo(self._outside, why)

    def given_up(self) -> str | None:
        """Why it was given up after its last answer had come, where that is on record; None else.

        Nobody asks again for what came too late to be used, so no request would find it.
        """
        if not self._recorded or self._recorded[0].outcome != "not_asked":
            return None
        exchange = self._recorded.popleft()
        self.exchanges.append(exchange)
        return exchange.error

    async def settled(self) -> None:
        """Wait until what is under way, if anything, is on record: a client may have turned away before."""
        if self._under_way is not None:
            await self._under_way.ended()

    def check_on_record(self) -> None:
        """Raise NotOnRecord where a request found nothing; a client hides it in an error of its own."""
        if self._lost is not None:
            raise self._lost

    @property
    def answered(self) -> bytes:
        """The body of the newest answer; nothing where none came."""
        blob = self.exchanges[-1].response if self.exchanges else None
        return b"" if blob is None else self._blobs.get(blob)

    @property
    def is_playing_back(self) -> bool:
        """Whether the next answer is on record: no time passes then."""
        return self._outside is None or bool(self._recorded)

    def made(
        self,
        outside: Outside,
        outcome: Outcome,
        *,
        request: httpx2.Request | None = None,
        body: bytes | None = None,
        error: str = "",
        head: httpx2.Response | None = None,
        answer: bytes | None = None,
        ordinal: int | None = None,
        latency_ms: float | None = None,
    ) -> Exchange:
        """Put an exchange on record."""
        if ordinal is None:
            ordinal, self._next = self._next, self._next + 1
        exchange = exchange_of(
            self.caller,
            self._blobs,
            ordinal,
            outcome,
            error,
            request=request,
            body=body,
            head=head,
            answer=answer,
            cost_of=outside.cost_of,
        )
        exchange = outside.write(exchange, latency_ms)
        if ordinal < LATE:
            self.exchanges.append(exchange)
        return exchange

    def _forgo(self, outside: Outside, why: str) -> None:
        self.made(outside, "not_asked", error=why)

    def _on_record(self, body: bytes) -> Exchange | None:
        """What answers this request: the next of the cycle's own, else one asked elsewhere, each once."""
        if self._recorded and (
            self._recorded[0].outcome == "not_asked" or self._is_same(self._recorded[0], body)
        ):
            return self._recorded.popleft()
        for exchange in self._elsewhere:
            if self._is_same(exchange, body):
                # The cycle's own course is left for good: what follows in it answers other questions.
                self._recorded.clear()
                self._elsewhere.remove(exchange)
                return exchange
        return None

    def _is_same(self, exchange: Exchange, body: bytes) -> bool:
        if exchange.request is None:
            return False
        return without_random_ids(self._blobs.get(exchange.request)) == without_random_ids(body)

    def _again(self, exchange: Exchange) -> httpx2.Response:
        if exchange.outcome in _AGAIN:
            raise _AGAIN[exchange.outcome](exchange.error)
        body = b"" if exchange.response is None else self._blobs.get(exchange.response)
        parts: list[bytes | Exception] = [body]
        if exchange.outcome == "cut":
            parts.append(httpx2.ReadError(exchange.error))
        headers = {"content-type": exchange.content_type} if exchange.content_type else {}
        return httpx2.Response(exchange.status or 200, headers=headers, stream=Parts(parts))


_AGAIN: dict[str, type[httpx2.TransportError]] = {
    "timeout": httpx2.ReadTimeout,
    "unreachable": httpx2.ConnectError,
    "deadline": DeadlinePassed,
}


class _Fetch(httpx2.AsyncByteStream):
    """One request under way: read to its end by a task of its own, handed on as it comes."""

    def __init__(self, line: Line, outside: Outside, request: httpx2.Request, body: bytes) -> None:
        self.is_over = False
        self._line, self._outside, self._request, self._body = line, outside, request, body
        self._request.headers["accept-encoding"] = "identity"
        self._given_up: int | None = None
        self._max_bytes = line.caller.max_answer_bytes
        self._handed_on: asyncio.Queue[httpx2.Response | bytes | Exception | None] = asyncio.Queue()
        self._unwritten: DualbrainError | None = None
        self._spoken, self._hear = Spoken(), partial(outside.heard, line.caller)
        self._reading = asyncio.create_task(self._read())
        outside.background.add(self._reading)
        self._reading.add_done_callback(outside.background.discard)

    async def answer(self) -> httpx2.Response:
        head = await self._handed_on.get()
        if isinstance(head, httpx2.Response):
            return httpx2.Response(head.status_code, headers=head.headers, stream=self)
        raise head if isinstance(head, Exception) else httpx2.RemoteProtocolError("no answer")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (part := await self._handed_on.get()) is not None:
            if isinstance(part, Exception):
                raise part
            if isinstance(part, bytes):
                yield part

    async def ended(self) -> None:
        """Wait for the end; who is cancelled here lets it go on. Raises what kept it off record."""
        await asyncio.wait([self._reading])
        if self._unwritten is not None:
            raise self._unwritten

    def give_up(self, why: str) -> None:
        """The cycle goes on without it; what still comes in is on record as late."""
        exchange = self._line.made(
            self._outside, "deadline", request=self._request, body=self._body, error=why
        )
        self._given_up = LATE + exchange.ordinal

    async def _read(self) -> None:
        started = perf_counter()
        head: httpx2.Response | None = None
        received = bytearray()
        failure: Exception | None = None
        outcome: Outcome = "complete"
        try:
            head = await self._outside.transport.handle_async_request(self._request)
            self._handed_on.put_nowait(head)
            async for part in parts_of(head):
                received += part
                if len(received) > self._max_bytes:
                    raise httpx2.ReadError(f"the answer is longer than {self._max_bytes:,} bytes")
                self._handed_on.put_nowait(part)
                self._spoken.tell(part, self._hear)
                # Some servers keep a finished stream open; reading on would only wait.
                if received[-32:].rstrip().endswith(DONE):
                    break
        except httpx2.TimeoutException as error:
            outcome, failure = "timeout", error
        except (httpx2.HTTPError, OSError) as error:
            outcome, failure = "unreachable" if head is None else "cut", error
        except asyncio.CancelledError:
            outcome, failure = "cut", httpx2.ReadError("the desk was closed")
        except Exception as error:  # noqa: BLE001 - the end of a task: nobody else would ever see it
            outcome, failure = "unreachable" if head is None else "cut", error
        if head is not None:
            await head.aclose()
        self.is_over = True
        try:
            self._line.made(
                self._outside,
                outcome if self._given_up is None else "late",
                request=self._request,
                body=self._body,
                error="" if failure is None else str(failure) or type(failure).__name__,
                head=head,
                answer=None if head is None else bytes(received),
                ordinal=self._given_up,
                latency_ms=(perf_counter() - started) * 1000,
            )
        except DualbrainError as error:
            # Here nobody would see it; who waits for the answer must.
            failure = self._unwritten = error
        self._handed_on.put_nowait(failure)
