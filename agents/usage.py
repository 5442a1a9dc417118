"""What a provider says a call used, read from the bytes of its answer; None where it does not say."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import orjson
from pydantic import ValidationError

from contracts.exchange import Tokens

_MOST_USD = 1_000
"""A call that tells more is not believed."""
DONE = b"data: [DONE]"
"""How a stream of chat completions ends."""


def tokens_of(body: bytes) -> Tokens | None:
    """Usage in a chat completion, whole or streamed: the last one told, since some count as they go.

    Reads OpenAI's names (with the details some nest and some do not) and Ollama's own.
    """
    found = None
    for answer in _answers(body):
        usage = answer.get("usage") or _of_a_choice(answer)
        told = _openai(usage) if isinstance(usage, Mapping) else _ollama(answer)
        found = told or found
    return found


def cost_told(body: bytes) -> Decimal | None:
    """Dollars, where a provider tells what it bills, as OpenRouter does under `usage.cost`."""
    found = None
    for answer in _answers(body):
        usage = answer.get("usage")
        cost = usage.get("cost") if isinstance(usage, Mapping) else None
        if isinstance(cost, int | float) and not isinstance(cost, bool) and 0 <= cost < _MOST_USD:
            found = Decimal(repr(cost))
    return found


def _answers(body: bytes) -> Iterator[Mapping[str, Any]]:
    whole = _json(body)
    if whole is not None:
        yield whole
        return
    for line in body.splitlines():
        part = _json(line.removeprefix(b"data:").strip())
        if part is not None:
            yield part


def _json(data: bytes) -> Mapping[str, Any] | None:
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _of_a_choice(answer: Mapping[str, Any]) -> object:
    """Moonshot's streams tell usage in the last choice (a report of 2026-03-10)."""
    choices = answer.get("choices")
    last = choices[-1] if isinstance(choices, list) and choices else None
    return last.get("usage") if isinstance(last, Mapping) else None


def _openai(usage: Mapping[str, Any]) -> Tokens | None:
    asked, answered = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    # DeepSeek and Moonshot tell cached tokens beside the details, or instead of them.
    cached = _count(asked, "cached_tokens") or _count(usage, "cached_tokens", "prompt_cache_hit_tokens")
    return _tokens(
        _count(usage, "prompt_tokens"),
        _count(usage, "completion_tokens"),
        cached or 0,
        _count(answered, "reasoning_tokens") or 0,
    )


def _ollama(answer: Mapping[str, Any]) -> Tokens | None:
    return _tokens(_count(answer, "prompt_eval_count"), _count(answer, "eval_count"), 0, 0)


def _tokens(asked: int | None, answered: int | None, cached: int, thinking: int) -> Tokens | None:
    if asked is None or answered is None:
        return None
    try:
        return Tokens(
            input=asked, output=answered, cached=min(cached, asked), thinking=min(thinking, answered)
        )
    except ValidationError:
        return None


def _count(of: object, *names: str) -> int | None:
    if not isinstance(of, Mapping):
        return None
    counts = (of.get(name) for name in names)
    return next((count for count in counts if isinstance(count, int) and not isinstance(count, bool)), None)
