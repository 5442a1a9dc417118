"""Every model of the catalogue is asked as its endpoint wants it, and the key goes nowhere but the header."""

import json
from decimal import Decimal
from typing import get_args

import httpx2
import openai
import pytest
from langchain_core.messages import AIMessage
from pydantic import JsonValue, SecretStr

from agents.chat import Endpoint, Format, answer_format, open_chat, schema_in_words, without_thinking
from agents.line import Line
from agents.providers import Model, Quirk, providers
from tests.agents.lines import CALLER, Book, Parts
from tests.agents.lines import Model as ScriptedModel
from tests.servers.answers import Completion, Usage

KEY = "sk-never-on-record"
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
HOME = "https://own.example/v1"
ENDPOINTS = [
    pytest.param(Endpoint(p.name, m, p.base_url or HOME, SecretStr(KEY)), id=f"{p.name}-{m.name}")
    for p in providers().values()
    for m in p.models
]
SAID = b"".join(
    b"data: " + json.dumps(event).encode() + b"\n\n"
    for event in Completion("yes", usage=Usage(prompt=7, completion=3)).chunks()
)


def streamed() -> httpx2.Response:
    return httpx2.Response(
        200, headers={"content-type": "text/event-stream"}, stream=Parts(SAID + b"data: [DONE]\n\n")
    )


async def asked(
    endpoint: Endpoint, answer_as: Format | None = None, temperature: float | None = 0.0
) -> tuple[httpx2.Request, dict[str, JsonValue], Book, AIMessage]:
    """What one call of a seat sends, and what is on record of it."""
    book, model = Book(), ScriptedModel([streamed()])
    chat = open_chat(
        endpoint,
        Line(CALLER, book.blobs, (), book.outside(model)),
        schema=SCHEMA,
        answer_as=answer_format(endpoint.model, answer_as),
        temperature=temperature,
        max_tokens=700,
        timeout_s=5,
    )
    said = await chat.ainvoke("hello")
    (request,) = model.asked
    return request, json.loads(request.content), book, said


def model_with(*quirks: Quirk, name: str = "m", json_schema: str = "yes") -> Model:
    return Model.model_validate(
        {
            "name": name,
            "family": "none",
            "context_tokens": None,
            "tools": "unknown",
            "json_schema": json_schema,
            "streaming": "yes",
            "reasoning": "unknown",
            "quirks": quirks,
        }
    )


def at(model: Model) -> Endpoint:
    return Endpoint("own", model, HOME, SecretStr(KEY))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_the_request_obeys_what_the_catalogue_says_of_the_model(endpoint: Endpoint) -> None:
    request, body, _, said = await asked(endpoint)
    quirks = endpoint.model.quirks
    assert said.text == "yes"
    assert str(request.url) == f"{endpoint.base_url.rstrip('/')}/chat/completions"
    assert body["model"] == endpoint.model.name
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    assert body["max_tokens"] == 700
    assert not {"max_completion_tokens", "tools", "tool_choice", "n", "top_p", "store"} & set(body)
    if Quirk.SAMPLING_FIXED in quirks:
        assert "temperature" not in body
    elif Quirk.TEMPERATURE_ABOVE_ZERO in quirks:
        assert body["temperature"] == 0.01
    else:
        assert body["temperature"] == 0.0
    disabled = {"type": "disabled"} if Quirk.THINKS_UNLESS_DISABLED in quirks else None
    assert body.get("thinking") == disabled
    stops_by_effort = Quirk.REASONING_EFFORT_NONE in quirks and Quirk.ALWAYS_THINKS not in quirks
    assert body.get("reasoning") == ({"effort": "none"} if stops_by_effort else None)
    assert body.get("reasoning_split") == (True if Quirk.REASONING_SPLIT in quirks else None)
    form = body.get("response_format")
    kind = form.get("type") if isinstance(form, dict) else None
    if Quirk.NO_RESPONSE_FORMAT in quirks:
        assert kind is None
    elif Quirk.NO_JSON_SCHEMA in quirks or endpoint.model.json_schema == "no":
        assert form == {"type": "json_object"}
    else:
        assert form == {
            "type": "json_schema",
            "json_schema": {"name": "ballot", "strict": True, "schema": SCHEMA},
        }


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_no_model_is_told_to_stop_a_thinking_that_cannot_be_stopped(endpoint: Endpoint) -> None:
    both = {Quirk.ALWAYS_THINKS, Quirk.THINKS_UNLESS_DISABLED}
    assert not both <= set(endpoint.model.quirks)


