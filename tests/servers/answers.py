"""What a scripted server may say, as frozen records: answers, errors, streams, and how they go wrong.

    Completion, Reply, Stream    what is said
    Delivery(of one of those)    late, slowly, in small pieces, or only in part
    Silence                      nothing at all

Shapes are those of the chat completions API (OpenAI's API reference, read in November 2026);
`reasoning_content` is how DeepSeek and Moonshot send a model's thinking, `reasoning` how OpenRouter does.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
Ending = Literal["close", "reset", "stall"]
Event = Mapping[str, object] | str | bytes
"""Of a stream: an object as `data:`, a line such as ": PROCESSING", or bytes sent as they are."""

_CREATED = 1_700_000_000


@dataclass(frozen=True)
class ToolCall:
    """One call the model asks for; `arguments` is text and need not be JSON, as with real models."""

    name: str
    arguments: str = "{}"
    call_id: str = "call_0"


@dataclass(frozen=True)
class Usage:
    """Tokens as a provider counts them; None leaves that detail out."""

    prompt: int = 20
    completion: int = 10
    cached: int | None = None
    reasoning: int | None = None

    def as_json(self) -> dict[str, object]:
        total = self.prompt + self.completion
        usage: dict[str, object] = {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": total,
        }
        if self.cached is not None:
            usage["prompt_tokens_details"] = {"cached_tokens": self.cached}
        if self.reasoning is not None:
            usage["completion_tokens_details"] = {"reasoning_tokens": self.reasoning}
        return usage


@dataclass(frozen=True)
class Completion:
    """A chat completion, sent whole or streamed as the request asks; `piece` is characters a chunk."""

    content: str | None = None
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason | None = None
    refusal: str | None = None
    usage: Usage | None = Usage()
    reasoning_field: Literal["reasoning_content", "reasoning"] = "reasoning_content"
    piece: int = 8

    @property
    def reason_to_stop(self) -> FinishReason:
        return self.finish_reason or ("tool_calls" if self.tool_calls else "stop")

    def whole(self, model: str = "scripted") -> dict[str, object]:
        """The body of an answer that is not streamed."""
        message: dict[str, object] = {"role": "assistant", "content": self.content}
        if self.reasoning is not None:
            message[self.reasoning_field] = self.reasoning
        if self.refusal is not None:
            message["refusal"] = self.refusal
        if self.tool_calls:
            message["tool_calls"] = [_tool_call(call) for call in self.tool_calls]
        choice = {"index": 0, "message": message, "finish_reason": self.reason_to_stop}
        body = {**_envelope(model, "chat.completion"), "choices": [choice]}
        return body if self.usage is None else {**body, "usage": self.usage.as_json()}

    def chunks(self, model: str = "scripted", *, has_usage: bool = True) -> tuple[Mapping[str, object], ...]:
        """The objects of a streamed answer; usage comes last, in a chunk without choices."""
        deltas: list[dict[str, object]] = [{"role": "assistant", "content": ""}]
        deltas += [{self.reasoning_field: part} for part in self._pieces(self.reasoning)]
        deltas += [{"content": part} for part in self._pieces(self.content)]
        deltas += [{"refusal": part} for part in self._pieces(self.refusal)]
        for index, call in enumerate(self.tool_calls):
            opening = _tool_call(ToolCall(call.name, "", call.call_id))
            deltas.append({"tool_calls": [{"index": index, **opening}]})
            for part in self._pieces(call.arguments):
                deltas.append({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
        choices: list[list[object]] = [[_choice(delta, None)] for delta in deltas]
        choices.append([_choice({}, self.reason_to_stop)])
        envelope = _envelope(model, "chat.completion.chunk")
        told = [{**envelope, "choices": choice} for choice in choices]
        if has_usage and self.usage is not None:
            told.append({**envelope, "choices": [], "usage": self.usage.as_json()})
        return tuple(told)

    def _pieces(self, text: str | None) -> Iterator[str]:
        for start in range(0, len(text or ""), self.piece):
            yield (text or "")[start : start + self.piece]


@dataclass(frozen=True)
class Reply:
    """Any status with any bytes."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)


@dataclass(frozen=True)
class Stream:
    """A 200 of server-sent events, ended by `[DONE]` unless told otherwise."""

    events: tuple[Event, ...]
    is_done: bool = True

    def pieces(self) -> Iterator[bytes]:
        for event in self.events:
            yield _encode(event)
        if self.is_done:
            yield b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Delivery:
    """One of the above, sent badly.

    Seconds before the first byte and between pieces; a piece is an event of a stream or the whole body,
    unless `piece_bytes` says how many bytes. After `cut_after` bytes of the body it ends as `then` says.
    """

    of: Completion | Reply | Stream
    first_byte_s: float = 0
    between_s: float = 0
    piece_bytes: int | None = None
    cut_after: int | None = None
    then: Ending = "close"


@dataclass(frozen=True)
class Silence:
    """The request is read and not a byte comes back."""

    then: Ending = "close"


Step = Completion | Reply | Stream | Delivery | Silence


def error(
    status: int, message: str, *, code: str | int | None = None, retry_after: str | None = None
) -> Reply:
    """An error in OpenAI's shape; `code` is a word at some providers and a number at others."""
    headers = [("content-type", "application/json")]
    if retry_after is not None:
        headers.append(("retry-after", retry_after))
    body = {"error": {"message": message, "type": "error", "param": None, "code": code}}
    return Reply(status, json.dumps(body).encode(), tuple(headers))


def typed_error(status: int, kind: str, message: str, request_id: str = "req_1") -> Reply:
    """An error with its kind at the top and inside, and the request's id beside it, as MiniMax sends it."""
    inner = {"type": kind, "message": message, "http_code": str(status)}
    return Reply(status, json.dumps({"type": "error", "error": inner, "request_id": request_id}).encode())


def _envelope(model: str, kind: str) -> dict[str, object]:
    return {"id": "chatcmpl-scripted", "object": kind, "created": _CREATED, "model": model}


def _choice(delta: Mapping[str, object], finish_reason: FinishReason | None) -> dict[str, object]:
    return {"index": 0, "delta": delta, "finish_reason": finish_reason}


def _tool_call(call: ToolCall) -> dict[str, object]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.call_id, "type": "function", "function": function}


def _encode(event: Event) -> bytes:
    if isinstance(event, bytes):
        return event
    line = event if isinstance(event, str) else f"data: {json.dumps(event, ensure_ascii=False)}"
    return f"{line}\n\n".encode()
