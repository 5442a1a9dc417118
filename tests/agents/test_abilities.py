"""What a model can do is read from what it does, and a failure is no word on an ability."""

import json
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from agents.abilities import MAX_TOKENS, Abilities, ask_abilities
from tests.servers.answers import Completion, Reply, Silence, Step, Stream, ToolCall, error
from tests.servers.fixtures import scripted
from tests.servers.scripted import ScriptedServer

__all__ = ["scripted"]

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = SecretStr("sk-very-secret-4711")
COUNTS = Completion("one, two, three, four, five, six")
PARCEL = Completion('{"colour": "teal", "size": "small"}')
CALLS = Completion(tool_calls=(ToolCall("last_close", '{"symbol": "EURUSD"}'),))
PROSE = Completion("The capital of France is Paris.")


def ask(server: ScriptedServer, *steps: Step, timeout_s: float = 10) -> Abilities:
    server.script(*steps)
    return ask_abilities(server.base_url, "m", KEY, now=lambda: AT, timeout_s=timeout_s)


def how(found: Abilities, name: str) -> str:
    return next(each.how for each in found.found if each.name == name)


def test_a_model_that_does_everything_is_asked_three_times(scripted: ScriptedServer) -> None:
    thinks = Completion(COUNTS.content, reasoning="Let me count.")
    found = ask(scripted, thinks, PARCEL, CALLS)
    assert [(each.name, each.answer) for each in found.found] == [
        ("streaming", "yes"),
        ("reasoning", "yes"),
        ("json_schema", "yes"),
        ("tools", "yes"),
    ]
    assert found.brain == "tools"
    assert (found.base_url, found.model, found.asked_at) == (scripted.base_url, "m", AT)
    assert all(each.seconds is not None and each.seconds < 10 for each in found.found)
    assert len(scripted.requests) == 3
    assert {request.path for request in scripted.requests} == {"/v1/chat/completions"}
    assert {request.at("max_tokens") for request in scripted.requests} == {MAX_TOKENS}
    assert scripted.requests[1].at("response_format", "json_schema", "strict") is True
    # The schema must be nowhere in words, or a model could follow it by itself.
    assert "teal" not in str(scripted.requests[1].at("messages"))
    assert scripted.requests[2].at("tools", 0, "function", "name") == "last_close"


@pytest.mark.parametrize(
    ("step", "streaming", "reasoning"),
    [
        (COUNTS, "yes", "no"),
        (Completion(COUNTS.content, reasoning="hm", reasoning_field="reasoning"), "yes", "yes"),
        (Completion("<think>hm</think>one, two, three"), "yes", "yes"),
        (Completion("one, two", piece=100), "no", "no"),
        (Completion(None, reasoning="hm " * 30, finish_reason="length"), "unknown", "yes"),
        (Reply(body=json.dumps(COUNTS.whole()).encode()), "no", "unknown"),
        (Stream(({"choices": None}, {"choices": [{"delta": None}]})), "no", "unknown"),
    ],
)
def test_streaming_and_thinking_are_read_from_the_pieces(
    scripted: ScriptedServer, step: Step, streaming: str, reasoning: str
) -> None:
    found = ask(scripted, step, PARCEL, CALLS) if streaming != "unknown" else ask(scripted, step)
    assert (found.answer("streaming"), found.answer("reasoning")) == (streaming, reasoning)


@pytest.mark.parametrize(
    ("step", "answer", "told"),
    [
        (Completion('<think>which?</think>{"colour": "amber", "size": "large"}'), "yes", "kept to a schema"),
        (PROSE, "no", "found 'The capital of France"),
        (Completion('{"colour": "teal", "size": "small", "capital": "Paris"}'), "no", "Paris"),
        (Completion('{"colour": "blue", "size": "small"}'), "no", "blue"),
        (Completion('{"colour": "te', finish_reason="length"), "unknown", "found it cut"),
        (error(400, "response_format is unavailable"), "no", "400: response_format is unavailable"),
        (error(429, "slow down"), "unknown", "429: slow down"),
        (
            Reply(body=b'{"error": {"message": "busy", "code": 503}}'),
            "unknown",
            "busy",
        ),
        (Reply(body=b'{"choices": null}'), "unknown", "cannot be read"),
        (Reply(body=b"<html>sign in</html>"), "unknown", "cannot be read"),
        (Silence(), "unknown", "disconnected"),
        (Silence("stall"), "unknown", "time"),
    ],
)
def test_a_schema_counts_only_where_it_is_enforced(
    scripted: ScriptedServer, step: Step, answer: str, told: str
) -> None:
    found = ask(scripted, COUNTS, step, CALLS, timeout_s=0.5)
    assert found.answer("json_schema") == answer
    assert told in how(found, "json_schema")
    assert found.brain == "tools"


@pytest.mark.parametrize(
    ("step", "answer", "told"),
    [
        (Completion('I call last_close(symbol="EURUSD").'), "no", "found 'I call last_close"),
        (Completion(tool_calls=(ToolCall("last_close", '{"pair": "EURUSD"}'),)), "no", "with a symbol"),
        (Completion(tool_calls=(ToolCall("last_close", "EURUSD"),)), "no", "with a symbol"),
        (Completion(tool_calls=(ToolCall("buy", '{"symbol": "EURUSD"}'),)), "no", "one of 'buy'"),
        (Completion("let me", finish_reason="length"), "unknown", "found it cut"),
        (error(404, "No endpoints found that support tool use"), "no", "404"),
        (error(500, "oops"), "unknown", "500"),
    ],
)
def test_a_tool_call_counts_only_where_it_is_one(
    scripted: ScriptedServer, step: Step, answer: str, told: str
) -> None:
    found = ask(scripted, COUNTS, PARCEL, step)
    assert found.answer("tools") == answer
    assert told in how(found, "tools")
    assert found.brain == "schema"


def test_a_brain_without_tools_and_schema_would_abstain(scripted: ScriptedServer) -> None:
    assert ask(scripted, COUNTS, PROSE, PROSE).brain == "none"
    assert ask(scripted, COUNTS, PROSE, error(503, "busy")).brain == "unknown"


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_where_the_first_question_fails_nothing_else_is_asked(scripted: ScriptedServer, status: int) -> None:
    found = ask(scripted, error(status, f"the key {KEY.get_secret_value()} is not known"))
    assert len(scripted.requests) == 1
    assert {each.answer for each in found.found} == {"unknown"}
    assert how(found, "streaming") == f"the server answered {status}: the key ******** is not known"
    assert "not asked" in how(found, "tools")
    assert KEY.get_secret_value() not in found.model_dump_json()
    assert found.brain == "unknown"


def test_what_was_asked_outlives_a_file(scripted: ScriptedServer) -> None:
    found = ask(scripted, COUNTS, PARCEL, CALLS)
    assert Abilities.from_canonical(found.canonical) == found
