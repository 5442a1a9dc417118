"""Equal content has equal bytes, and comes back as what it was."""

import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.canonical import Amount, Real, Record, Utc, canonical_json, round_significant, sha256_hex


class Sample(Record):
    """One field of each kind."""

    real: Real
    amount: Amount
    at: Utc
    names: tuple[str, ...] = ()
    missing: Real | None = None


NOON = datetime(2017, 3, 26, 12, tzinfo=UTC)
finite = st.floats(allow_nan=False, allow_infinity=False)
decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20)
moments = st.datetimes(
    datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-5))]),
)


def _sample(real: float = 1.0, amount: Decimal = Decimal(1), at: datetime = NOON) -> Sample:
    return Sample(real=real, amount=amount, at=at)


@given(finite, decimals, moments, st.lists(st.text(), max_size=3))
def test_record_survives_the_round_trip_with_its_hash(
    real: float, amount: Decimal, at: datetime, names: list[str]
) -> None:
    record = Sample(real=real, amount=amount, at=at, names=tuple(names))
    again = Sample.from_canonical(record.canonical)
    assert again == record
    assert again.record_id == record.record_id
    assert again.amount == amount


@given(finite)
def test_rounding_twice_changes_nothing_and_keeps_twelve_digits(value: float) -> None:
    once = round_significant(value)
    assert round_significant(once) == once
    assert math.isclose(once, value, rel_tol=1e-11, abs_tol=5e-324)


def test_last_bits_of_a_float_do_not_reach_the_hash() -> None:
    assert _sample(0.1 + 0.2).record_id == _sample(0.3).record_id
    assert _sample(1.0).record_id != _sample(1.00000000001).record_id


def test_one_amount_has_one_spelling() -> None:
    spellings = ("1000", "1000.00", "1E+3", "1.000E3")
    assert len({_sample(amount=Decimal(s)).canonical for s in spellings}) == 1
    assert b'"amount":"1000"' in _sample(amount=Decimal("1E+3")).canonical
    assert b'"amount":"0"' in _sample(amount=Decimal("-0.00")).canonical
    assert b'"amount":"0.0000001"' in _sample(amount=Decimal("1E-7")).canonical


def test_one_moment_has_one_spelling() -> None:
    athens = NOON.astimezone(timezone(timedelta(hours=3)))
    assert _sample(at=athens).canonical == _sample().canonical
    assert b'"at":"2017-03-26T12:00:00Z"' in _sample(at=athens).canonical


def test_negative_zero_is_zero() -> None:
    assert _sample(-0.0).canonical == _sample(0.0).canonical


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_one_is_refused(wrong: float) -> None:
    with pytest.raises(ValidationError):
        _sample(wrong)
    with pytest.raises(ValidationError):
        _sample(amount=Decimal(str(wrong)))


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValidationError):
        _sample(at=datetime(2017, 1, 1))  # noqa: DTZ001 - the point of the test


def test_unknown_fields_and_changes_in_place_are_refused() -> None:
    with pytest.raises(ValidationError):
        Sample.model_validate({"real": 1, "amount": 1, "at": NOON, "surprise": 1})
    with pytest.raises(ValidationError):
        _sample().real = 2.0  # type: ignore[misc]


def test_a_changed_copy_is_validated_and_hashed_anew() -> None:
    copy = _sample().model_copy(update={"amount": Decimal("2.50")})
    assert copy.canonical == _sample(amount=Decimal("2.5")).canonical
    with pytest.raises(ValidationError):
        _sample().model_copy(update={"real": math.nan})
    with pytest.raises(ValidationError):
        _sample().model_copy(update={"rael": 1.0})


def test_canonical_json_sorts_keys_and_has_no_white_space() -> None:
    assert (
        canonical_json({"b": [1, 2.5], "a": {"d": None, "c": "é"}})
        == '{"a":{"c":"é","d":null},"b":[1,2.5]}'.encode()
    )


def test_hash_is_sha_256_of_the_stored_bytes() -> None:
    assert _sample().record_id == sha256_hex(_sample().canonical)
    assert sha256_hex(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
