"""The failure table stops at what a fault must never be; each test breaks one law to see it."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from agents import dossier, seat
from agents.seat import ModelSeat
from contracts.records import Ballot
from docs.failures import measured
from tests.agents.failure_scene import BRAINS, MODELS, SEATS, Lawless, undergo
from tests.agents.failures import ALL, Fault

FAULT: dict[str, Fault] = {fault.name: fault for fault in ALL}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["500", "wrong schema", "injected instruction, obeyed", "late answer"])
@pytest.mark.parametrize("who", MODELS)
async def test_a_fault_ends_lawfully_at_every_model(name: str, who: str) -> None:
    found = await undergo(FAULT[name], who)
    assert found.on_record.startswith("abstains: ") is not FAULT[name].is_answered
    assert found.decision == ("half size" if who in SEATS and not FAULT[name].is_answered else "full size")
    assert found.tokens > 0
    assert (found.usd > 0) is (who in SEATS)


@pytest.mark.slow
def test_the_table_has_a_row_for_each_fault_at_seats_and_brain() -> None:
    rows = measured()
    for fault in ALL:
        models = [row[1] for row in rows if row[0] == fault.name]
        assert models in (["all seats", "brain"], ["all seats", *BRAINS]), fault.name


async def test_a_fault_that_ends_as_hold_stops_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    abstain = ModelSeat._abstain

    def hold(*given: Any) -> Ballot:
        return abstain(*given).model_copy(update={"answer": "HOLD"})

    monkeypatch.setattr(ModelSeat, "_abstain", hold)
    with pytest.raises(Lawless, match="500 at kimi: expected an abstention and nothing else"):
        await undergo(FAULT["500"], "kimi")


async def test_a_fault_that_ends_as_a_number_stops_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    abstain = ModelSeat._abstain

    def numbered(*given: Any) -> Ballot:
        return abstain(*given).model_copy(update={"confidence": 0.0})

    monkeypatch.setattr(ModelSeat, "_abstain", numbered)
    with pytest.raises(Lawless, match="expected an abstention and nothing else"):
        await undergo(FAULT["500"], "kimi")


async def test_a_fault_that_ends_as_a_traceback_stops_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(seat, "in_words", broken)
    with pytest.raises(Lawless, match="expected a record, found ZeroDivisionError"):
        await undergo(FAULT["500"], "kimi")


async def test_a_fault_that_replays_otherwise_stops_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = count()
    monkeypatch.setattr(seat, "in_words", lambda *_: f"failure {next(numbers)}")
    with pytest.raises(Lawless, match="expected the same in a replay"):
        await undergo(FAULT["500"], "kimi")


@pytest.mark.parametrize("who", ["kimi", "brain, single"])
async def test_an_order_that_leaves_the_data_stops_the_table(
    who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dossier, "as_data", lambda text: text)
    with pytest.raises(Lawless, match="expected the data between its two lines"):
        await undergo(FAULT["injected instruction, obeyed"], who)


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_request_costs_the_same_whatever_the_wall_clock_does(hours: int) -> None:
    still = await undergo(FAULT["429"], "kimi")
    jumped = await undergo(replace(FAULT["429"], jump=timedelta(hours=hours)), "kimi")
    assert (still.usd, still.tokens) == (jumped.usd, jumped.tokens)
