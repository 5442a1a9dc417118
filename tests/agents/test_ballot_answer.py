"""Answers that count, answers that do not, and what is said of those."""

import json
from typing import Any

import pytest

from agents.ballot_answer import BallotAnswer, ballot_schema, read_answer

IDS = ("rsi", "atr")
GOOD: dict[str, Any] = {
    "reasoning": "RSI is low.",
    "citations": ["rsi"],
    "answer": "REDUCE",
    "confidence": 60,
    "size_pct": 50,
    "stop_pips": None,
    "target_pips": 20.5,
}


def test_a_good_answer_is_read() -> None:
    answer = read_answer(json.dumps(GOOD), IDS)
    assert isinstance(answer, BallotAnswer)
    assert (answer.answer, answer.confidence, answer.size_pct, answer.target_pips) == ("REDUCE", 60, 50, 20.5)


@pytest.mark.parametrize("wrap", ["\n\n  {}\n", "```json\n{}\n```", "```\n{}\n```"])
def test_blank_lines_and_a_fence_around_the_whole_do_no_harm(wrap: str) -> None:
    assert isinstance(read_answer(wrap.replace("{}", json.dumps(GOOD)), IDS), BallotAnswer)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"answer": "BUY"}, "answer: Input should be 'APPROVE'"),
        ({"confidence": 101}, "confidence: Input should be less than or equal to 100, found 101"),
        ({"confidence": "60"}, "confidence: Input should be a valid integer"),
        ({"confidence": 60.5}, "confidence: Input should be a valid integer"),
        ({"size_pct": 0}, "REDUCE needs a size_pct from 1 to 99"),
        ({"answer": "APPROVE", "size_pct": 0}, "APPROVE needs a size_pct over 0"),
        ({"stop_pips": -3.0}, "stop_pips: Input should be greater than 0"),
        ({"reasoning": ""}, "reasoning: String should have at least 1 character"),
        ({"reasoning": "x" * 901}, "reasoning: String should have at most 900"),
        ({"citations": ["macd"]}, "among the evidence ids, found macd"),
        ({"citations": ["rsi"] * 11}, "citations: List should have at most 10"),
        ({"mood": "calm"}, "mood: Extra inputs are not permitted"),
    ],
)
def test_an_answer_out_of_bounds_is_no_vote_and_says_why(change: dict[str, Any], says: str) -> None:
    found = read_answer(json.dumps(GOOD | change), IDS)
    assert isinstance(found, str)
    assert says in found


@pytest.mark.parametrize(
    "content",
    [
        "",
        "  \n ",
        "I would approve this trade.",
        'Here it is: {"answer": "APPROVE"}',
        "[1, 2]",
        "null",
        "NaN",
        json.dumps(GOOD)[:-9],
        json.dumps(GOOD) + json.dumps(GOOD),
        json.dumps(GOOD).replace("20.5", "NaN"),
        json.dumps(GOOD).replace("20.5", "1e999"),
    ],
)
def test_what_is_not_one_json_object_is_no_vote(content: str) -> None:
    assert isinstance(read_answer(content, IDS), str)


@pytest.mark.parametrize("missing", list(GOOD))
def test_a_field_left_out_is_no_vote(missing: str) -> None:
    found = read_answer(json.dumps({name: value for name, value in GOOD.items() if name != missing}), IDS)
    assert found == f"{missing}: Field required"


def test_the_schema_asks_for_exactly_what_is_read() -> None:
    schema = ballot_schema(IDS)
    assert list(schema["properties"]) == list(BallotAnswer.model_fields) == schema["required"]
    assert schema["properties"]["citations"]["items"]["enum"] == list(IDS)
