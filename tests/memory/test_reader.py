"""Opening for reading leaves no trace; the list of cycles says how each ended."""

import shutil
from pathlib import Path

import pytest

from contracts.errors import JournalUnavailable
from contracts.records import Gate, Requote
from memory.journal import open_for_reading
from tests.factories import (
    AS_OF,
    NO_HASH,
    cycle_named,
    make_approval,
    make_desk_state,
    make_exchange,
    make_gate,
    make_order,
)
from tests.memory.conftest import OpenJournal


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _requote(name: object) -> Requote:
    return Requote.model_validate(
        {
            "cycle_id": cycle_named(name),
            "as_of": AS_OF,
            "parents": (),
            "round": 0,
            "quote": None,
            "at": AS_OF,
            "halted_by": None,
            "is_exposure_changed": False,
            "moved_ticks": None,
            "tolerance_ticks": 3.0,
            "outcome": "no_quote",
            "reasons": (),
        }
    )


def test_reading_a_closed_journal_changes_no_file_and_makes_none(
    open_journal: OpenJournal, journal_path: Path
) -> None:
    journal = open_journal()
    journal.append(make_gate("a"))
    journal.close()
    before = _contents(journal_path.parent)
    reader = open_for_reading(journal_path)
    assert reader.find(Gate, cycle_named("a")) == make_gate("a")
    assert len(list(reader.rows())) == 2
    reader.close()
    assert _contents(journal_path.parent) == before


def test_reading_what_is_not_there_makes_nothing(journal_path: Path) -> None:
    with pytest.raises(JournalUnavailable, match="no file"):
        open_for_reading(journal_path)
    assert not journal_path.parent.exists()


def test_records_are_read_a_few_at_a_time_from_either_end_with_their_rows(open_journal: OpenJournal) -> None:
    journal = open_journal()
    for i in range(5):
        journal.append(make_desk_state(i))
        journal.append(make_gate(i))
    rows = {row.seq: row.cycle_id for row in journal.rows() if row.kind == "Gate"}
    assert len(rows) == 5
    newest = journal.find_newest(Gate, 2)
    assert [(seq, gate.cycle_id) for seq, gate in newest] == list(rows.items())[-2:]
    assert journal.find_newest(Gate, 9, after=newest[0][0]) == newest[1:]
    first = journal.find_next(Gate, 3, after=0)
    assert [(seq, gate.cycle_id) for seq, gate in first] == list(rows.items())[:3]
    assert journal.find_next(Gate, 9, after=first[-1][0]) == journal.find_newest(Gate, 2)
    assert journal.find_next(Gate, 9, after=newest[-1][0]) == ()
    assert journal.find_newest(Gate, 0) == ()


def test_an_empty_file_is_no_journal_and_stays_empty(journal_path: Path) -> None:
    journal_path.parent.mkdir()
    journal_path.touch()
    with pytest.raises(JournalUnavailable, match="another SQLite file"):
        open_for_reading(journal_path)
    assert _contents(journal_path.parent) == {"journal.db": b""}


def test_a_reader_refuses_to_append(open_journal: OpenJournal, journal_path: Path) -> None:
    open_journal()
    with pytest.raises(JournalUnavailable, match="open for reading"):
        open_for_reading(journal_path).append(make_gate("a"))


def test_a_reader_follows_a_live_writer(open_journal: OpenJournal, journal_path: Path) -> None:
    journal = open_journal()
    reader = open_for_reading(journal_path)
    journal.append(make_gate("a"))
    assert [row.seq for row in reader.rows(after=1)] == [2]
    reader.close()


def test_a_reader_opened_before_the_writer_sees_what_it_writes(
    open_journal: OpenJournal, journal_path: Path
) -> None:
    open_journal().close()
    reader = open_for_reading(journal_path)
    assert reader.tip().n_rows == 1
    journal = open_journal("s2")
    journal.append(make_gate("a"))
    assert reader.tip().n_rows == 2
    journal.close()
    assert reader.find(Gate, cycle_named("a")) == make_gate("a")
    reader.close()


def test_a_reader_sees_what_a_writer_wrote_that_came_and_went_between_two_reads(
    open_journal: OpenJournal, journal_path: Path
) -> None:
    open_journal().close()
    reader = open_for_reading(journal_path)
    assert reader.find_all(Gate) == ()
    for start in range(0, 600, 200):
        journal = open_journal(f"s{start}")
        for i in range(start, start + 200):
            journal.append(make_gate(i))
        journal.close()
        assert not (journal_path.parent / "journal.db-wal").exists()
        assert len(reader.find_all(Gate)) == start + 200
    reader.close()


@pytest.mark.parametrize("suffixes", [("", "-wal"), ("", "-wal", "-shm")], ids=["log", "log_and_index"])
def test_a_copy_of_a_journal_left_by_a_crash_is_read_whole(
    open_journal: OpenJournal, journal_path: Path, tmp_path: Path, suffixes: tuple[str, ...]
) -> None:
    open_journal().append(make_gate("a"))
    copy = tmp_path / "copy.db"
    for suffix in suffixes:
        shutil.copy(f"{journal_path}{suffix}", f"{copy}{suffix}")
    reader = open_for_reading(copy)
    assert [row.kind for row in reader.rows()] == ["Environment", "Gate"]
    reader.close()


