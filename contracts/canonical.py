"""Canonical JSON and content hashes: equal content has equal bytes, on every machine.

Rules: object keys sorted by code point, no white space, UTF-8, shortest round-trip floats. A float
enters a record rounded to 12 significant digits, -0.0 becomes 0.0, and NaN or infinity is refused
(a missing number is None with a reason beside it). A Decimal is written as a plain string without
trailing zeros, a time as UTC ISO 8601 ending in Z.
"""

import hashlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Self

import orjson
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

SIGNIFICANT_DIGITS = 12


def sha256_hex(data: bytes) -> str:
    """Hash of exactly these bytes, 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def canonical_json(value: object) -> bytes:
    """Bytes of `value` (JSON types only) by the rules of this module."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def round_significant(value: float) -> float:
    """`value` at 12 significant digits; -0.0 becomes 0.0.

    The last bits of a float differ between processors and library builds; twelve digits do not,
    and no price or statistic on this desk is known better.
    """
    if value == 0.0:
        return 0.0
    return float(f"{value:.{SIGNIFICANT_DIGITS - 1}e}")


def _finite_rounded(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, found {value}; use None with a reason")
    return round_significant(value)


def _in_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _plain_decimal(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise ValueError(f"expected a finite amount, found {value}")
    # Not normalize(), which would round to the context's 28 digits without a word.
    plain = format(value, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return Decimal(plain) if value else Decimal(0)


Real = Annotated[float, AfterValidator(_finite_rounded)]
"""A statistic: finite float64, 12 significant digits."""

Amount = Annotated[
    Decimal,
    AfterValidator(_plain_decimal),
    PlainSerializer(lambda d: format(d, "f"), return_type=str, when_used="json"),
]
"""Money, price or quantity from Order onward."""

Utc = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment, always with a time zone, always turned to UTC."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A content hash."""


class Record(BaseModel):
    """A frozen value with a content hash; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @cached_property
    def canonical(self) -> bytes:
        """Canonical JSON of the record: what the journal stores and hashes."""
        return canonical_json(self.model_dump(mode="json"))

    @cached_property
    def record_id(self) -> str:
        """Content hash: the name by which children refer to this record."""
        return sha256_hex(self.canonical)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy; unlike pydantic's own, changed values are validated, or the hash would not be theirs."""
        if not update:
            return super().model_copy(deep=deep)
        return type(self).model_validate(
            {name: getattr(self, name) for name in type(self).model_fields} | dict(update)
        )

    @classmethod
    def from_canonical(cls, data: bytes) -> Self:
        """The record these canonical bytes came from."""
        return cls.model_validate_json(data)
