"""What is said to be under way is what really came next, in every cycle that a desk ran."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.ports import JournalRow
from contracts.records import DeskState, Fill, Order, Outcome, Portfolio, Requote, StageRecord
from desk.terminal.cycle_path import path_of, step_after, under_way
from graphs.desk import CycleSettings
from graphs.stages import stage_records
from memory.blobs import FileBlobStore
from memory.reader import JournalReader
from tests.desk.command_line import dualbrain
from tests.desk.what_if_scene import voted_once

Cycle = tuple[list[StageRecord], CycleSettings]
STEP_OF = {
    "MarketSnapshot": "market",
    "FormulaReport": "numbers",
    "Gate": "gate",
    "TradeProposal": "trade",
    "Ballot": "vote",
    "Decision": "decision",
    "Portfolio": "guard",
    "RiskVerdict": "guard",
    "ApprovalRequest": "answer",
    "Approval": "answer",
    "Requote": "order",
    "OrderIntent": "order",
    "Order": "order",
}


def cycles_of(home: Path) -> Iterator[Cycle]:
    journal, blobs = JournalReader(home / "d" / "journal.db"), FileBlobStore(home / "d" / "blobs")
    for state in journal.find_all(DeskState):
        records = [record for record, _ in stage_records(_stages(journal, state.cycle_id))]
        yield records, CycleSettings.from_canonical(blobs.get(state.settings_hash))
    journal.close()


def _stages(journal: JournalReader, cycle_id: str) -> list[JournalRow]:
    return [row for row in journal.rows(cycle_id=cycle_id) if row.kind != "Exchange"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> list[Cycle]:
    """Every cycle of a desk that decided alone, and of one whose panel voted."""
    alone, panel = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("panel")
    window = ("--from", "2017-01-04T09:00", "--to", "2017-01-05T12:00")
    assert dualbrain(alone, "run", "--sample", "eurusd-2017", *window, "--desk", "d").code == 0
    voted_once(panel)
    return [*cycles_of(alone), *cycles_of(panel)]


@pytest.mark.slow
def test_the_step_that_is_said_to_follow_is_the_one_that_followed(ran: list[Cycle]) -> None:
    seen = set()
    for records, settings in ran:
        made = [each for each in records if not isinstance(each, Fill | Outcome)]
        for at in range(1, len(made)):
            if isinstance(made[at - 1], Order):
                continue
            following = type(made[at]).__name__
            assert step_after(made[:at], settings) == STEP_OF[following], following
            assert under_way(made[:at], settings)
            seen.add(following)
    assert seen == set(STEP_OF)


@pytest.mark.slow
def test_a_price_that_moved_leads_back_to_the_limits_and_a_brain_reads_where_the_mode_has_one(
    ran: list[Cycle],
) -> None:
    records, settings = next(cycle for cycle in ran if any(isinstance(r, Requote) for r in cycle[0]))
    at = next(n for n, each in enumerate(records) if isinstance(each, Requote))
    moved = records[at].model_copy(update={"outcome": "moved"})
    assert step_after([*records[:at], moved], settings) == "guard"
    states = {step.name: step.state for step in path_of([*records[:at], moved], "guard")}
    assert (states["guard"], states["answer"]) == ("under way", "not reached")
    dual = settings.model_copy(update={"mode": "dual"})
    gate = next(n for n, each in enumerate(records) if type(each).__name__ == "Gate")
    assert step_after(records[: gate + 1], dual) == "brain"


@pytest.mark.slow
def test_the_path_says_what_was_left_out_and_where_a_cycle_ended(ran: list[Cycle]) -> None:
    traded = next(records for records, _ in ran if any(isinstance(r, Order) for r in records))
    states = {step.name: step.state for step in path_of(traded, None)}
    assert states["order"] == "done"
    assert states["brain"] == states["vote"] == "left out"
    aside = next(
        records
        for records, _ in ran
        if not any(isinstance(r, Portfolio) for r in records) and type(records[-1]).__name__ == "Gate"
    )
    states = {step.name: step.state for step in path_of(aside, None)}
    assert [states[name] for name in ("numbers", "gate", "trade")] == ["done", "ended", "not reached"]
