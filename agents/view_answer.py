"""What the formula brain must answer, and what of it can go on record."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_REASONING = 900
MAX_IDS = 12


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
