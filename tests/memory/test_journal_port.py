"""What the journal port promises, asked of both journals."""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from contracts.canonical import Record
from contracts.errors import InvariantBroken
from contracts.ports import Journal
from contracts.records import DeskState, Environment, Gate, Order
from memory.journal import SqliteJournal
from memory.reader import PAGE_ROWS
from memory.scratch import MemoryJournal
from tests.factories import AS_OF, cycle_named, make_desk_state, make_environment, make_gate, make_order


def _on_disk(folder: Path, clock: Callable[[], datetime]) -> Journal:
    return SqliteJournal(folder / "journal.db", environment=make_environment(), session_id="s1", clock=clock)


def _in_memory(folder: Path, clock: Callable[[], datetime]) -> Journal:
    return MemoryJournal(environment=make_environment(), session_id="s1", clock=clock)


@pytest.fixture(params=[_on_disk, _in_memory], ids=["disk", "memory"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    made: Journal = request.param(tmp_path, lambda: AS_OF)
    yield made
    if isinstance(made, SqliteJournal):
        made.close()


def test_an_appended_record_is_found_at_its_stage(journal: Journal) -> None:
    gate = make_gate("a")
    row = journal.append(gate, cycle_id=gate.cycle_id, latency_ms=1.25)
    assert journal.find(Gate, gate.cycle_id) == gate
    assert journal.find(Gate, gate.cycle_id, ordinal=1) is None
    assert journal.find(DeskState, gate.cycle_id) is None
    assert (row.seq, row.kind, row.ordinal, row.latency_ms) == (2, "Gate", 0, 1.25)
    assert (row.body, row.record_id) == (gate.canonical, gate.record_id)
    assert (row.session_id, row.written_at) == ("s1", AS_OF)


def test_the_environment_is_the_first_row_and_named_by_every_row(journal: Journal) -> None:
    row = journal.append(make_gate("a"))
    first = next(iter(journal.rows()))
    assert (first.seq, first.kind, first.prev_hash) == (1, "Environment", "0" * 64)
    assert first.record_id == first.environment == row.environment == make_environment().record_id
    assert row.prev_hash == first.row_hash


def test_the_environment_is_journaled_once(journal: Journal) -> None:
    again = journal.append(make_environment())
    other = journal.append(make_environment("other machine"))
    assert (again.seq, other.seq) == (1, 2)
    assert len(journal.find_all(Environment)) == 2


def test_appending_the_same_content_again_returns_the_row_on_file(journal: Journal) -> None:
    first = journal.append(make_gate("a"), latency_ms=1.0)
    again = journal.append(make_gate("a"), latency_ms=9.0, durable=True)
    assert again == first
    assert len(list(journal.rows())) == 2


def test_appending_other_content_at_a_stage_is_refused_and_changes_nothing(journal: Journal) -> None:
    journal.append(make_gate("a"))
    with pytest.raises(InvariantBroken, match="written once"):
        journal.append(make_gate("a", level="closed"))
    assert journal.append(make_gate("b")).seq == 3
    assert journal.find(Gate, cycle_named("a")) == make_gate("a")


def test_a_stage_record_goes_under_its_own_cycle_unasked(journal: Journal) -> None:
    assert journal.append(make_gate("a")).cycle_id == cycle_named("a")


def test_a_stage_record_under_another_cycle_is_refused(journal: Journal) -> None:
    with pytest.raises(InvariantBroken, match="its own cycle"):
        journal.append(make_gate("a"), cycle_id=cycle_named("b"))
    assert len(list(journal.rows())) == 1


def test_a_record_class_nobody_listed_is_refused(journal: Journal) -> None:
    class Private(Record):
        x: int = 1

    with pytest.raises(InvariantBroken, match="Private"):
        journal.append(Private())


def test_a_class_that_only_borrows_a_listed_name_is_refused(journal: Journal) -> None:
    impostor = type("Gate", (Record,), {})
    with pytest.raises(InvariantBroken, match="listed"):
        journal.append(impostor())


def test_find_all_keeps_journal_order_and_last_is_the_newest(journal: Journal) -> None:
    orders = [make_order("a", "SUBMITTED", 0), make_order("a", "ACCEPTED", 1), make_order("a", "FILLED", 2)]
    for order in orders:
        journal.append(order, ordinal=order.ordinal)
    elsewhere = make_order("b", "REJECTED")
    journal.append(elsewhere)
    assert journal.find_all(Order, cycle_named("a")) == tuple(orders)
    assert journal.find_all(Order) == (*orders, elsewhere)
    assert journal.last(Order) == elsewhere
    assert journal.find_all(Gate) == ()
    assert journal.last(Gate) is None


def test_by_id_finds_by_content_and_class(journal: Journal) -> None:
    gate = make_gate("a")
    journal.append(gate)
    assert journal.by_id(Gate, gate.record_id) == gate
    assert journal.by_id(Order, gate.record_id) is None
    assert journal.by_id(Gate, "f" * 64) is None


def test_rows_begin_after_the_one_named_and_may_be_of_one_cycle(journal: Journal) -> None:
    for name in ("a", "b"):
        journal.append(make_desk_state(name))
        journal.append(make_gate(name))
    assert [row.seq for row in journal.rows()] == [1, 2, 3, 4, 5]
    assert [row.seq for row in journal.rows(after=3)] == [4, 5]
    assert [row.seq for row in journal.rows(after=2, cycle_id=cycle_named("a"))] == [3]
    assert list(journal.rows(after=5)) == []
    assert list(journal.rows(cycle_id="no such cycle")) == []


def test_rows_appended_while_listing_neither_repeat_nor_break_the_listing(journal: Journal) -> None:
    for i in range(PAGE_ROWS + 40):
        journal.append(make_gate(i))
    seen = []
    for row in journal.rows():
        seen.append(row.seq)
        if row.seq == 10:
            journal.append(make_gate("late"))
    assert seen[: PAGE_ROWS + 41] == list(range(1, PAGE_ROWS + 42))


@pytest.mark.parametrize("latency_ms", [math.nan, math.inf, -0.0, 3, 1e-9])
def test_an_odd_latency_never_breaks_the_chain(journal: Journal, latency_ms: float) -> None:
    row = journal.append(make_gate("a"), latency_ms=latency_ms)
    assert row.latency_ms is None or math.isfinite(row.latency_ms)
    assert list(journal.rows())[-1] == row


def test_a_moment_in_another_zone_is_written_in_utc(tmp_path: Path) -> None:
    east = datetime(2026, 3, 2, 18, tzinfo=timezone(timedelta(hours=3)))
    row = MemoryJournal(clock=lambda: east).append(make_gate("a"))
    assert row.written_at == AS_OF
    assert row.written_at.tzinfo == UTC


def test_a_clock_without_a_zone_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    moments = iter([AS_OF, datetime(2026, 3, 2), AS_OF])  # noqa: DTZ001 - the wrong thing on purpose
    journal = _on_disk(tmp_path, lambda: next(moments))
    with pytest.raises(ValueError, match="zone"):
        journal.append(make_gate("a"))
    assert journal.append(make_gate("a")).seq == 2
    assert isinstance(journal, SqliteJournal)
    journal.close()


def test_both_journals_chain_to_the_same_hashes(tmp_path: Path) -> None:
    disk, memory = _on_disk(tmp_path, lambda: AS_OF), _in_memory(tmp_path, lambda: AS_OF)
    for journal in (disk, memory):
        journal.append(make_desk_state("a"))
        journal.append(make_gate("a", level="closed"), latency_ms=0.1)
    assert list(disk.rows()) == list(memory.rows())
    assert isinstance(disk, SqliteJournal)
    disk.close()
