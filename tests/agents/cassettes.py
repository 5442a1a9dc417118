"""Recorded model traffic: reads the shared VCR files and serves what they hold to a real client.

Three recorders wrote them. Ruby's and Go's keep a body as text, or as binary where it is not ASCII;
pydantic-ai's keeps a JSON answer as parsed YAML, so there the values are the provider's and the spelling
(spaces, key order, blank lines in front) is not: `is_verbatim` tells which. No body is on file compressed.
"""

import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import yaml

CHAT_PATH = "/chat/completions"

_OF_THE_WIRE = {"connection", "content-encoding", "content-length", "transfer-encoding"}
"""Headers of how the bytes travelled: they are kept decoded and go out in other pieces."""


@dataclass(frozen=True)
class Recorded:
    """One request and its answer."""

    name: str
    method: str
    url: str
    request: bytes
    status: int
    headers: Mapping[str, str]
    response: bytes
    is_verbatim: bool

    @property
    def is_chat(self) -> bool:
        return self.url.endswith(CHAT_PATH)

    @property
    def is_stream(self) -> bool:
        return _asks_for_stream(self.request)

    @property
    def base_url(self) -> str:
        return self.url.removesuffix(CHAT_PATH)

    @property
    def model(self) -> str:
        return str(json.loads(self.request)["model"])

    @property
    def documents(self) -> list[bytes]:
        """The answer in JSON; of a stream, what stands after `data:` in each event but the last `[DONE]`."""
        if not self.is_stream:
            return [self.response]
        lines = (line[5:].strip() for line in self.response.split(b"\n") if line.startswith(b"data:"))
        return [line for line in lines if line != b"[DONE]"]


@dataclass(frozen=True)
class Told:
    """What an answer says, whoever reads it."""

    content: str
    reasoning: str
    tools: tuple[tuple[str, str], ...]
    finish: str
    input: int
    output: int
    cached: int
    thinking: int


class ReplayTransport(httpx2.AsyncBaseTransport):
    """Answers the recorded requests in order, in pieces of `piece` bytes, and refuses any other."""

    def __init__(self, exchanges: Sequence[Recorded], piece: int) -> None:
        self.requests: list[bytes] = []
        self.refused: list[str] = []
        self._exchanges = tuple(exchanges)
        self._piece = piece

    @property
    def n_left(self) -> int:
        return len(self._exchanges) - len(self.requests)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        found = (request.method, str(request.url), _asks_for_stream(body))
        if not self.n_left:
            return self._refuse(f"expected {len(self._exchanges)} requests, found one more: {found}")
        recorded = self._exchanges[len(self.requests)]
        expected = (recorded.method, recorded.url, recorded.is_stream)
        if found != expected:
            return self._refuse(f"expected {expected} (method, address, streamed), found {found}")
        self.requests.append(body)
        pieces = _Pieces(recorded.response, self._piece)
        return httpx2.Response(recorded.status, headers=recorded.headers, stream=pieces)

    def _refuse(self, reason: str) -> httpx2.Response:
        self.refused.append(reason)
        raise httpx2.ConnectError(reason)


class _Pieces(httpx2.AsyncByteStream):
    def __init__(self, body: bytes, size: int) -> None:
        self._body = body
        self._size = size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), self._size):
            yield self._body[start : start + self._size]


@asynccontextmanager
async def replaying(
    *exchanges: Recorded, piece: int = 7
) -> AsyncIterator[tuple[httpx2.AsyncClient, ReplayTransport]]:
    """A client that these exchanges answer; the test fails on a request that was refused or never came.

    Whatever the client made of a refusal (a lost connection, mostly) gives way to the refusal's own text.
    """
    transport = ReplayTransport(exchanges, piece)
    async with httpx2.AsyncClient(transport=transport) as client:
        try:
            yield client, transport
        finally:
            if transport.refused:
                pytest.fail(transport.refused[0])
    if transport.n_left:
        pytest.fail(f"expected {len(exchanges)} requests, found {transport.n_left} of them never made")


class _Loader(yaml.SafeLoader):
    """Ruby spells YAML's binary tag with one `!`."""


def _binary(loader: _Loader, node: yaml.ScalarNode) -> bytes:
    return base64.b64decode(loader.construct_scalar(node))


_Loader.add_constructor("!binary", _binary)


def find_cassettes(folder: Path) -> list[Path]:
    """Every cassette under the folder, in a fixed order."""
    return sorted(path for path in folder.rglob("*") if path.suffix in {".yaml", ".yml"})


def read_cassette(path: Path) -> list[Recorded]:
    """The exchanges of one file, in the order in which they were recorded."""
    document = yaml.load(path.read_bytes(), _Loader)
    entries = document.get("interactions") or document.get("http_interactions")
    if not entries:
        raise ValueError(f"expected interactions in {path.name}, found the keys {sorted(document)}")
    return [_recorded(f"{path.stem}#{i}", e["request"], e["response"]) for i, e in enumerate(entries)]


def bytes_told(one: Recorded) -> Told:
    """What the answer says, read from its bytes by no client's code."""
    documents = [json.loads(body) for body in one.documents]
    choices = [choice for document in documents for choice in document["choices"]]
    said = [choice.get("delta") or choice.get("message") for choice in choices]
    calls = [call for message in said for call in message.get("tool_calls") or () if call.get("id")]
    usage = next(document["usage"] for document in documents if document.get("usage"))
    return Told(
        content="".join(message.get("content") or "" for message in said),
        reasoning="".join(m.get("reasoning_content") or m.get("reasoning") or "" for m in said),
        tools=tuple((call["id"], call["function"]["name"]) for call in calls),
        finish=next(choice["finish_reason"] for choice in choices if choice.get("finish_reason")),
        input=usage["prompt_tokens"],
        output=usage["completion_tokens"],
        cached=(usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0),
        thinking=(usage.get("completion_tokens_details") or {}).get("reasoning_tokens", 0),
    )


def _recorded(name: str, request: Mapping[str, object], response: Mapping[str, object]) -> Recorded:
    return Recorded(
        name=name,
        method=str(request["method"]).upper(),
        url=str(request.get("uri") or request.get("url")),
        request=_body(request),
        status=_status(response),
        headers=_headers(response),
        response=_body(response),
        is_verbatim="parsed_body" not in response,
    )


def _body(message: Mapping[str, object]) -> bytes:
    if "parsed_body" in message:
        return json.dumps(message["parsed_body"], ensure_ascii=False, separators=(",", ":")).encode()
    body = message.get("body")
    text = body.get("string") if isinstance(body, dict) else body
    if isinstance(text, bytes):
        return text
    if isinstance(text, str):
        return text.encode()
    raise ValueError(f"expected a body as text or binary, found {type(text).__name__}")


def _status(response: Mapping[str, object]) -> int:
    status = response["status"]
    code = status["code"] if isinstance(status, dict) else response["code"]
    return int(str(code))


def _headers(response: Mapping[str, object]) -> dict[str, str]:
    headers = response["headers"]
    if not isinstance(headers, dict):
        raise TypeError(f"expected headers by name, found {type(headers).__name__}")
    return {
        name.lower(): ", ".join(values)
        for name, values in headers.items()
        if name.lower() not in _OF_THE_WIRE
    }


def _asks_for_stream(body: bytes) -> bool:
    return bool(body) and json.loads(body).get("stream") is True
