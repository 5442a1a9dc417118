"""The `ollama` client on record: a transport that writes down what it carries, and one that needs no server.

    ollama.Client -> OllamaRecorder -> server, and an Exchange with both bodies in the journal
    ollama.Client -> OllamaPlayback -> those exchanges, and nobody behind them

agents/line.py does this for the seats. This client blocks, speaks another httpx, and looks after models
instead of voting: there is no cycle, no budget and no deadline, and the same is asked again at every start.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter

import httpx

from agents.exchanges import Caller, Outcome, exchange_of, without_random_ids
from agents.key_mask import masked
from contracts.errors import NotOnRecord
from contracts.exchange import Exchange
from contracts.ports import BlobStore, Journal

_LEFT = "the client left before the end"


class OllamaRecorder(httpx.BaseTransport):
    """To the server, and onto the record; parts of an answer are handed on as they come.

    More than the caller's `max_answer_bytes` of an answer is handed on and not kept: the progress of a long
    pull must not end the pull.
    """

    def __init__(self, caller: Caller, journal: Journal, blobs: BlobStore) -> None:
        self._caller, self._journal, self._blobs = caller, journal, blobs
        self._way_out: httpx.HTTPTransport | None = None
        self._next = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The server's answer, on record when it ends."""
        request.read()
        # What is on record is what the server said, not its compression.
        request.headers["accept-encoding"] = "identity"
        if self._way_out is None:
            self._way_out = httpx.HTTPTransport(trust_env=False)
        asked = _Asked(self._caller, self._journal, self._blobs, self._next, request, perf_counter())
        self._next += 1
        try:
            head = self._way_out.handle_request(request)
        except (httpx.HTTPError, OSError) as error:
            asked.write(_outcome_of(error, None), _words(error), None, None)
            raise
        answer = _Recording(asked, head)
        return httpx.Response(
            head.status_code, headers=head.headers, stream=answer, extensions=head.extensions
        )

    def close(self) -> None:
        """Let go of the connections; the next request opens one anew."""
        if self._way_out is not None:
            self._way_out.close()
            self._way_out = None


class OllamaPlayback(httpx.BaseTransport):
    """The recorded answers again; of equal requests each gets its own, in the order of `exchanges`."""

    def __init__(self, blobs: BlobStore, exchanges: Iterable[Exchange]) -> None:
        self._blobs = blobs
        self._recorded: defaultdict[tuple[str, str, bytes], deque[Exchange]] = defaultdict(deque)
        self._n_asked: defaultdict[tuple[str, str, bytes], int] = defaultdict(int)
        for exchange in exchanges:
            if exchange.request is not None:
                key = (exchange.method, exchange.path, without_random_ids(blobs.get(exchange.request)))
                self._recorded[key].append(exchange)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """What the server said then. Raises NotOnRecord for what it was not asked, or not so often."""
        key = (request.method, request.url.path, without_random_ids(request.read()))
        self._n_asked[key] += 1
        if not self._recorded[key]:
            raise NotOnRecord(
                f"expected {request.method} {request.url.path} with this body on record "
                f"{self._n_asked[key]} times, found fewer: something else is asked, or more often",
                stage="Exchange",
            )
        exchange = self._recorded[key].popleft()
        failure = _failure_of(exchange)
        if exchange.status is None:
            raise failure or httpx.ReadError("no answer")
        body = b"" if exchange.response is None else self._blobs.get(exchange.response)
        headers = {"content-type": exchange.content_type} if exchange.content_type else {}
        return httpx.Response(exchange.status, headers=headers, stream=_Again(body, failure))


@dataclass(frozen=True)
class _Asked:
    """One request under way."""

    caller: Caller
    journal: Journal
    blobs: BlobStore
    ordinal: int
    request: httpx.Request
    started: float

    def write(self, outcome: Outcome, error: str, head: httpx.Response | None, answer: bytes | None) -> None:
        exchange = exchange_of(
            self.caller,
            self.blobs,
            self.ordinal,
            outcome,
            error,
            request=self.request,
            body=self.request.content,
            head=head,
            answer=answer and masked(answer, self.request.headers.get("authorization", "")),
        )
        latency_ms = (perf_counter() - self.started) * 1000
        self.journal.append(exchange, cycle_id=exchange.cycle_id, ordinal=self.ordinal, latency_ms=latency_ms)


class _Recording(httpx.SyncByteStream):
    """An answer on its way to the client, written down once: at its end, or where the client leaves it."""

    def __init__(self, asked: _Asked, head: httpx.Response) -> None:
        self._asked, self._head = asked, head
        self._kept = bytearray()
        self._n_bytes = 0
        self._is_written = False

    def __iter__(self) -> Iterator[bytes]:
        outcome: Outcome = "cut"
        error = _LEFT
        try:
            for part in _parts_of(self._head):
                self._n_bytes += len(part)
                self._kept += part[: self._asked.caller.max_answer_bytes - len(self._kept)]
                yield part
            outcome, error = "complete", ""
        except (httpx.HTTPError, OSError) as failure:
            outcome, error = _outcome_of(failure, self._head), _words(failure)
            raise
        finally:
            self._end(outcome, error)

    def close(self) -> None:
        self._head.close()
        self._end("cut", _LEFT)

    def _end(self, outcome: Outcome, error: str) -> None:
        if self._is_written:
            return
        self._is_written = True
        if outcome == "complete" and self._n_bytes > len(self._kept):
            outcome, error = "cut", f"the first {len(self._kept):,} of {self._n_bytes:,} bytes were kept"
        self._asked.write(outcome, error, self._head, bytes(self._kept))


class _Again(httpx.SyncByteStream):
    def __init__(self, body: bytes, failure: Exception | None) -> None:
        self._body, self._failure = body, failure

    def __iter__(self) -> Iterator[bytes]:
        yield self._body
        if self._failure is not None:
            raise self._failure


def _parts_of(head: httpx.Response) -> Iterator[bytes]:
    if not isinstance(head.stream, httpx.SyncByteStream):
        raise httpx.StreamError("expected an answer that can be read while waiting for it")
    return iter(head.stream)


def _outcome_of(failure: Exception, head: httpx.Response | None) -> Outcome:
    # Who does not even take the call is away, whether that is said at once or by silence.
    if isinstance(failure, httpx.TimeoutException) and not isinstance(failure, httpx.ConnectTimeout):
        return "timeout"
    return "unreachable" if head is None else "cut"


def _failure_of(exchange: Exchange) -> Exception | None:
    match exchange.outcome:
        case "complete":
            return None
        case "timeout":
            return httpx.ReadTimeout(exchange.error)
        case "unreachable":
            return httpx.ConnectError(exchange.error)
        case _:
            return httpx.ReadError(exchange.error)


def _words(failure: Exception) -> str:
    return str(failure) or type(failure).__name__
