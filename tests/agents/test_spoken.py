"""Words of an answer as it comes in: the same in any pieces, and never a reason to stumble."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.spoken import Spoken, Words
from tests.agents.seat_scene import VOTE, desk_told, said, vote_text


def event(**delta: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"


STREAM = (
    b": a comment\n\n"
    + event(role="assistant", content="")
    + event(reasoning_content="Let me see.")
    + event(content="RSI ")
    + event(content="at 58 \u2014 so")
    + b'data: {"choices": []}\n\ndata: [DONE]\n\n'
)
WORDS = [Words("Let me see.", is_thinking=True), Words("RSI "), Words("at 58 \u2014 so")]


@given(st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_words_are_the_same_in_whatever_pieces_they_come(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    spoken = Spoken()
    found = [words for start, end in pairwise(edges) for words in spoken.feed(STREAM[start:end])]
    assert found == WORDS


@given(st.binary(max_size=200) | st.text(max_size=50).map(lambda text: b"data: " + text.encode() + b"\n"))
def test_no_bytes_make_it_stumble(part: bytes) -> None:
    assert all(isinstance(words.text, str) for words in Spoken().feed(part))


@pytest.mark.parametrize(
    "data", ["1", "[]", '{"choices": 1}', '{"choices": [1]}', '{"choices": [{"delta": {"content": 3}}]}']
)
def test_what_is_no_part_of_a_chat_says_nothing(data: str) -> None:
    assert list(Spoken().feed(f"data: {data}\n".encode())) == []


async def test_a_seat_is_heard_word_by_word_while_it_speaks_and_not_in_a_replay() -> None:
    async with desk_told(said(vote_text())) as (desk, _):
        ballot = await desk.vote()
    assert ballot.answer == "APPROVE"
    assert {seat for seat, _ in desk.heard} == {"kimi"}
    spoken = [words.text for _, words in desk.heard]
    assert len(spoken) > 3
    assert [words.is_first for _, words in desk.heard] == [True] + [False] * (len(spoken) - 1)
    assert json.loads("".join(spoken))["answer"] == "APPROVE"
    assert await desk.replay() == ballot
    assert len(desk.heard) == len(spoken)


def test_a_line_that_never_ends_is_kept_only_in_part() -> None:
    spoken = Spoken()
    for _ in range(300):
        assert list(spoken.feed(b"x" * 1_000)) == []
    assert list(spoken.feed(b'data: {"choices": [{"delta": {"content": "cut off"}}]}\n')) == []
    assert len(spoken._rest) == 0
    list(spoken.feed(b"x" * 300_000))
    assert len(spoken._rest) == 100_000


def test_thinking_under_two_names_is_heard_once() -> None:
    assert list(Spoken().feed(event(reasoning_content="Hm.", reasoning="Hm."))) == [
        Words("Hm.", is_thinking=True)
    ]


async def test_a_listener_that_breaks_is_heard_no_more_and_the_vote_counts() -> None:
    class Broken(list[tuple[str, Words]]):
        def append(self, each: tuple[str, Words]) -> None:
            super().append(each)
            raise BrokenPipeError(f"nobody reads what {each[0]} says")

    async with desk_told(VOTE) as (desk, _):
        desk.heard = Broken()
        ballot = await desk.vote()
    assert (ballot.answer, desk.outcomes) == ("APPROVE", ["complete"])
    assert len(desk.heard) == 1
