"""What the desk's two clients make of real answers: what they parse, what they lose, what they raise.

A failure must become an abstention, and a seat or the brain can only abstain on what its client lets it
see. Every answer is real; where one is cut short or given another status, the test says so. Not in the
recordings, so not pinned here: Kimi's and MiniMax's own endpoints (both come through OpenRouter), and
`response_format`. Read with langchain-openai 1.7, openai 3.54, pydantic-ai 2.68, in November 2026.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import httpx2
import openai
import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI
from pydantic import JsonValue, SecretStr
from pydantic_ai import Agent, Tool
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.exceptions import (
    ModelAPIError,
    ModelAuthenticationError,
    ModelHTTPError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    UnexpectedModelBehavior,
)
from pydantic_ai.messages import ModelRequest, ModelResponse, ThinkingPart
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.models.openrouter import OpenRouterModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openrouter import OpenRouterProvider

from tests.agents.cassettes import (
    Recorded,
    Told,
    bytes_told,
    find_cassettes,
    read_cassette,
    replaying,
)

LIMIT_S = 10
"""A replay takes milliseconds; longer is a hang."""

DEEPSEEK_TOOLS = "test_deepseek_deferred_capability_with_thinking"
NO_ARGUMENTS = "test_openrouter_tool_optional_parameters#0"
FILE_ANNOTATION = "test_openrouter_file_annotation#0"
STREAM_ERROR = "test_openrouter_stream_error#0"
THROTTLES = [f"test_openrouter_errors_raised#{i}" for i in range(3)]
BAD_KEY = "chat_error_handling_with_deepseek_deepseek-chat_raises_appropriate_auth_error#0"

SEAT_ERRORS: dict[str, type[Exception]] = {
    BAD_KEY: openai.AuthenticationError,
    **dict.fromkeys(THROTTLES, openai.RateLimitError),
    STREAM_ERROR: openai.APIError,
}
BRAIN_ERRORS: dict[str, type[Exception]] = {
    BAD_KEY: ModelAuthenticationError,
    **dict.fromkeys(THROTTLES, ModelRateLimitError),
    STREAM_ERROR: ModelRequestRejectedError,
    NO_ARGUMENTS: UnexpectedModelBehavior,
    FILE_ANNOTATION: UnexpectedModelBehavior,
}
ROUTER_ERRORS: dict[str, type[Exception]] = {
    **dict.fromkeys(THROTTLES, ModelRateLimitError),
    STREAM_ERROR: ModelRequestRejectedError,
}

FINISH = re.compile(rb'"finish_reason": ?"')


@pytest.fixture(scope="session")
def recorded(shared_data: Path) -> dict[str, Recorded]:
    """Every recorded chat completion by the name of its file and its place in it."""
    files = find_cassettes(shared_data / "llm_cassettes")
    if not files:
        pytest.skip(f"needs the recorded model traffic: expected cassettes in {shared_data}/llm_cassettes")
    return {one.name: one for path in files for one in read_cassette(path) if one.is_chat}


def seat_model(one: Recorded, client: httpx2.AsyncClient, max_retries: int | None = 0) -> ChatOpenAI:
    """As a seat needs it.

    `stream_usage`, for with an address of its own the client asks for no usage in a stream;
    `use_responses_api`, for by the name of a model (`codex` in it) it goes to another endpoint.
    """
    return ChatOpenAI(
        model=one.model,
        api_key=SecretStr("none"),
        base_url=one.base_url,
        http_async_client=client,
        max_retries=max_retries,
        streaming=one.is_stream,
        stream_usage=True,
        use_responses_api=False,
    )


def brain_model(
    one: Recorded, client: httpx2.AsyncClient, profile: OpenAIModelProfile | None = None
) -> OpenAIChatModel:
    provider = OpenAIProvider(openai_client=_openai(one, client))
    return OpenAIChatModel(one.model, provider=provider, profile=profile)


def router_model(one: Recorded, client: httpx2.AsyncClient) -> OpenRouterModel:
    return OpenRouterModel(one.model, provider=OpenRouterProvider(openai_client=_openai(one, client)))


def _openai(one: Recorded, client: httpx2.AsyncClient) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key="none", base_url=one.base_url, http_client=client, max_retries=0)


async def ask_seat(one: Recorded) -> AIMessage:
    async with replaying(one) as (client, _):
        return await seat_model(one, client).ainvoke("hello")


async def ask_brain(
    one: Recorded, model_of: Callable[[Recorded, httpx2.AsyncClient], OpenAIChatModel] = brain_model
) -> ModelResponse:
    async with replaying(one) as (client, _):
        return await _ask(model_of(one, client), one.is_stream)


async def _ask(model: OpenAIChatModel, is_stream: bool) -> ModelResponse:
    messages = [ModelRequest.user_text_prompt("hello")]
    if not is_stream:
        return await model_request(model, messages)
    async with model_request_stream(model, messages) as stream:
        async for _ in stream:
            pass
    return stream.get()


def seat_told(message: AIMessage) -> Told:
    usage = message.usage_metadata
    assert usage is not None
    return Told(
        content=message.text,
        reasoning="",
        tools=tuple((str(call["id"]), call["name"]) for call in message.tool_calls),
        finish=message.response_metadata["finish_reason"],
        input=usage["input_tokens"],
        output=usage["output_tokens"],
        cached=usage.get("input_token_details", {}).get("cache_read") or 0,
        thinking=usage.get("output_token_details", {}).get("reasoning") or 0,
    )


def brain_told(response: ModelResponse) -> Told:
    thoughts = [part.content for part in response.parts if isinstance(part, ThinkingPart)]
    return Told(
        content=response.text or "",
        reasoning="".join(thoughts),
        tools=tuple((call.tool_call_id, call.tool_name) for call in response.tool_calls),
        finish="tool_calls" if response.finish_reason == "tool_call" else str(response.finish_reason),
        input=response.usage.input_tokens,
        output=response.usage.output_tokens,
        cached=response.usage.cache_read_tokens,
        thinking=response.usage.details.get("reasoning_tokens", 0),
    )


async def test_seat_reads_every_answer_but_its_reasoning_or_raises_a_known_error(
    recorded: dict[str, Recorded],
) -> None:
    """A reason to finish that a stream tells twice, as most of the router's do, is read joined: `stopstop`.

    So `== "length"` misses an answer cut for length. The model's name is doubled in the same way.
    """
    assert len(recorded) >= 95
    raised, n_doubled = {}, 0
    for name, one in recorded.items():
        try:
            async with asyncio.timeout(LIMIT_S):
                message = await ask_seat(one)
        except openai.APIError as error:
            raised[name] = error
            continue
        expected = replace(bytes_told(one), reasoning="")
        n_told = len(FINISH.findall(one.response))
        n_doubled += n_told == 2
        assert seat_told(message) == replace(expected, finish=expected.finish * n_told), name
        assert message.additional_kwargs in ({}, {"refusal": None}), name
    _check_errors(raised, SEAT_ERRORS)
    assert n_doubled >= 8


@pytest.mark.parametrize(
    ("model_of", "errors", "host"),
    [(brain_model, BRAIN_ERRORS, ""), (router_model, ROUTER_ERRORS, "openrouter.ai")],
)
async def test_brain_reads_every_answer_or_raises_a_known_error(
    recorded: dict[str, Recorded],
    model_of: Callable[[Recorded, httpx2.AsyncClient], OpenAIChatModel],
    errors: dict[str, type[Exception]],
    host: str,
) -> None:
    raised = {}
    for name, one in recorded.items():
        if host not in one.url:
            continue
        try:
            async with asyncio.timeout(LIMIT_S):
                told = brain_told(await ask_brain(one, model_of))
        except (ModelAPIError, UnexpectedModelBehavior) as error:
            raised[name] = error
            continue
        assert told == bytes_told(one), name
    _check_errors(raised, errors)


def _check_errors(raised: Mapping[str, Exception], expected: Mapping[str, type[Exception]]) -> None:
    assert raised.keys() == expected.keys()
    assert all(isinstance(raised[name], kind) for name, kind in expected.items())


@pytest.mark.parametrize("piece", [1, 2, 3, 1000, 1_000_000])
@pytest.mark.parametrize("name", ["simple_streaming#0", "test_deepseek_model_thinking_stream#0"])
async def test_stream_reads_the_same_however_its_bytes_are_cut(
    recorded: dict[str, Recorded], name: str, piece: int
) -> None:
    one = recorded[name]
    if piece < 4:
        assert any(one.response[i] & 0xC0 == 0x80 for i in range(piece, len(one.response), piece))
    async with replaying(one, piece=piece) as (client, _):
        assert (await seat_model(one, client).ainvoke("hello")).text == bytes_told(one).content
    async with replaying(one, piece=piece) as (client, _):
        assert brain_told(await _ask(brain_model(one, client), is_stream=True)) == bytes_told(one)


@pytest.mark.parametrize(
    "name",
    [
        "tool#0",
        "tool_streaming#0",
        "chat_with_extended_thinking_deepseek_deepseek-reasoner_returns_thinking_when_available#0",
    ],
)
async def test_reasoning_is_lost_to_a_seat_though_its_tokens_are_counted(
    recorded: dict[str, Recorded], name: str
) -> None:
    """As `reasoning` (router) and `reasoning_content` (DeepSeek); beside empty content nothing is left."""
    one = recorded[name]
    expected = bytes_told(one)
    message = await ask_seat(one)
    assert expected.reasoning
    assert expected.reasoning[:40] not in repr(message)
    assert message.text == expected.content
    assert (message.text == "") is name.startswith("tool")
    assert seat_told(message).thinking == expected.thinking > 0


async def test_blank_lines_before_the_json_are_read_over(recorded: dict[str, Recorded]) -> None:
    padded = [one for one in recorded.values() if one.response.startswith(b"\n ")]
    assert len(padded) >= 5
    for one in padded:
        assert one.is_verbatim
        assert json.loads(one.response)["choices"]
        assert seat_told(await ask_seat(one)) == replace(bytes_told(one), reasoning="")


async def test_text_keeps_the_blank_lines_it_begins_with(recorded: dict[str, Recorded]) -> None:
    one = recorded["test_openrouter_with_reasoning#0"]
    assert (await ask_seat(one)).text.startswith("\n\nOf")
    assert brain_told(await ask_brain(one)).content.startswith("\n\nOf")


async def test_comments_of_the_router_are_no_part_of_the_answer(recorded: dict[str, Recorded]) -> None:
    commented = [one for one in recorded.values() if one.response.startswith(b": OPENROUTER PROCESSING\n\n")]
    assert len(commented) >= 13
    one = recorded["simple_streaming#0"]
    async with replaying(one) as (client, _):
        chunks = [chunk async for chunk in seat_model(one, client).astream("hello")]
    assert "".join(chunk.text for chunk in chunks) == bytes_told(one).content
    assert "PROCESSING" not in repr(chunks)


async def test_answer_cut_for_length_says_so_once_or_twice(recorded: dict[str, Recorded]) -> None:
    whole = await ask_seat(recorded["test_openrouter_cache_all_settings_real_api#1"])
    assert whole.response_metadata["finish_reason"] == "length"
    stream = recorded[STREAM_ERROR]
    before_the_error = b"\n\n".join(b"data: " + chunk for chunk in stream.documents[:-1]) + b"\n\n"
    message = await ask_seat(replace(stream, response=before_the_error))
    assert message.response_metadata["finish_reason"] == "lengthlength"


async def test_error_inside_a_stream_raises_after_what_came_before(recorded: dict[str, Recorded]) -> None:
    """Status 200, then chunks, then an `error` with an integer code.

    What a seat catches has neither `status_code` nor a LangChain class. The usage in that chunk is lost to
    both clients: only the recorder has it.
    """
    one = recorded[STREAM_ERROR]
    last = json.loads(one.documents[-1])
    assert (last["error"]["code"], last["usage"]["total_tokens"]) == (400, 53)
    heard: list[AIMessageChunk] = []

    async def listen(client: httpx2.AsyncClient) -> None:
        async for chunk in seat_model(one, client).astream("hello"):
            heard.append(chunk)  # noqa: PERF401 - what came before the error is the point

    async with replaying(one) as (client, _):
        with pytest.raises(openai.APIError) as seat:
            await listen(client)
    assert type(seat.value) is openai.APIError
    assert (seat.value.code, seat.value.message) == ("400", "Token limit reached")
    assert len(heard) == 3
    assert not any(chunk.text or chunk.usage_metadata for chunk in heard)
    with pytest.raises(ModelRequestRejectedError) as brain:
        await ask_brain(one)
    assert isinstance(brain.value, ModelHTTPError)
    assert (brain.value.status_code, brain.value.provider_error_code) == (400, "400")
    assert brain.value.in_stream


@pytest.mark.parametrize(
    ("name", "status", "sent", "code"),
    [(BAD_KEY, 401, "invalid_request_error", "invalid_request_error"), (THROTTLES[0], 429, 429, "429")],
)
async def test_error_code_is_text_whatever_was_sent(
    recorded: dict[str, Recorded], name: str, status: int, sent: JsonValue, code: str
) -> None:
    one = recorded[name]
    assert json.loads(one.response)["error"]["code"] == sent
    with pytest.raises(openai.APIStatusError) as seat:
        await ask_seat(one)
    assert (seat.value.status_code, seat.value.code) == (status, code)
    with pytest.raises(ModelHTTPError) as brain:
        await ask_brain(one)
    assert (brain.value.status_code, brain.value.provider_error_code) == (status, code)


async def test_no_answer_says_when_to_ask_again(recorded: dict[str, Recorded]) -> None:
    names = {header for one in recorded.values() for header in one.headers}
    assert "content-type" in names
    assert not {name for name in names if "retry" in name or "ratelimit" in name}
    with pytest.raises(ModelHTTPError) as brain:
        await ask_brain(recorded[THROTTLES[0]])
    assert brain.value.retry_after is None


@pytest.mark.slow
async def test_client_left_alone_asks_a_throttled_provider_three_times(recorded: dict[str, Recorded]) -> None:
    """Two requests nobody asked for; `OpenAIProvider(http_client=...)` has no way to say none."""
    three = [recorded[name] for name in THROTTLES]
    async with replaying(*three) as (client, _):
        with pytest.raises(openai.RateLimitError):
            await seat_model(three[0], client, max_retries=None).ainvoke("hello")
    async with replaying(*three) as (client, _):
        provider = OpenAIProvider(base_url=three[0].base_url, api_key="none", http_client=client)
        with pytest.raises(ModelRateLimitError):
            await _ask(OpenAIChatModel(three[0].model, provider=provider), is_stream=False)


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("tool#0", ["functions.weather:0"]),
        ("tool_streaming#0", ["functions.weather:0"]),
        ("multi_tool#0", ["functions.add:0", "functions.multiply:1"]),
        ("multi_tool_streaming#0", ["functions.add:0", "functions.multiply:1"]),
    ],
)
async def test_tool_ids_of_kimi_are_kept_and_parallel_calls_stay_apart(
    recorded: dict[str, Recorded], name: str, ids: list[str]
) -> None:
    one = recorded[name]
    message = await ask_seat(one)
    assert [call["id"] for call in message.tool_calls] == ids
    assert not message.invalid_tool_calls
    response = await ask_brain(one)
    assert [call.tool_call_id for call in response.tool_calls] == ids
    assert [call.args_as_dict() for call in response.tool_calls] == [c["args"] for c in message.tool_calls]
    assert all(call["args"] for call in message.tool_calls)


async def test_call_without_arguments_is_empty_to_a_seat_and_an_error_to_the_brain(
    recorded: dict[str, Recorded],
) -> None:
    """Of pydantic-ai's models only the router's own reads it."""
    one = recorded[NO_ARGUMENTS]
    assert (await ask_seat(one)).tool_calls[0]["args"] == {}
    with pytest.raises(UnexpectedModelBehavior, match="arguments"):
        await ask_brain(one)
    assert (await ask_brain(one, router_model)).tool_calls[0].args_as_dict() == {}


async def test_seat_sends_tool_ids_back_without_the_reasoning(recorded: dict[str, Recorded]) -> None:
    first, second = recorded["tool#0"], recorded["tool#1"]
    async with replaying(first, second) as (client, transport):
        model = seat_model(first, client)
        asked: list[BaseMessage] = [HumanMessage("How is the weather?")]
        answer = await model.ainvoke(asked)
        result = ToolMessage("40 C", tool_call_id=str(answer.tool_calls[0]["id"]))
        final = await model.ainvoke([*asked, answer, result])
    assert final.text == bytes_told(second).content
    ours, theirs = (json.loads(body)["messages"][-2:] for body in (transport.requests[1], second.request))
    for sent in (ours, theirs):
        assert sent[0]["tool_calls"][0]["id"] == sent[1]["tool_call_id"] == "functions.weather:0"
    assert "reasoning_details" in theirs[0]
    assert not [key for key in ours[0] if key.startswith("reasoning")]


async def test_brain_sends_deepseek_its_reasoning_back_as_was_recorded(
    recorded: dict[str, Recorded],
) -> None:
    first, second = recorded[f"{DEEPSEEK_TOOLS}#1"], recorded[f"{DEEPSEEK_TOOLS}#2"]
    async with replaying(first, second) as (client, transport):
        tools = [Tool(lambda: "Anne", name="get_player_name"), Tool(lambda: "4", name="roll_dice")]
        agent = Agent(brain_model(first, client), tools=tools)
        result = await agent.run("My guess is 4")
    assert result.output == bytes_told(second).content
    ours, theirs = (json.loads(body)["messages"][-3:] for body in (transport.requests[1], second.request))
    assert ours[0]["reasoning_content"] == theirs[0]["reasoning_content"] == bytes_told(first).reasoning
    assert [m["tool_call_id"] for m in ours[1:]] == [m["tool_call_id"] for m in theirs[1:]]


async def test_usage_in_a_stream_must_be_asked_for(recorded: dict[str, Recorded]) -> None:
    one = recorded["simple_streaming#0"]
    asked = {}
    for wish in (None, True):
        async with replaying(one) as (client, transport):
            model = ChatOpenAI(
                model=one.model,
                api_key=SecretStr("none"),
                base_url=one.base_url,
                http_async_client=client,
                streaming=True,
                stream_usage=wish,
            )
            await model.ainvoke("hello")
        asked[wish] = json.loads(transport.requests[0]).get("stream_options")
    assert asked == {None: None, True: {"include_usage": True}}


async def test_stream_that_breaks_off_raises_nothing_unless_told_to(recorded: dict[str, Recorded]) -> None:
    """Cut before its reason to finish by a server that then closes in good order.

    A seat sees that no reason came. pydantic-ai puts in `stop`, so its profile has to ask for one.
    """
    whole = recorded["simple_streaming#0"]
    cut = replace(whole, response=whole.response[: whole.response.index(b'"finish_reason":"stop"')])
    message = await ask_seat(cut)
    assert message.text == bytes_told(whole).content
    assert "finish_reason" not in message.response_metadata
    assert message.usage_metadata is None
    response = await ask_brain(cut)
    assert (response.text, response.finish_reason) == (message.text, "stop")
    async with replaying(cut) as (client, _):
        profile = OpenAIModelProfile(openai_chat_streaming_requires_finish_reason=True)
        with pytest.raises(ModelAPIError, match="finish_reason"):
            await _ask(brain_model(cut, client, profile), is_stream=True)


@pytest.mark.parametrize("length", [0, 30, 1200])
async def test_body_that_breaks_off_is_a_plain_value_error_to_a_seat(
    recorded: dict[str, Recorded], length: int
) -> None:
    """Empty, blank lines alone, half the JSON: outside every class of the client's own errors."""
    whole = recorded["simple#0"]
    cut = replace(whole, response=whole.response[:length])
    with pytest.raises(json.JSONDecodeError):
        await ask_seat(cut)
    with pytest.raises(ModelAPIError, match="Failed to decode"):
        await ask_brain(cut)


