"""A ChatOpenAI for one model at one endpoint: its quirks as what a request must and must not say."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import httpx2
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from agents.providers import Model, Quirk

Format = Literal["json_schema", "json_object", "text"]

_LOWEST_TEMPERATURE, _HIGHEST_TEMPERATURE = 0.01, 1.0
"""Where zero is refused, and what is over one."""

_HEADERS = frozenset(
    (
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "user-agent",
    )
)


@dataclass(frozen=True)
class Endpoint:
    """Where a model is asked, and as whom."""

    provider: str
    model: Model
    base_url: str
    key: SecretStr
    digest: str | None = None
    """Of the weights, where the server tells it."""
    declared: tuple[str, ...] | None = None
    """What the server says the model can do; None where it does not say."""


def answer_format(model: Model, wanted: Format | None) -> Format:
    """How strictly the endpoint can be held to a schema; what it does not say is tried the strict way."""
    if wanted is not None:
        return wanted
    if Quirk.NO_RESPONSE_FORMAT in model.quirks:
        return "text"
    return "json_object" if model.json_schema == "no" else "json_schema"


def schema_in_words(schema: Mapping[str, Any]) -> str:
    """For a prompt, where the endpoint does not take the schema beside it."""
    return f"The JSON schema of your answer: {json.dumps(schema, separators=(',', ':'))}"


def open_chat(
    endpoint: Endpoint,
    transport: httpx2.AsyncBaseTransport,
    *,
    schema: Mapping[str, Any],
    answer_as: Format,
    temperature: float | None,
    max_tokens: int,
    timeout_s: float,
) -> ChatOpenAI:
    """A client whose every request goes over `transport`; it never retries by itself.

    Requests are always streamed: one that is not would differ on record according to who was looking.
    """
    return ChatOpenAI(
        model=endpoint.model.name,
        base_url=endpoint.base_url,
        api_key=endpoint.key,
        temperature=temperature_of(endpoint.model, temperature),
        timeout=timeout_s,
        # Its default of two minutes between parts would pass for the deadline of the vote.
        stream_chunk_timeout=None,
        # Or it is read from the environment, and then refuses the clients below.
        openai_proxy=None,
        max_retries=0,
        # A name with a certain word in it would be sent to another path of the server.
        use_responses_api=False,
        streaming=True,
        stream_usage=True,
        model_kwargs=_format(answer_as, schema),
        extra_body=extra_body(endpoint.model, max_tokens),
        http_client=httpx2.Client(transport=_Closed()),
        http_async_client=client_over(transport, timeout_s),
    )


def client_over(transport: httpx2.AsyncBaseTransport, timeout_s: float) -> httpx2.AsyncClient:
    """A client for one line, which sends no more of this machine than a request needs."""
    hooks = {"request": [_without_more_headers]}
    return httpx2.AsyncClient(transport=transport, timeout=timeout_s, event_hooks=hooks)


def temperature_of(model: Model, wanted: float | None) -> float | None:
    """The temperature that the endpoint takes; None leaves it out."""
    if wanted is None or Quirk.SAMPLING_FIXED in model.quirks:
        return None
    if Quirk.TEMPERATURE_ABOVE_ZERO in model.quirks:
        return min(max(wanted, _LOWEST_TEMPERATURE), _HIGHEST_TEMPERATURE)
    return wanted


def extra_body(model: Model, max_tokens: int) -> dict[str, Any]:
    """What the common form of a request does not say: the limit, and that there is no thinking to pay for."""
    # Some servers know only this name of the limit, and all know it.
    body: dict[str, Any] = {"max_tokens": max_tokens}
    if Quirk.THINKS_UNLESS_DISABLED in model.quirks:
        body["thinking"] = {"type": "disabled"}
    if Quirk.REASONING_EFFORT_NONE in model.quirks and Quirk.ALWAYS_THINKS not in model.quirks:
        body["reasoning"] = {"effort": "none"}
    if Quirk.REASONING_SPLIT in model.quirks:
        body["reasoning_split"] = True
    return body


def without_thinking(content: str, model: Model) -> str:
    """The answer alone, where a model writes its thinking in front of it; never parsed for the answer."""
    text = content.lstrip()
    if Quirk.THINK_TAGS in model.quirks and text.startswith("<think>"):
        return text.partition("</think>")[2]
    return content


def storable(text: str) -> str:
    """Half a surrogate pair is no Unicode: neither a request nor a record can hold it."""
    return text.encode(errors="replace").decode()


def _format(answer_as: Format, schema: Mapping[str, Any]) -> dict[str, Any]:
    if answer_as == "text":
        return {}
    if answer_as == "json_object":
        return {"response_format": {"type": "json_object"}}
    named = {"name": "ballot", "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


async def _without_more_headers(request: httpx2.Request) -> None:
    """The libraries add what the environment tells them (an organization) and what machine this is."""
    for name in set(request.headers) - _HEADERS:
        del request.headers[name]


class _Closed(httpx2.BaseTransport):
    """A blocking request would stop the whole desk, and would be on nobody's record."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        raise httpx2.UnsupportedProtocol(
            f"expected an asynchronous request, found a blocking {request.method}"
        )
