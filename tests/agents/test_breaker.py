"""When a line is left alone, for how long, and what brings it back."""

import pytest

from agents.breaker import Breaker
from agents.exchanges import Caller
from contracts.exchange import Exchange
from tests.factories import make_exchange

KIMI = Caller(None, "seat", "kimi", "moonshot", "kimi-k2")


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def ended(outcome: str = "timeout", status: int | None = None) -> Exchange:
    return make_exchange("a", outcome=outcome, status=status)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(3, 60.0, clock)


@pytest.mark.parametrize(
    "failure",
    [
        ended("timeout"),
        ended("unreachable"),
        ended("cut"),
        ended("deadline"),
        ended("complete", status=500),
        ended("complete", status=429),
    ],
)
def test_a_line_rests_after_failures_in_a_row(breaker: Breaker, clock: Clock, failure: Exchange) -> None:
    for _ in range(2):
        breaker.note(failure)
        assert breaker.why_not(KIMI) is None
    breaker.note(failure)
    clock.at += 20
    assert breaker.why_not(KIMI) == "its last 3 requests failed; it rests for another 40 s"


@pytest.mark.parametrize("ok", [ended("complete", status=200), ended("complete", status=401)])
def test_an_answer_between_starts_the_count_anew(breaker: Breaker, ok: Exchange) -> None:
    for exchange in (ended(), ended(), ok, ended(), ended()):
        breaker.note(exchange)
    assert breaker.why_not(KIMI) is None


@pytest.mark.parametrize("silent", ["not_asked", "late"])
def test_what_was_not_asked_or_came_late_counts_neither_way(breaker: Breaker, silent: str) -> None:
    for exchange in (ended(), ended(), ended(silent)):
        breaker.note(exchange)
    assert breaker.why_not(KIMI) is None
    breaker.note(ended())
    assert breaker.why_not(KIMI) is not None


def test_after_the_rest_one_request_is_tried_and_decides(breaker: Breaker, clock: Clock) -> None:
    for _ in range(3):
        breaker.note(ended())
    clock.at += 60
    assert breaker.why_not(KIMI) is None
    breaker.note(ended())
    assert breaker.why_not(KIMI) == "its last 4 requests failed; it rests for another 60 s"
    clock.at += 61
    assert breaker.why_not(KIMI) is None
    breaker.note(ended("complete", status=200))
    assert breaker.why_not(KIMI) is None


def test_other_seats_and_models_are_not_held_up(breaker: Breaker) -> None:
    for _ in range(3):
        breaker.note(ended())
    assert breaker.why_not(KIMI) is not None
    assert breaker.why_not(Caller(None, "seat", "deepseek", "moonshot", "kimi-k2")) is None
    assert breaker.why_not(Caller(None, "seat", "kimi", "openrouter", "kimi-k2")) is None