@pytest.mark.parametrize("endpoint", [ENDPOINTS[0]])
async def test_the_key_is_in_the_header_and_on_no_record(endpoint: Endpoint) -> None:
    request, _, book, _ = await asked(endpoint)
    assert request.headers["authorization"] == f"Bearer {KEY}"
    (exchange,) = book.written
    stored = [exchange.canonical, *(book.blobs.get(b) for b in (exchange.request, exchange.response) if b)]
    assert len(stored) == 3
    assert KEY.encode() not in b"".join(stored)
    assert KEY not in repr(endpoint)


async def test_usage_of_a_stream_is_on_record() -> None:
    _, _, book, _ = await asked(at(model_with()))
    assert book.written[0].cost_usd == Decimal("0.000013")


@pytest.mark.parametrize("name", ["gpt-5-codex", "o3-pro", "gpt-5.4-pro", "computer-use-preview"])
async def test_no_name_of_a_model_sends_the_request_elsewhere(name: str) -> None:
    request, body, _, _ = await asked(at(model_with(name=name)))
    assert request.url.path == "/v1/chat/completions"
    assert body["max_tokens"] == 700
    assert "max_completion_tokens" not in body


@pytest.mark.parametrize(
    ("quirks", "wanted", "sent"),
    [
        ((), None, None),
        ((), 0.0, 0.0),
        ((), 1.7, 1.7),
        ((Quirk.SAMPLING_FIXED,), 0.5, None),
        ((Quirk.TEMPERATURE_ABOVE_ZERO,), None, None),
        ((Quirk.TEMPERATURE_ABOVE_ZERO,), 0.0, 0.01),
        ((Quirk.TEMPERATURE_ABOVE_ZERO,), 0.5, 0.5),
        ((Quirk.TEMPERATURE_ABOVE_ZERO,), 1.7, 1.0),
    ],
)
async def test_a_temperature_is_sent_as_the_endpoint_takes_it(
    quirks: tuple[Quirk, ...], wanted: float | None, sent: float | None
) -> None:
    _, body, _, _ = await asked(at(model_with(*quirks)), temperature=wanted)
    assert body.get("temperature") == sent


@pytest.mark.parametrize(
    ("quirks", "sent"),
    [
        ((Quirk.REASONING_EFFORT_NONE,), {"effort": "none"}),
        ((Quirk.REASONING_EFFORT_NONE, Quirk.ALWAYS_THINKS), None),
        ((), None),
    ],
)
async def test_thinking_is_stopped_only_where_it_can_be(
    quirks: tuple[Quirk, ...], sent: dict[str, str] | None
) -> None:
    _, body, _, _ = await asked(at(model_with(*quirks)))
    assert body.get("reasoning") == sent


@pytest.mark.parametrize("wanted", get_args(Format))
def test_a_form_that_is_set_beats_the_catalogue(wanted: Format) -> None:
    assert answer_format(model_with(Quirk.NO_RESPONSE_FORMAT, json_schema="no"), wanted) == wanted


@pytest.mark.parametrize(
    ("model", "found"),
    [
        (model_with(), "json_schema"),
        (model_with(json_schema="unknown"), "json_schema"),
        (model_with(json_schema="no"), "json_object"),
        (model_with(Quirk.NO_RESPONSE_FORMAT), "text"),
    ],
)
def test_what_a_model_does_not_say_is_tried_the_strict_way(model: Model, found: Format) -> None:
    assert answer_format(model, None) == found


def test_a_schema_in_words_reads_back_and_says_json() -> None:
    # Endpoints refuse json_object where the prompt does not say the word.
    words = schema_in_words(SCHEMA)
    assert "JSON" in words
    assert json.loads(words.partition(": ")[2]) == SCHEMA


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ('<think>{"answer": "no"}</think>{"answer": "yes"}', '{"answer": "yes"}'),
        ("\n <think>\nso\n</think>\n yes", "\n yes"),
        ("<think>never ends", ""),
        ("yes <think>later</think>", "yes <think>later</think>"),
        ("yes", "yes"),
        ("", ""),
    ],
)
def test_thinking_in_front_of_the_answer_is_taken_off_where_a_model_writes_it(
    content: str, answer: str
) -> None:
    assert without_thinking(content, model_with(Quirk.THINK_TAGS)) == answer
    assert without_thinking(content, model_with()) == content


def test_a_blocking_request_is_refused() -> None:
    book = Book()
    line = Line(CALLER, book.blobs, (), book.outside(ScriptedModel([])))
    chat = open_chat(
        at(model_with()),
        line,
        schema=SCHEMA,
        answer_as="text",
        temperature=0,
        max_tokens=700,
        timeout_s=5,
    )
    with pytest.raises(openai.APIConnectionError) as failed:
        chat.invoke("hello")
    causes = [str(failed.value.__cause__), str(getattr(failed.value.__cause__, "__cause__", None))]
    assert "expected an asynchronous request, found a blocking POST" in causes
    assert book.written == []
