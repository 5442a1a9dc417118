"""A server of the chat completions API that says what it is told, faults included.

    with ScriptedServer() as server:
        server.script(error(429, "slow down", retry_after="1"), Completion("fine"), model="kimi")
        server.always(Completion("hello"))

A request takes the next step scripted for its model; without one, what `always` says for that model; then
the same for steps of no model. A request that finds nothing gets 418, which no client retries, and fails the
`with` block: an error nobody asked for must not pass for an abstention.
"""

import json
import socket
import struct
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from tests.servers.answers import Completion, Delivery, Ending, Reply, Silence, Step, Stream
from tests.servers.loopback import LAST_CHUNK, LoopbackHandler, LoopbackServer, chunked


@dataclass(frozen=True)
class Request:
    """What a client sent; header names in lower case, `arrived_s` on the monotonic clock."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    arrived_s: float

    def at(self, *path: str | int) -> JsonValue:
        """The value under these keys and indices of the body; None where there is none."""
        value: JsonValue = json.loads(self.body) if self.body else None
        for key in path:
            if isinstance(value, dict) and isinstance(key, str):
                value = value.get(key)
            elif isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value):
                value = value[key]
            else:
                return None
        return value

    @property
    def model(self) -> str:
        return str(self.at("model") or "")

    @property
    def is_stream(self) -> bool:
        return self.at("stream") is True


Scripted = Step | Callable[[Request], Step]
"""A step, or what makes one from the request."""


class ScriptedServer(LoopbackServer):
    """`requests` holds what came in, in order of arrival."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.requests: list[Request] = []
        self._steps: defaultdict[str, deque[Scripted]] = defaultdict(deque)
        self._always: dict[str, Scripted] = {}
        self._lock = threading.Lock()

    def script(self, *steps: Scripted, model: str = "") -> None:
        """Say these next, one a request, to requests for this model (or any)."""
        with self._lock:
            self._steps[model].extend(steps)

    def always(self, step: Scripted, model: str = "") -> None:
        """Say this whenever no scripted step is left."""
        with self._lock:
            self._always[model] = step

    def next_step(self, request: Request) -> Step:
        with self._lock:
            self.requests.append(request)
            found = self._find(request.model)
        if found is None:
            text = (
                f"expected a step for {request.method} {request.path} of model {request.model!r}, found none"
            )
            self.fail(AssertionError(f"{text}: script() one or always() say the same"))
            return Reply(418, text.encode())
        return found(request) if callable(found) else found

    def _find(self, model: str) -> Scripted | None:
        for name in (model, ""):
            if self._steps[name]:
                return self._steps[name].popleft()
            if name in self._always:
                return self._always[name]
        return None


class _Handler(LoopbackHandler):
    server: ScriptedServer

    def answer(self, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body, time.monotonic())
        step = self.server.next_step(request)
        if isinstance(step, Silence):
            self._end(step.then)
            return
        delivery = step if isinstance(step, Delivery) else Delivery(step)
        said = delivery.of
        if isinstance(said, Completion):
            said = _spoken(said, request)
        self.server.closing.wait(delivery.first_byte_s)
        if isinstance(said, Stream):
            self.send_head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
            if self._send(said.pieces(), delivery, chunked):
                self.wfile.write(LAST_CHUNK)
        else:
            self.send_head(said.status, {**dict(said.headers), "content-length": str(len(said.body))})
            self._send((said.body,), delivery, bytes)

    def _send(self, pieces: Iterable[bytes], delivery: Delivery, framed: Callable[[bytes], bytes]) -> bool:
        """Whether all of it went out; False once it was cut."""
        pieces = tuple(pieces)
        body = b"".join(pieces)
        if delivery.piece_bytes is not None:
            size = delivery.piece_bytes
            pieces = tuple(body[start : start + size] for start in range(0, len(body), size))
        left = len(body) if delivery.cut_after is None else delivery.cut_after
        if left > len(body):
            raise ValueError(f"expected cut_after up to the {len(body)} bytes of the body, found {left}")
        for index, piece in enumerate(pieces):
            if index:
                self.server.closing.wait(delivery.between_s)
            self.wfile.write(framed(piece[:left]))
            left -= len(piece)
            if left <= 0 and delivery.cut_after is not None:
                self._end(delivery.then)
                return False
        return True

    def _end(self, how: Ending) -> None:
        self.close_connection = True
        if how == "stall":
            self.server.closing.wait()
        elif how == "reset":
            # Lingering for no time turns the close into a reset; it happens when both files are closed.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


def _spoken(said: Completion, request: Request) -> Reply | Stream:
    model = request.model or "scripted"
    if not request.is_stream:
        return Reply(body=json.dumps(said.whole(model), ensure_ascii=False).encode())
    has_usage = request.at("stream_options", "include_usage") is True
    return Stream(said.chunks(model, has_usage=has_usage))
