"""What the formula brain must answer, and what of it can go on record.

Each question is asked by a schema that holds its own answers: a model that cannot be trusted to copy a name
is held to the names there are.
"""

from collections.abc import Sequence
from functools import lru_cache
from types import GenericAlias
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

MAX_REASONING = 900
MAX_IDS = 12
_KEPT = 32
"""Schemas made of names; a profile has the same ones in every cycle."""


class ViewAnswer(BaseModel):
    """The brain's reading of the evidence."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    reasoning: Annotated[str, Field(min_length=1, max_length=MAX_REASONING)]
    supporting: Annotated[list[str], Field(max_length=MAX_IDS)]
    opposing: Annotated[list[str], Field(max_length=MAX_IDS)]
    side: Literal["BUY", "SELL", "NONE"]


class Step(BaseModel):
    """One choice of a model that cannot be trusted with calls of its own; `finish` asks for no more."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    tool: str
    timeframe: str
    period: Annotated[int | None, Field(ge=2, le=1000)] = None
    """Bars; None for the tool's own, and for tools that have none."""


@lru_cache(maxsize=_KEPT)
def view_of(ids: tuple[str, ...]) -> type[ViewAnswer]:
    """A `ViewAnswer` that can cite these ids and no others."""
    if not ids:
        return ViewAnswer
    cited: Any = (GenericAlias(list, (_one_of(ids),)), Field(max_length=MAX_IDS))
    return create_model("View", __base__=ViewAnswer, supporting=cited, opposing=cited)


@lru_cache(maxsize=_KEPT)
def step_among(tools: tuple[str, ...], timeframes: tuple[str, ...]) -> type[Step]:
    """A `Step` that can take one of these."""
    return create_model(
        "Step", __base__=Step, tool=(_one_of(tools), ...), timeframe=(_one_of(timeframes), ...)
    )


def _one_of(names: Sequence[str]) -> Any:
    return Literal[tuple(names)]
