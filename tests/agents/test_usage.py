"""Usage as each kind of server tells it, and that no answer breaks the reader."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.usage import DONE, cost_told, tokens_of
from contracts.exchange import Tokens

CHUNK = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "x"}}]}


def body(usage: object, **beside: object) -> bytes:
    return json.dumps({"choices": [{"message": {"content": "x"}}], "usage": usage, **beside}).encode()


def stream(*events: object) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + DONE + b"\n\n"


PLAIN = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
TOLD = {
    "openai": (
        body(
            PLAIN
            | {
                "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 0},
            }
        ),
        Tokens(input=20, output=10, cached=8, thinking=4),
    ),
    "deepseek": (
        body(
            PLAIN
            | {
                "prompt_cache_hit_tokens": 8,
                "prompt_cache_miss_tokens": 12,
                "completion_tokens_details": {"reasoning_tokens": 4},
            }
        ),
        Tokens(input=20, output=10, cached=8, thinking=4),
    ),
    "moonshot": (body(PLAIN | {"cached_tokens": 8}), Tokens(input=20, output=10, cached=8)),
    "openrouter": (
        b"\n         \n"
        + body(
            PLAIN
            | {
                "cost": 0.00012,
                "is_byok": False,
                "prompt_tokens_details": {"cached_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 3, "image_tokens": 0},
            }
        ),
        Tokens(input=20, output=10, thinking=3),
    ),
    "ollama": (
        json.dumps({"message": {}, "done": True, "prompt_eval_count": 20, "eval_count": 10}).encode(),
        Tokens(input=20, output=10),
    ),
    "ollama stream": (
        b'{"message": {"content": "x"}, "done": false}\n'
        b'{"message": {}, "done": true, "prompt_eval_count": 20, "eval_count": 10}\n',
        Tokens(input=20, output=10),
    ),
    "details of null": (
        body(PLAIN | {"prompt_tokens_details": None, "completion_tokens_details": None}),
        Tokens(input=20, output=10),
    ),
    "stream with a chunk of usage": (
        stream(CHUNK | {"usage": None}, {"choices": [], "usage": PLAIN}),
        Tokens(input=20, output=10),
    ),
    "stream that counts as it goes": (
        stream(CHUNK | {"usage": PLAIN | {"completion_tokens": 1}}, CHUNK | {"usage": PLAIN}),
        Tokens(input=20, output=10),
    ),
    "stream of moonshot, usage in the choice": (
        stream(CHUNK, {"choices": [{"index": 0, "delta": {}, "usage": PLAIN | {"cached_tokens": 8}}]}),
        Tokens(input=20, output=10, cached=8),
    ),
    "stream with comments and no space": (
        b": PROCESSING\n\ndata:" + json.dumps({"usage": PLAIN}).encode() + b"\r\n\r\ndata:[DONE]\r\n",
        Tokens(input=20, output=10),
    ),
    "stream cut after its usage": (
        stream({"choices": [], "usage": PLAIN}).removesuffix(DONE + b"\n\n") + b'data: {"choices": [{"del',
        Tokens(input=20, output=10),
    ),
    "error in a stream with usage beside": (
        stream({"error": {"code": 400}, "choices": [], "usage": PLAIN}),
        Tokens(input=20, output=10),
    ),
    "largest number of 64 bits": (
        body({"prompt_tokens": 2**64 - 1, "completion_tokens": 0}),
        Tokens(input=2**64 - 1, output=0),
    ),
    "more cached than asked": (
        body(PLAIN | {"cached_tokens": 99, "completion_tokens_details": {"reasoning_tokens": 99}}),
        Tokens(input=20, output=10, cached=20, thinking=10),
    ),
}
UNTOLD = {
    "nothing": b"",
    "blank": b" \n\n ",
    "no json": b"<html>502 Bad Gateway</html>",
    "truncated": body(PLAIN)[:-12],
    "a list": b"[1, 2]",
    "a number": b"7",
    "no usage": body(None),
    "usage of another type": body("20"),
    "usage as a list": body([20, 10]),
    "one count only": body({"prompt_tokens": 20}),
    "total alone": body({"total_tokens": 30}),
    "negative": body(PLAIN | {"completion_tokens": -1}),
    "negative part": body(PLAIN | {"cached_tokens": -1}),
    "true": body(PLAIN | {"prompt_tokens": True}),
    "fraction": body(PLAIN | {"prompt_tokens": 20.5}),
    "text": body(PLAIN | {"prompt_tokens": "20"}),
    "over 64 bits": body(PLAIN | {"prompt_tokens": 2**70}),
    "not a number": b'{"usage": {"prompt_tokens": NaN, "completion_tokens": 1}}',
    "deep": b'{"usage": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "choices of another type": b'{"choices": {"usage": {"prompt_tokens": 1, "completion_tokens": 1}}}',
    "stream without usage": stream(CHUNK, CHUNK),
    "done alone": DONE,
}


@pytest.mark.parametrize("name", TOLD)
def test_usage_is_read_as_the_server_tells_it(name: str) -> None:
    answer, tokens = TOLD[name]
    assert tokens_of(answer) == tokens


@pytest.mark.parametrize("name", UNTOLD)
def test_what_cannot_be_read_is_unknown_and_never_nothing(name: str) -> None:
    assert tokens_of(UNTOLD[name]) is None


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_a_stream_cut_anywhere_tells_its_usage_or_none(cut: int) -> None:
    whole = stream(CHUNK, {"choices": [], "usage": PLAIN})
    assert tokens_of(whole[:cut]) in (None, Tokens(input=20, output=10))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [*PLAIN, "usage", "choices", "cached_tokens", "prompt_tokens_details", "eval_count"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    found = tokens_of(data)
    assert found is None or found.input >= 0
    assert tokens_of(b"data: " + data) in (None, found)


@given(anything, anything)
def test_no_json_breaks_the_reader_and_parts_never_pass_the_whole(usage: object, beside: object) -> None:
    for data in (
        json.dumps(usage).encode(),
        body(usage),
        stream(beside, {"usage": usage}, {"choices": [usage]}),
    ):
        found = tokens_of(data)
        if found is not None:
            assert 0 <= found.cached <= found.input
            assert 0 <= found.thinking <= found.output


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0.0005738}, Decimal("0.0005738")),
        ({"cost": 0}, Decimal(0)),
        ({"cost": True}, None),
        ({"cost": -1}, None),
        ({"cost": 1e9}, None),
        ({"cost": "0.1"}, None),
        ({}, None),
    ],
)
def test_what_a_provider_says_that_it_bills(usage: dict[str, object], cost: Decimal | None) -> None:
    whole = json.dumps({"usage": usage}).encode()
    assert cost_told(whole) == cost
    assert cost_told(b'data: {"choices": []}\n\ndata: ' + whole + b"\n\ndata: [DONE]\n\n") == cost


@given(st.binary())
def test_no_bytes_make_the_cost_stumble(body: bytes) -> None:
    assert cost_told(body) is None
