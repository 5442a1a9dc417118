"""House rules every record obeys, and what the market types promise."""

import json
import typing
from datetime import UTC, datetime
from decimal import Decimal
from types import UnionType

import pytest
from pydantic import BaseModel

from contracts import errors
from contracts.canonical import Record
from contracts.market import Quote, Side, Timeframe, from_ms, to_ms
from contracts.records import PATH, RECORDS, SessionStarted, StageRecord


def _annotations(kind: object) -> typing.Iterator[object]:
    """Every type inside an annotation, with Annotated left whole."""
    yield kind
    if typing.get_origin(kind) is typing.Annotated:
        return
    if typing.get_origin(kind) in (tuple, typing.Union, UnionType):
        for part in typing.get_args(kind):
            yield from _annotations(part)


@pytest.mark.parametrize("kind", RECORDS.values(), ids=RECORDS)
def test_no_record_holds_a_bare_float_decimal_time_list_or_dict(kind: type[Record]) -> None:
    hints = typing.get_type_hints(kind, include_extras=True)
    for name in kind.model_fields:
        for inner in _annotations(hints[name]):
            assert inner not in (float, Decimal, datetime, list, dict, typing.Any), f"{kind.__name__}.{name}"
            assert typing.get_origin(inner) not in (list, dict), f"{kind.__name__}.{name}"


@pytest.mark.parametrize("kind", RECORDS.values(), ids=RECORDS)
def test_every_record_and_what_it_holds_is_frozen_and_forbids_extras(kind: type[Record]) -> None:
    for model in _models(kind):
        assert model.model_config.get("frozen"), model.__name__
        assert model.model_config.get("extra") == "forbid", model.__name__
        assert model.__doc__, model.__name__


def _models(kind: type[BaseModel]) -> set[type[BaseModel]]:
    found = {kind}
    for hint in typing.get_type_hints(kind).values():
        for inner in _annotations(hint):
            if isinstance(inner, type) and issubclass(inner, BaseModel) and inner not in found:
                found |= _models(inner)
    return found


@pytest.mark.parametrize("kind", PATH, ids=lambda kind: kind.__name__)
def test_every_stage_names_its_cycle_its_close_and_its_parents(kind: type[StageRecord]) -> None:
    assert {"cycle_id", "as_of", "parents"} <= set(kind.model_fields)


def test_quote_is_taken_on_the_far_side() -> None:
    quote = Quote(bid=1.0, ask=1.5, at=datetime(2020, 1, 1, tzinfo=UTC))
    assert (quote.taking(Side.BUY), quote.taking(Side.SELL), quote.mid) == (1.5, 1.0, 1.25)
    assert (Side.BUY.opposite, Side.SELL.sign) == (Side.SELL, -1)


def test_every_timeframe_has_a_length_and_a_higher_one() -> None:
    for timeframe in Timeframe:
        assert timeframe.seconds <= timeframe.higher.seconds
    assert Timeframe.H1.higher is Timeframe.H4


def test_milliseconds_and_moments_agree() -> None:
    moment = datetime(2017, 3, 26, 1, 30, 0, 250_000, tzinfo=UTC)
    assert from_ms(to_ms(moment)) == moment
    with pytest.raises(ValueError, match="zone"):
        to_ms(datetime(2017, 1, 1))  # noqa: DTZ001 - the point of the test


def test_error_tree_in_the_docstring_names_every_class() -> None:
    classes = [
        v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, errors.DualbrainError)
    ]
    assert len(classes) > 10
    for kind in classes:
        assert kind.__name__ in (errors.__doc__ or "")
        assert 1 <= kind.exit_code <= 5


def test_a_session_of_an_older_journal_that_does_not_say_how_long_it_holds_prices_reads_as_none() -> None:
    started = SessionStarted(
        session_id="s",
        desk="d",
        account_id="a",
        is_paper=True,
        mode="technical",
        feed="replay",
        settings_hash="0" * 64,
        started_at=datetime(2017, 1, 4, tzinfo=UTC),
    )
    fields = json.loads(started.canonical)
    assert fields.pop("holds_s") is None
    assert SessionStarted.from_canonical(json.dumps(fields).encode()) == started
