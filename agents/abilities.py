"""What a model really does at its endpoint, found out by asking: stream, think, keep to a schema, call tools.

Three short questions over chat completions, the way the desk asks too. What a server or a catalogue declares
is not believed here: small models declare tools and then write the call as prose, and some endpoints take
a schema and pass over it. The schema's question is about something else, so that only a schema which the
server enforces can answer it.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

import httpx2
import openai
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from agents.model_errors import in_words
from agents.providers import YesNo
from contracts.canonical import Real, Record, Utc

MAX_TOKENS = 600
"""Of each answer; thinking counts."""
_ENOUGH_PIECES = 8
_REFUSES = (400, 404, 405, 422, 501)
"""Statuses by which a server says that it will not do this; 429 or 503 say nothing about an ability."""
_MAX_TOLD = 80
_SHORTEST_KEY = 8
_NOT_ASKED = "not asked, since the first question failed"

AbilityName = Literal["streaming", "reasoning", "json_schema", "tools"]
BrainMode = Literal["tools", "schema", "none", "unknown"]
_Found = tuple[YesNo, str]

BRAIN_WORDS: dict[BrainMode, str] = {
    "tools": "it can call the tools itself",
    "schema": "no tool calls of its own: its answers are held to a schema instead",
    "none": "it would abstain: choose a model that calls tools or keeps to a schema",
    "unknown": "not known: ask again when the model answers",
}


class Ability(Record):
    """One thing asked for, and what came."""

    name: AbilityName
    answer: YesNo
    """Unknown where it was not asked, or where the failure says nothing about the ability."""
    how: str
    seconds: Real | None = None
    """None: not asked. The first question may wait for a local model to be loaded."""


class Abilities(Record):
    """What one model at one address did when it was asked."""

    base_url: str
    model: str
    asked_at: Utc
    found: tuple[Ability, ...]

    def answer(self, name: AbilityName) -> YesNo:
        """What came of this ability."""
        return next((ability.answer for ability in self.found if ability.name == name), "unknown")

    @property
    def brain(self) -> BrainMode:
        """How the formula brain can work with this model."""
        tools, schema = self.answer("tools"), self.answer("json_schema")
        if tools == "yes":
            return "tools"
        if schema == "yes":
            return "schema"
        return "none" if tools == schema == "no" else "unknown"


def ask_abilities(
    base_url: str, model: str, key: SecretStr, *, now: Callable[[], datetime], timeout_s: float = 60.0
) -> Abilities:
    """Ask; nothing the server does raises, and no text it returns still holds the key."""
    found: list[Ability] = []
    # A transport of its own leaves out the environment's proxies, as the desk's own traffic does.
    with httpx2.Client(transport=httpx2.HTTPTransport(), timeout=timeout_s) as http:
        client = openai.OpenAI(
            base_url=base_url, api_key=key.get_secret_value(), max_retries=0, http_client=http
        )
        for names, question in _QUESTIONS:
            if found and found[0].answer == "unknown":
                found += [Ability(name=name, answer="unknown", how=_NOT_ASKED) for name in names]
                continue
            started = time.monotonic()
            try:
                answers = question(client, model)
            except (openai.OpenAIError, httpx2.TransportError, ValueError) as error:
                # The first question asks for nothing special: refusing it is no word on an ability.
                answers = [(_means(error) if found else "unknown", in_words(error))] * len(names)
            seconds = round(time.monotonic() - started, 3)
            found += [
                Ability(name=name, answer=answer, how=_without(key, how), seconds=seconds)
                for name, (answer, how) in zip(names, answers, strict=True)
            ]
    return Abilities(base_url=base_url, model=model, asked_at=now(), found=tuple(found))


def _without(key: SecretStr, text: str) -> str:
    """Some servers repeat the key they refuse; a stand-in for a key may be a common word."""
    secret = key.get_secret_value()
    return text.replace(secret, "********") if len(secret) >= _SHORTEST_KEY else text


def _means(error: Exception) -> YesNo:
    return "no" if isinstance(error, openai.APIStatusError) and error.status_code in _REFUSES else "unknown"


def _ask_stream(client: openai.OpenAI, model: str) -> list[_Found]:
    n_pieces, text, has_thought = 0, "", False
    asked = _says("Count from one to twelve in words, separated by commas.")
    # Left as soon as it has told enough, which ends the answer at most servers.
    with client.chat.completions.create(
        model=model, messages=asked, max_tokens=MAX_TOKENS, stream=True
    ) as told:
        for event in told:
            # Built by the client without a look at it; odd servers send null for what is a list elsewhere.
            delta = _Chunk.model_validate(event.model_dump(warnings=False)).delta
            has_thought = has_thought or delta.has_thought
            if delta.content:
                n_pieces, text = n_pieces + 1, text + delta.content
            if n_pieces >= _ENOUGH_PIECES:
                break
    has_thought = has_thought or text.lstrip().startswith("<think>")
    thinking: _Found = ("yes", "it thought first") if has_thought else ("no", "it answered without thinking")
    if n_pieces > 1:
        return [("yes", "the answer came in pieces"), thinking]
    if n_pieces == 1:
        return [("no", "expected the answer in pieces, found it in one"), thinking]
    if has_thought:
        return [("unknown", f"nothing but thinking in {MAX_TOKENS} tokens"), thinking]
    return [("no", "expected the answer in pieces, found none"), ("unknown", "no answer to look at")]


def _ask_schema(client: openai.OpenAI, model: str) -> list[_Found]:
    answer = client.chat.completions.with_raw_response.create(
        model=model,
        messages=_says("What is the capital of France?"),
        max_tokens=MAX_TOKENS,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "parcel", "strict": True, "schema": _PARCEL},
        },
    )
    choice = _read(answer.http_response.content)
    if isinstance(choice, tuple):
        return [choice]
    text = choice.message.content or ""
    try:
        _Parcel.model_validate_json(text.rpartition("</think>")[2])
    except ValidationError:
        if choice.finish_reason == "length":
            return [("unknown", f"expected a whole answer in {MAX_TOKENS} tokens, found it cut")]
        return [("no", f"expected an answer by the schema, found {text[:_MAX_TOLD]!r}")]
    return [("yes", "the answer kept to a schema it was not told in words")]


def _ask_tools(client: openai.OpenAI, model: str) -> list[_Found]:
    answer = client.chat.completions.with_raw_response.create(
        model=model,
        messages=_says("Call the tool last_close for the symbol EURUSD."),
        max_tokens=MAX_TOKENS,
        tools=[_TOOL],
    )
    choice = _read(answer.http_response.content)
    if isinstance(choice, tuple):
        return [choice]
    if not choice.message.tool_calls:
        if choice.finish_reason == "length":
            return [("unknown", f"expected a whole answer in {MAX_TOKENS} tokens, found it cut")]
        found = (choice.message.content or "")[:_MAX_TOLD]
        return [("no", f"expected a tool call, found {found!r}")]
    called = choice.message.tool_calls[0].function
    try:
        _Arguments.model_validate_json(called.arguments or "")
    except ValidationError:
        found = (called.arguments or "")[:_MAX_TOLD]
        return [("no", f"expected arguments with a symbol, found {found!r}")]
    if called.name != "last_close":
        return [("no", f"expected a call of last_close, found one of {called.name[:_MAX_TOLD]!r}")]
    return [("yes", "it called the tool with the right argument")]


_Question = Callable[[openai.OpenAI, str], list[_Found]]
_QUESTIONS: tuple[tuple[tuple[AbilityName, ...], _Question], ...] = (
    (("streaming", "reasoning"), _ask_stream),
    (("json_schema",), _ask_schema),
    (("tools",), _ask_tools),
)
_PARCEL: dict[str, object] = {
    "type": "object",
    "properties": {
        "colour": {"type": "string", "enum": ["amber", "teal"]},
        "size": {"type": "string", "enum": ["small", "large"]},
    },
    "required": ["colour", "size"],
    "additionalProperties": False,
}
_TOOL: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "last_close",
        "description": "The last closing price of an instrument.",
        "parameters": {
            "type": "object",
            "properties": {"symbol": {"type": "string", "description": "Such as EURUSD."}},
            "required": ["symbol"],
            "additionalProperties": False,
        },
    },
}


def _says(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


class _Parcel(BaseModel):
    model_config = ConfigDict(extra="forbid")

    colour: Literal["amber", "teal"]
    size: Literal["small", "large"]


class _Arguments(BaseModel):
    symbol: Literal["EURUSD"]


class _Function(BaseModel):
    name: str
    arguments: str | None = None


class _ToolCall(BaseModel):
    function: _Function


class _Message(BaseModel):
    content: str | None = None
    tool_calls: list[_ToolCall] | None = None
    reasoning_content: Any = None
    reasoning: Any = None
    reasoning_details: Any = None

    @property
    def has_thought(self) -> bool:
        return bool(self.reasoning_content or self.reasoning or self.reasoning_details)


class _Choice(BaseModel):
    message: _Message = _Message()
    delta: _Message | None = None
    finish_reason: str | None = None


class _Whole(BaseModel):
    choices: list[_Choice] = Field(min_length=1)


class _Chunk(BaseModel):
    choices: list[_Choice] | None = None

    @property
    def delta(self) -> _Message:
        first = self.choices[0] if self.choices else None
        return (first and first.delta) or _Message()


def _read(body: bytes) -> _Choice | _Found:
    """The answer; or, where there is none, what stands in its place."""
    try:
        return _Whole.model_validate_json(body).choices[0]
    except ValidationError as error:
        return "unknown", in_words(error, body)
