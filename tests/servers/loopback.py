"""An HTTP server on a free port of 127.0.0.1 that lives as long as a `with` block.

Its end leaves no thread and no socket behind, stalled connections included, and brings out what a handler
raised, so that a mistake in a test's server never passes for a fault the test asked for.
"""

import json
import socket
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from types import TracebackType
from typing import Self

Connection = socket.socket | tuple[bytes, socket.socket]
"""What socketserver calls a request; over TCP it is always the socket."""


class LoopbackServer(ThreadingTCPServer):
    """Answers each connection in a thread of its own, all of them joined at the end."""

    # http.server's own class asks for the host's full name, which may wait for a resolver.
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, handler: type["LoopbackHandler"]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.closing = threading.Event()
        self.failures: list[BaseException] = []
        self._connections: set[Connection] = set()
        self._serving = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def root_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def base_url(self) -> str:
        return f"{self.root_url}/v1"

    def __enter__(self) -> Self:
        self._serving.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.closing.set()
        self.shutdown()
        self._serving.join()
        for connection in list(self._connections):
            with suppress(OSError):
                _socket_of(connection).shutdown(socket.SHUT_RDWR)
        self.server_close()
        if exc is None and self.failures:
            raise self.failures[0]

    def process_request(self, request: Connection, client_address: object) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Connection) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Connection, client_address: object) -> None:
        failure = sys.exception()
        # A client that goes away is what tests of deadlines are about.
        if failure is not None and not isinstance(failure, ConnectionError):
            self.fail(failure)

    def fail(self, failure: BaseException) -> None:
        """Have the end of the `with` block raise this."""
        self.failures.append(failure)


class LoopbackHandler(BaseHTTPRequestHandler):
    """Reads one request after another; `answer` writes what it likes, down to the byte."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: LoopbackServer

    def answer(self, body: bytes) -> None:
        raise NotImplementedError

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers.get("content-length", "0"))))

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def send_head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} {self.responses.get(status, ('Unnamed', ''))[0]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.wfile.write("\r\n".join((*lines, "", "")).encode("latin-1"))

    def send_json(self, value: Mapping[str, object], status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_head(status, {"content-type": "application/json", "content-length": str(len(body))})
        self.wfile.write(body)

    def send_chunks(self, content_type: str, pieces: Iterable[bytes], status: int = 200) -> None:
        """Send a body whose length is not known ahead, a chunk a piece."""
        self.send_head(status, {"content-type": content_type, "transfer-encoding": "chunked"})
        for piece in pieces:
            self.wfile.write(chunked(piece))
        self.wfile.write(LAST_CHUNK)


LAST_CHUNK = b"0\r\n\r\n"


def chunked(piece: bytes) -> bytes:
    """One chunk of a chunked body; an empty piece is nothing, for an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""


def _socket_of(connection: Connection) -> socket.socket:
    return connection if isinstance(connection, socket.socket) else connection[1]