async def test_stream_of_comments_alone_is_a_plain_value_error_to_a_seat(
    recorded: dict[str, Recorded],
) -> None:
    whole = recorded["simple_streaming#0"]
    cut = replace(whole, response=whole.response[: whole.response.index(b"data:")])
    with pytest.raises(ValueError, match="No generations found"):
        await ask_seat(cut)
    with pytest.raises(UnexpectedModelBehavior, match="without content"):
        await ask_brain(cut)


async def test_error_under_status_200_is_a_plain_value_error_to_a_seat(
    recorded: dict[str, Recorded],
) -> None:
    """The recorded 429 with the status changed: a router that has sent its status can only fail so."""
    one = replace(recorded[THROTTLES[0]], status=200)
    with pytest.raises(ValueError, match="429"):
        await ask_seat(one)
    with pytest.raises(UnexpectedModelBehavior):
        await ask_brain(one)
    with pytest.raises(ModelRateLimitError):
        await ask_brain(one, router_model)


async def test_client_goes_to_another_endpoint_by_the_name_of_a_model(
    recorded: dict[str, Recorded],
) -> None:
    one = recorded[FILE_ANNOTATION]
    assert "codex" in one.model

    async def ask() -> None:
        async with replaying(one) as (client, _):
            await seat_model(one, client).model_copy(update={"use_responses_api": None}).ainvoke("hello")

    with pytest.raises(pytest.fail.Exception, match="/responses"):
        await ask()


@pytest.mark.parametrize("wrong", ["address", "streamed", "once more"])
async def test_request_that_was_not_recorded_fails_the_test(
    recorded: dict[str, Recorded], wrong: str
) -> None:
    one = recorded["simple#0"]
    other = replace(one, url=one.url.replace("v1", "v2")) if wrong == "address" else one

    async def ask() -> None:
        async with replaying(one) as (client, _):
            model = seat_model(other, client)
            model.streaming = wrong == "streamed"
            await model.ainvoke("hello")
            await model.ainvoke("hello")

    with pytest.raises(pytest.fail.Exception, match="expected"):
        await ask()


async def test_request_that_never_came_fails_the_test(recorded: dict[str, Recorded]) -> None:
    with pytest.raises(pytest.fail.Exception, match="1 of them never made"):
        async with replaying(recorded["simple#0"]):
            pass