def test_a_path_with_odd_characters_is_that_path(tmp_path: Path, open_journal: OpenJournal) -> None:
    journal = open_journal()
    journal.append(make_gate("a"))
    journal.close()
    odd = tmp_path / "what? #1 & 100%20.db"
    shutil.copy(journal._path, odd)
    reader = open_for_reading(odd)
    assert reader.tip().n_rows == 2
    reader.close()
    assert len(list(tmp_path.iterdir())) == 2


def test_no_look_up_reads_more_than_it_answers(open_journal: OpenJournal) -> None:
    journal = open_journal()
    journal.append(make_desk_state("a"))
    journal.append(make_order("a", "FILLED"))
    statements: list[str] = []
    connection = journal._db.conn
    connection.set_trace_callback(statements.append)
    journal.find(Gate, cycle_named("a"))
    journal.find_all(Gate, cycle_named("a"))
    journal.by_id(Gate, NO_HASH)
    list(journal.rows(cycle_id=cycle_named("a")))
    list(journal.rows(after=1))
    journal.cycles(limit=1)
    journal.unfinished_cycles()
    journal.append(make_gate("a"))
    connection.set_trace_callback(None)
    reads = [s for s in statements if s.startswith("SELECT")]
    plans = {s: str(connection.execute(f"EXPLAIN QUERY PLAN {s}").fetchall()) for s in reads}
    assert len(plans) >= 9
    for statement, plan in plans.items():
        assert "SCAN journal" not in plan or statement.endswith("ORDER BY seq DESC LIMIT 1")
        # The rows of one class are most of the journal: only a listing of that class may walk them.
        assert "journal_by_kind" not in plan or "'DeskState'" in statement


def test_unfinished_cycles_are_those_that_still_owe_something(open_journal: OpenJournal) -> None:
    journal = open_journal()
    for name in ("gate open", "gate closed", "sent", "unknown", "filled", "refused", "reopened"):
        journal.append(make_desk_state(name))
    journal.append(make_gate("gate open"))
    journal.append(make_gate("gate closed", level="closed"))
    late = make_exchange("gate closed", 500, outcome="late")
    journal.append(late, cycle_id=late.cycle_id, ordinal=500)
    journal.append(make_order("sent", "SUBMITTED"))
    journal.append(make_order("unknown", "SUBMITTED"))
    journal.append(make_order("unknown", "UNKNOWN", 1), ordinal=1)
    journal.append(make_order("filled", "SUBMITTED"))
    journal.append(make_order("filled", "FILLED", 1), ordinal=1)
    journal.append(make_gate("filled"))
    journal.append(make_approval("refused", is_granted=False))
    journal.append(make_gate("reopened", level="closed"))
    journal.append(make_approval("reopened", is_granted=True))
    journal.append(make_desk_state("halted", halted_by="kill switch"))
    owing = ("gate open", "sent", "unknown", "reopened")
    assert journal.unfinished_cycles() == tuple(cycle_named(name) for name in owing)


@pytest.mark.parametrize("state", ["ACCEPTED", "PARTIALLY_FILLED", "CANCELED", "REJECTED", "EXPIRED"])
def test_a_cycle_is_finished_once_the_venue_or_time_has_answered(
    open_journal: OpenJournal, state: str
) -> None:
    journal = open_journal()
    journal.append(make_desk_state("a"))
    journal.append(make_order("a", "INITIALIZED"))
    assert journal.unfinished_cycles() == (cycle_named("a"),)
    journal.append(make_order("a", state, 1), ordinal=1)  # type: ignore[arg-type]
    assert journal.unfinished_cycles() == ()


def test_a_late_answer_of_a_model_is_not_what_a_cycle_came_to(open_journal: OpenJournal) -> None:
    journal = open_journal()
    journal.append(make_desk_state("a"))
    journal.append(make_gate("a", level="closed"))
    late = make_exchange("a", 500, outcome="late")
    journal.append(late, cycle_id=late.cycle_id, ordinal=500)
    (cycle,) = journal.cycles()
    assert (cycle.last_kind, cycle.end) == ("Gate", "weak")


def test_cycles_are_listed_newest_first_with_how_each_ended(open_journal: OpenJournal) -> None:
    journal = open_journal()
    for name in ("a", "b", "c", "d", "e"):
        journal.append(make_desk_state(name, instrument_id=f"{name}_USD"))
    journal.append(make_gate("b", level="closed"))
    journal.append(make_order("c", "FILLED"))
    journal.append(make_gate("c"))
    journal.append(make_approval("d", is_granted=False))
    journal.append(_requote("e"))
    journal.append(make_desk_state("f", halted_by="kill switch"))
    cycles = journal.cycles()
    assert [c.end for c in cycles] == [
        "kill switch",
        "no_quote",
        "refused by trader",
        "FILLED",
        "weak",
        "unfinished",
    ]
    assert [c.last_kind for c in cycles] == ["DeskState", "Requote", "Approval", "Gate", "Gate", "DeskState"]
    assert [c.instrument_id for c in cycles[3:]] == ["c_USD", "b_USD", "a_USD"]
    assert (cycles[-1].cycle_id, cycles[-1].first_seq, cycles[-1].as_of) == (cycle_named("a"), 2, AS_OF)


def test_a_listing_goes_on_where_the_last_page_ended(open_journal: OpenJournal) -> None:
    journal = open_journal()
    for i in range(5):
        journal.append(make_desk_state(i))
    page = journal.cycles(2)
    rest = journal.cycles(before=page[-1].first_seq)
    assert [c.cycle_id for c in (*page, *rest)] == [cycle_named(i) for i in reversed(range(5))]
    assert journal.cycles(0) == ()
