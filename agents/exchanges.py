"""One request as it goes on record: on whose behalf, what was asked, what came, what it cost."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from agents.usage import cost_told, tokens_of
from contracts.canonical import Sha256
from contracts.exchange import Exchange, Tokens
from contracts.ports import BlobStore

if TYPE_CHECKING:
    import httpx
    import httpx2

Role = Literal["brain", "seat", "assistant", "probe", "what_if"]
Outcome = Literal["complete", "cut", "timeout", "unreachable", "deadline", "late", "not_asked"]

MAX_ANSWER_BYTES = 4_000_000
"""An answer longer than this is cut; a caller may ask for less."""

LATE = 500
"""Ordinals from here on are answers that came in after the deadline of the request so much lower."""


_BYTES_PER_TOKEN = 3
"""Fewer than in English prose, so that the estimate of a request full of numbers is not too low."""


def tokens_in(request: bytes) -> int:
    """What a request comes to before anybody has counted it."""
    return len(request) // _BYTES_PER_TOKEN


@dataclass(frozen=True)
class Caller:
    """On whose behalf a request is made; goes into every exchange."""

    cycle_id: Sha256 | None
    role: Role
    seat: str
    provider: str
    model: str
    model_digest: str | None = None
    prompt_sha: Sha256 | None = None
    max_tokens: int = 0
    """Of one answer; what the budget takes for the worst."""
    max_answer_bytes: int = MAX_ANSWER_BYTES
    """Clients add up a stream slowly enough to stand still over one that does not end."""


def exchange_of(
    caller: Caller,
    blobs: BlobStore,
    ordinal: int,
    outcome: Outcome,
    error: str,
    *,
    request: "httpx2.Request | httpx.Request | None",
    body: bytes | None,
    head: "httpx2.Response | httpx.Response | None",
    answer: bytes | None,
    cost_of: Callable[[Caller, Tokens], Decimal | None] = lambda _caller, _tokens: None,
) -> Exchange:
    """What was asked and what came, as a record, its bytes as blobs; of the headers only the content type."""
    tokens = None if answer is None else tokens_of(answer)
    return Exchange(
        cycle_id=caller.cycle_id,
        role=caller.role,
        seat=caller.seat,
        ordinal=ordinal,
        provider=caller.provider,
        model=caller.model,
        model_digest=caller.model_digest,
        prompt_sha=caller.prompt_sha,
        method="" if request is None else request.method,
        path="" if request is None else request.url.path,
        request=None if body is None else blobs.put(body),
        outcome=outcome,
        error=error,
        status=None if head is None else head.status_code,
        content_type="" if head is None else head.headers.get("content-type", ""),
        response=None if answer is None else blobs.put(answer),
        tokens=tokens,
        cost_usd=_cost(caller, tokens, answer, cost_of),
    )


def _cost(
    caller: Caller,
    tokens: Tokens | None,
    answer: bytes | None,
    cost_of: Callable[[Caller, Tokens], Decimal | None],
) -> Decimal | None:
    """By the catalogue or the provider's own word, whichever is more: neither may lower what counts."""
    if tokens is None or answer is None:
        return None
    known = [cost for cost in (cost_of(caller, tokens), cost_told(answer)) if cost is not None]
    return max(known, default=None)


def is_answer(exchange: Exchange, caller: Caller) -> bool:
    """Whether it answers for good: what failed may be asked again, an error under status 200 too."""
    is_whole = exchange.outcome == "complete" and (exchange.status or 0) < 400
    is_same = (exchange.provider, exchange.model) == (caller.provider, caller.model)
    return is_whole and is_same and exchange.tokens is not None


_RANDOM_ID = re.compile(rb"pyd_ai_[0-9a-f]{8,}")
"""pydantic-ai names a tool call itself where the model did not."""


def without_random_ids(body: bytes) -> bytes:
    """A request as it is compared: what the client made up for it is not what was asked."""
    return _RANDOM_ID.sub(b"pyd_ai", body)
