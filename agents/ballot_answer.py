"""What a seat must answer: the schema it is given, and the reading of what it gave.

Nothing is searched for in prose: an answer is one JSON object by the schema, or it is no vote.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

MAX_REASONING = 900
"""Characters: five sentences."""
MAX_CITATIONS = 10


class BallotAnswer(BaseModel):
    """A seat's words; reasoning first, since a model that has answered argues for its answer."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    reasoning: Annotated[str, Field(min_length=1, max_length=MAX_REASONING)]
    citations: Annotated[list[str], Field(max_length=MAX_CITATIONS)]
    answer: Literal["APPROVE", "REDUCE", "REJECT", "HOLD"]
    confidence: Annotated[int, Field(ge=0, le=100)]
    size_pct: Annotated[int, Field(ge=0, le=100)]
    stop_pips: Annotated[float | None, Field(gt=0, le=100_000)]
    target_pips: Annotated[float | None, Field(gt=0, le=100_000)]

    @model_validator(mode="after")
    def _size_fits_the_answer(self) -> Self:
        if self.answer == "REDUCE" and not 0 < self.size_pct < 100:
            raise ValueError(f"REDUCE needs a size_pct from 1 to 99, found {self.size_pct}")
        if self.answer == "APPROVE" and self.size_pct == 0:
            raise ValueError("APPROVE needs a size_pct over 0, found 0; HOLD or REJECT take nothing")
        return self


def ballot_schema(evidence_ids: Sequence[str]) -> dict[str, Any]:
    """JSON schema of an answer that may cite these ids; every field is required, as strict modes ask."""
    number_or_null = {"anyOf": [{"type": "number"}, {"type": "null"}]}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(BallotAnswer.model_fields),
        "properties": {
            "reasoning": {"type": "string", "maxLength": MAX_REASONING},
            "citations": {
                "type": "array",
                "maxItems": MAX_CITATIONS,
                "items": {"type": "string", "enum": list(evidence_ids)},
            },
            "answer": {"type": "string", "enum": ["APPROVE", "REDUCE", "REJECT", "HOLD"]},
            "confidence": {"type": "integer", "minimum": 0, "maximum": 100},
            "size_pct": {"type": "integer", "minimum": 0, "maximum": 100},
            "stop_pips": number_or_null,
            "target_pips": number_or_null,
        },
    }


def read_answer(content: str, evidence_ids: Sequence[str]) -> BallotAnswer | str:
    """The answer in this content, or what is wrong with it, in words that its writer can mend it by."""
    text = _unfenced(content.strip())
    if not text:
        return "expected one JSON object, found nothing"
    try:
        answer = BallotAnswer.model_validate_json(text)
    except ValidationError as error:
        return "; ".join(_told(problem) for problem in error.errors()[:5])
    if strangers := [name for name in answer.citations if name not in evidence_ids]:
        return f"expected citations among the evidence ids, found {', '.join(strangers)}"
    return answer


def _unfenced(text: str) -> str:
    """Without the Markdown fence that some put around the whole of it, and only around the whole."""
    if text.startswith("```") and text.endswith("```") and "\n" in text:
        return text[text.index("\n") : -3].strip()
    return text


def _told(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    found = "" if problem["type"] in ("missing", "json_invalid") else f", found {problem['input']!r:.80}"
    return f"{where + ': ' if where else ''}{problem['msg']}{found}"
