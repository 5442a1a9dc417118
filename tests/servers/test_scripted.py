"""Everything the scripted server can say reaches the clients the desk uses, as they report it."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Literal

import httpx2
import pytest
from langchain_core.messages import AIMessageChunk
from langchain_openai import ChatOpenAI
from openai import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    AuthenticationError,
    InternalServerError,
    OpenAI,
    RateLimitError,
)
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel, SecretStr
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.servers.answers import (
    Completion,
    Delivery,
    Reply,
    Silence,
    Step,
    Stream,
    ToolCall,
    Usage,
    error,
    typed_error,
)
from tests.servers.scripted import Request, ScriptedServer

HASTY_S = 0.3


class Vote(BaseModel):
    answer: Literal["APPROVE", "REJECT"]
    confidence: int


VOTE = Completion('{"answer": "REJECT", "confidence": 40}')


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False) as client:
        yield client


@pytest.fixture
def client(scripted: ScriptedServer, http: httpx2.Client) -> OpenAI:
    return OpenAI(base_url=scripted.base_url, api_key="k", max_retries=0, timeout=10, http_client=http)


def chat_of(scripted: ScriptedServer, http: httpx2.Client, max_retries: int = 0) -> ChatOpenAI:
    return ChatOpenAI(
        model="kimi",
        base_url=scripted.base_url,
        api_key=SecretStr("k"),
        max_retries=max_retries,
        timeout=5,
        stream_usage=True,
        http_client=http,
    )


def ask(client: OpenAI, model: str = "kimi") -> ChatCompletion:
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": "?"}])


def ask_streamed(client: OpenAI) -> list[ChatCompletionChunk]:
    asked = client.chat.completions.create(
        model="kimi", messages=[{"role": "user", "content": "?"}], stream=True
    )
    return list(asked)


# What is said


def test_a_completion_brings_every_field_it_was_given(scripted: ScriptedServer, client: OpenAI) -> None:
    calls = (ToolCall("rsi", '{"n": 14}', "functions.rsi:0"), ToolCall("adx", "not JSON", "functions.adx:1"))
    usage = Usage(prompt=1000, completion=50, cached=800, reasoning=30)
    scripted.script(Completion("", reasoning="Let me see", tool_calls=calls, usage=usage))
    answer = ask(client)
    (choice,) = answer.choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.model_extra == {"reasoning_content": "Let me see"}
    told = [call for call in choice.message.tool_calls or [] if call.type == "function"]
    assert [(call.id, call.function.name, call.function.arguments) for call in told] == [
        ("functions.rsi:0", "rsi", '{"n": 14}'),
        ("functions.adx:1", "adx", "not JSON"),
    ]
    assert answer.model == "kimi"
    counted = answer.usage
    assert counted is not None
    assert (counted.prompt_tokens, counted.completion_tokens, counted.total_tokens) == (1000, 50, 1050)
    assert counted.prompt_tokens_details is not None
    assert counted.prompt_tokens_details.cached_tokens == 800
    assert counted.completion_tokens_details is not None
    assert counted.completion_tokens_details.reasoning_tokens == 30


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
def test_a_finish_reason_is_told_whole_and_streamed(
    scripted: ScriptedServer, client: OpenAI, reason: Literal["stop", "length", "content_filter"]
) -> None:
    scripted.always(Completion("half an ans", finish_reason=reason))
    assert ask(client).choices[0].finish_reason == reason
    reasons = [choice.finish_reason for chunk in ask_streamed(client) for choice in chunk.choices]
    assert [told for told in reasons if told] == [reason]


def test_a_refusal_is_not_content(scripted: ScriptedServer, client: OpenAI) -> None:
    scripted.script(Completion(refusal="I may not advise"))
    message = ask(client).choices[0].message
    assert (message.content, message.refusal) == (None, "I may not advise")


def test_a_streamed_completion_adds_up_to_the_whole_one(
    scripted: ScriptedServer, http: httpx2.Client
) -> None:
    calls = (ToolCall("rsi", '{"n": 14}', "c0"), ToolCall("adx", '{"n": 20}', "c1"))
    usage = Usage(cached=5, reasoning=3)
    scripted.always(Completion("Grüße an den Händler", tool_calls=calls, usage=usage, piece=3))
    chat = chat_of(scripted, http)
    whole = chat.invoke("?")
    streamed: AIMessageChunk | None = None
    for chunk in chat.stream("?"):
        assert isinstance(chunk, AIMessageChunk)
        streamed = chunk if streamed is None else streamed + chunk
    assert streamed is not None
    assert streamed.content == whole.content == "Grüße an den Händler"
    assert streamed.tool_calls == whole.tool_calls
    assert [call["args"] for call in whole.tool_calls] == [{"n": 14}, {"n": 20}]
    assert streamed.usage_metadata == whole.usage_metadata
    assert streamed.response_metadata["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_and_refusal_are_streamed_beside_content(
    scripted: ScriptedServer, client: OpenAI, field: Literal["reasoning_content", "reasoning"]
) -> None:
    said = Completion("Well", reasoning="Let me see", refusal="I may not", reasoning_field=field, piece=4)
    scripted.script(said)
    deltas = [choice.delta for chunk in ask_streamed(client) for choice in chunk.choices]
    assert [delta.content for delta in deltas if delta.content] == ["Well"]
    assert "".join(delta.refusal or "" for delta in deltas) == "I may not"
    thoughts = [(delta.model_extra or {}).get(field) for delta in deltas]
    assert [thought for thought in thoughts if thought] == ["Let ", "me s", "ee"]


def test_usage_is_streamed_only_to_who_asked_for_it(scripted: ScriptedServer, client: OpenAI) -> None:
    scripted.always(Completion("x"))
    assert all(chunk.usage is None for chunk in ask_streamed(client))


def test_langchain_parses_its_structured_output(scripted: ScriptedServer, http: httpx2.Client) -> None:
    scripted.always(VOTE)
    chat = chat_of(scripted, http).with_structured_output(Vote, method="json_schema")
    assert chat.invoke("?") == Vote(answer="REJECT", confidence=40)
    schema = scripted.requests[0].at("response_format", "json_schema", "schema", "properties", "answer")
    assert schema == {"enum": ["APPROVE", "REJECT"], "title": "Answer", "type": "string"}


async def test_pydantic_ai_parses_its_native_output(scripted: ScriptedServer) -> None:
    scripted.always(VOTE)
    async with httpx2.AsyncClient(trust_env=False) as http:
        provider = OpenAIProvider(base_url=scripted.base_url, api_key="k", http_client=http)
        agent = Agent(OpenAIChatModel("kimi", provider=provider), output_type=NativeOutput(Vote))
        assert (await agent.run("?")).output == Vote(answer="REJECT", confidence=40)
        async with agent.run_stream("?") as run:
            assert await run.get_output() == Vote(answer="REJECT", confidence=40)
    assert [request.is_stream for request in scripted.requests] == [False, True]


# What goes wrong


FAULTS = {
    "throttled": (error(429, "slow down"), RateLimitError, "slow down"),
    "broken": (error(500, "oops"), InternalServerError, "oops"),
    "no key": (error(401, "no key", code="invalid_api_key"), AuthenticationError, "no key"),
    "typed": (typed_error(429, "rate_limit_error", "too many"), RateLimitError, "too many"),
    "a page": (Reply(502, b"<html>"), InternalServerError, "502"),
    "empty": (Reply(), json.JSONDecodeError, "line 1 column 1"),
    "no UTF-8": (Reply(body=b'{"choices": "\xff"}'), UnicodeDecodeError, "invalid start byte"),
    "cut": (Delivery(VOTE, cut_after=40), APIConnectionError, "Connection error"),
    "cut by a reset": (Delivery(VOTE, cut_after=40, then="reset"), APIConnectionError, "Connection error"),
    "cut by a stall": (Delivery(VOTE, cut_after=40, then="stall"), APITimeoutError, "timed out"),
    "late": (Delivery(VOTE, first_byte_s=60), APITimeoutError, "timed out"),
    "closed": (Silence(), APIConnectionError, "Connection error"),
    "reset": (Silence("reset"), APIConnectionError, "Connection error"),
    "stalled": (Silence("stall"), APITimeoutError, "timed out"),
}


@pytest.mark.parametrize(("step", "expected", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_a_whole_answer_is_the_clients_error(
    scripted: ScriptedServer, client: OpenAI, step: Step, expected: type[Exception], message: str
) -> None:
    scripted.script(step)
    with pytest.raises(expected, match=message) as raised:
        ask(client.with_options(timeout=HASTY_S) if expected is APITimeoutError else client)
    # To openai a timeout is also a connection error.
    assert type(raised.value) is expected


def test_the_details_of_an_error_arrive(scripted: ScriptedServer, client: OpenAI) -> None:
    scripted.script(
        error(429, "slow", code=1302, retry_after="7"), typed_error(529, "overloaded", "busy", "r9")
    )
    with pytest.raises(RateLimitError) as throttled:
        ask(client)
    assert throttled.value.response.headers["retry-after"] == "7"
    # The client makes a word of a number; the number is in what the server sent.
    assert (throttled.value.code, throttled.value.status_code) == ("1302", 429)
    assert throttled.value.response.json()["error"]["code"] == 1302
    with pytest.raises(InternalServerError) as overloaded:
        ask(client)
    assert overloaded.value.response.json()["request_id"] == "r9"
    assert "retry-after" not in overloaded.value.response.headers


def test_a_retry_waits_as_long_as_it_was_told(scripted: ScriptedServer, http: httpx2.Client) -> None:
    scripted.script(error(429, "slow", retry_after="0.6"), VOTE)
    chat_of(scripted, http, max_retries=1).invoke("?")
    first, second = (request.arrived_s for request in scripted.requests)
    # Told nothing, the client waits half a second at most.
    assert second - first >= 0.6


def test_an_error_inside_a_stream_comes_after_what_was_said(scripted: ScriptedServer, client: OpenAI) -> None:
    said = Completion("abc", piece=1).chunks()[:3]
    scripted.script(Stream((": PROCESSING", *said, {"error": {"code": 502, "message": "upstream died"}})))
    heard: list[str | None] = []
    asked = client.chat.completions.create(
        model="kimi", messages=[{"role": "user", "content": "?"}], stream=True
    )
    with pytest.raises(APIError, match="upstream died"):
        heard.extend(chunk.choices[0].delta.content for chunk in asked)
    assert heard == ["", "a", "b"]


@pytest.mark.parametrize("then", ["close", "reset", "stall"])
def test_a_cut_stream_is_an_error_and_not_its_end(
    scripted: ScriptedServer, client: OpenAI, then: Literal["close", "reset", "stall"]
) -> None:
    scripted.script(Delivery(Completion("abc" * 50), cut_after=600, then=then))
    with pytest.raises(APIConnectionError) as raised:
        ask_streamed(client.with_options(timeout=HASTY_S) if then == "stall" else client)
    assert type(raised.value) is (APITimeoutError if then == "stall" else APIConnectionError)


@pytest.mark.parametrize(
    ("then", "expected"), [("close", httpx2.RemoteProtocolError), ("reset", httpx2.ReadError)]
)
@pytest.mark.parametrize("cut_after", [None, 30])
def test_a_close_and_a_reset_are_told_apart_below_the_client(
    scripted: ScriptedServer,
    http: httpx2.Client,
    then: Literal["close", "reset"],
    expected: type[Exception],
    cut_after: int | None,
) -> None:
    scripted.script(Silence(then) if cut_after is None else Delivery(VOTE, cut_after=cut_after, then=then))
    with pytest.raises(expected):
        http.post(scripted.base_url, json={})


@pytest.mark.parametrize("is_done", [True, False])
def test_a_stream_ends_with_done_unless_told_otherwise(
    scripted: ScriptedServer, http: httpx2.Client, client: OpenAI, is_done: bool
) -> None:
    scripted.always(Stream((": PROCESSING", *Completion("abc").chunks()), is_done=is_done))
    assert len(ask_streamed(client)) == 4
    text = http.post(scripted.base_url, json={}).text
    assert text.startswith(": PROCESSING\n\ndata: {")
    assert text.endswith("\n\ndata: [DONE]\n\n") is is_done


def test_pieces_may_break_a_character(scripted: ScriptedServer, client: OpenAI) -> None:
    scripted.always(Delivery(Completion("Größe 5 €"), piece_bytes=1))
    assert ask(client).choices[0].message.content == "Größe 5 €"
    said = [choice.delta.content or "" for chunk in ask_streamed(client) for choice in chunk.choices]
    assert "".join(said) == "Größe 5 €"


def test_a_slow_drip_outlasts_a_timeout_between_bytes(scripted: ScriptedServer, client: OpenAI) -> None:
    size = len(json.dumps(VOTE.whole("kimi")))
    scripted.script(Delivery(VOTE, piece_bytes=size // 7, between_s=HASTY_S / 3))
    began = time.monotonic()
    assert ask(client.with_options(timeout=HASTY_S)).choices[0].message.content == VOTE.content
    assert time.monotonic() - began >= 2 * HASTY_S


def test_an_answer_of_a_hundred_thousand_words_arrives_whole(
    scripted: ScriptedServer, client: OpenAI
) -> None:
    scripted.always(Completion("word " * 100_000, piece=10_000))
    assert len(ask(client).choices[0].message.content or "") == 500_000
    said = [choice.delta.content or "" for chunk in ask_streamed(client) for choice in chunk.choices]
    assert len("".join(said)) == 500_000


# The script


def test_each_model_follows_its_own_script(scripted: ScriptedServer, client: OpenAI) -> None:
    scripted.script(Completion("K1"), Completion("K2"), model="kimi")
    scripted.script(Completion("D1"), model="deepseek")
    scripted.script(Completion("any"))
    scripted.always(Completion("else"))
    models = ("deepseek", "kimi", "minimax", "kimi", "kimi", "deepseek")
    said = [ask(client, model).choices[0].message.content for model in models]
    assert said == ["D1", "K1", "any", "K2", "else", "else"]
    assert [request.model for request in scripted.requests] == list(models)


def test_a_step_may_be_made_from_the_request(scripted: ScriptedServer, client: OpenAI) -> None:
    def echo(request: Request) -> Step:
        return Completion(f"{request.headers['authorization']} {request.at('messages', -1, 'content')}")

    scripted.always(echo)
    assert ask(client).choices[0].message.content == "Bearer k ?"
    assert (scripted.requests[0].method, scripted.requests[0].path) == ("POST", "/v1/chat/completions")


def fails_without_a_step(server: ScriptedServer) -> None:
    httpx2.post(f"{server.base_url}/chat/completions", json={"model": "kimi"}, trust_env=False)


def fails_where_nothing_is_cut(server: ScriptedServer) -> None:
    server.script(Delivery(VOTE, cut_after=100_000))
    with pytest.raises(httpx2.RemoteProtocolError):
        httpx2.post(f"{server.base_url}/chat/completions", json={}, trust_env=False)


@pytest.mark.parametrize(
    ("mistake", "expected"),
    [
        (fails_without_a_step, "expected a step for POST /v1/chat/completions of model 'kimi', found none"),
        (fails_where_nothing_is_cut, "expected cut_after up to"),
    ],
)
def test_a_mistake_in_the_script_fails_the_test(
    mistake: Callable[[ScriptedServer], None], expected: str
) -> None:
    with pytest.raises((AssertionError, ValueError), match=expected), ScriptedServer() as server:
        mistake(server)


def test_the_end_of_a_server_waits_for_no_stalled_or_idle_client() -> None:
    began = time.monotonic()
    with httpx2.Client(trust_env=False) as idle, ScriptedServer() as server:
        server.script(VOTE, Silence("stall"))
        idle.post(server.root_url, json={})
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.post(server.root_url, json={}, timeout=0.1, trust_env=False)
    assert time.monotonic() - began < 5
