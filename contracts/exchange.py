"""One request to a model, as it goes on record."""

from typing import Literal

from pydantic import Field

from contracts.canonical import Amount, Record, Sha256


class Tokens(Record):
    """What a provider says a call used; `cached` is part of `input`, `thinking` of `output`."""

    input: int = Field(ge=0)
    output: int = Field(ge=0)
    cached: int = Field(default=0, ge=0)
    thinking: int = Field(default=0, ge=0)


class Exchange(Record):
    """One request to a model and what came back, as bytes in two blobs; keys are in neither.

    `outcome` says how it ended: `complete`; `cut` (the answer broke off); `timeout`; `unreachable` (nothing
    was received); `deadline` (the cycle went on without it); `late` (what came in after that); `not_asked`
    (a budget, a breaker or the clock forbade it; `error` says which).
    """

    cycle_id: Sha256 | None
    role: Literal["brain", "seat", "assistant", "probe", "what_if"]
    """`what_if`: a later question to a seat of this cycle; it has no part in the cycle itself."""
    seat: str
    ordinal: int
    """Counts the requests of one seat in one cycle, from 0."""
    provider: str
    model: str
    model_digest: str | None
    prompt_sha: Sha256 | None
    method: str
    path: str
    """Of the address, without its host."""
    request: Sha256 | None
    outcome: Literal["complete", "cut", "timeout", "unreachable", "deadline", "late", "not_asked"]
    error: str = ""
    status: int | None = None
    content_type: str = ""
    response: Sha256 | None = None
    tokens: Tokens | None = None
    cost_usd: Amount | None = None
    """None where the provider told no usage, or no price is known."""
