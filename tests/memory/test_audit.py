"""Whatever is changed, cut, rewritten or lost is told of; nothing that is sound is."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.canonical import Record, sha256_hex
from contracts.errors import JournalUnavailable
from contracts.records import RECORDS, ChunkRef
from memory.anchor import anchor_beside
from memory.audit import BLOB_FIELDS, AuditReport, export, verify
from memory.blobs import FileBlobStore
from memory.chain import NOTHING, StoredRow, Tip
from memory.journal import SqliteJournal, open_for_reading
from memory.reader import log_beside
from tests.factories import (
    AS_OF,
    make_desk_state,
    make_environment,
    make_gate,
    make_order,
    make_session_ended,
)
from tests.memory.test_anchor import cut_tail

N_CYCLES = 6


def _write(path: Path, session_id: str = "s") -> SqliteJournal:
    journal = SqliteJournal(path, environment=make_environment(), session_id=session_id, clock=lambda: AS_OF)
    blobs = FileBlobStore(path.parent / "blobs")
    settings_hash = blobs.put(b"settings")
    for i in range(N_CYCLES):
        journal.append(make_desk_state(i, settings_hash=settings_hash), latency_ms=1.5)
        journal.append(make_gate(i, level="closed" if i % 2 else "vote", text="quiet" * 40))
    journal.append(make_order(0, "FILLED"), durable=True)
    journal.append(make_session_ended(blobs.put(b"summary")))
    return journal


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed, sound journal with blobs, never to be changed."""
    path = tmp_path_factory.mktemp("sound") / "journal.db"
    _write(path).close()
    return path


@pytest.fixture(scope="module")
def left_by_a_crash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a journal whose writer died before anything left the log."""
    folder = tmp_path_factory.mktemp("crash")
    journal = _write(folder / "live" / "journal.db")
    shutil.copytree(folder / "live", folder / "crashed")
    journal.close()
    return folder / "crashed" / "journal.db"


@pytest.fixture
def journal_path(sound: Path, tmp_path: Path) -> Path:
    """A copy of the sound journal to do harm to."""
    shutil.copytree(sound.parent, tmp_path / "copy")
    return tmp_path / "copy" / sound.name


def _verify(path: Path) -> AuditReport:
    return verify(path, FileBlobStore(path.parent / "blobs"))


def _tamper(path: Path, *statements: tuple[str, tuple[Any, ...]]) -> None:
    """Run statements with the triggers out of the way, and put them back as they were."""
    connection = sqlite3.connect(path)
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement, values in statements:
        connection.execute(statement, values)
    for _, sql in triggers:
        connection.execute(sql)
    connection.commit()
    connection.close()


def _rows(path: Path) -> list[StoredRow]:
    reader = open_for_reading(path)
    try:
        return list(reader.stored_rows())
    finally:
        reader.close()


def test_a_sound_journal_has_no_problems(sound: Path) -> None:
    report = _verify(sound)
    last = _rows(sound)[-1]
    assert report == AuditReport(1 + 2 * N_CYCLES + 2, 2, Tip(last.seq, last.row_hash), ())
    assert report.is_sound


def test_verifying_changes_no_file(sound: Path) -> None:
    before = {p: p.read_bytes() for p in sound.parent.rglob("*") if p.is_file()}
    _verify(sound)
    assert {p: p.read_bytes() for p in sound.parent.rglob("*") if p.is_file()} == before


def test_a_journal_left_by_a_crash_is_sound(left_by_a_crash: Path) -> None:
    assert log_beside(left_by_a_crash).stat().st_size > 0
    report = _verify(left_by_a_crash)
    assert (report.problems, report.n_rows) == ((), 1 + 2 * N_CYCLES + 2)


def test_a_journal_being_written_is_sound(tmp_path: Path) -> None:
    journal = _write(tmp_path / "journal.db")
    assert _verify(tmp_path / "journal.db").is_sound
    journal.close()


_COLUMNS = [c for c in StoredRow._fields if c != "seq"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_changed_byte_in_any_column_of_any_row_is_told_with_its_row(
    sound: Path, tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "journal.db"
    shutil.copy(sound, path)
    shutil.copy(anchor_beside(sound), anchor_beside(path))
    shutil.copytree(sound.parent / "blobs", tmp_path / "blobs", dirs_exist_ok=True)
    seq = data.draw(st.integers(1, 2 * N_CYCLES + 3))
    column = data.draw(st.sampled_from(_COLUMNS))
    (value,) = _one(path, f"SELECT {column} FROM journal WHERE seq = {seq}")
    if isinstance(value, str):
        stored = bytearray(value.encode())
        stored[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(1, 255))
        _tamper(
            path,
            (f"UPDATE OR IGNORE journal SET {column} = CAST(? AS TEXT) WHERE seq = ?", (bytes(stored), seq)),
        )
    else:
        changed = {"latency_ms": 2.5, "cycle_id": "x"}.get(column, 1 - (value or 0))
        _tamper(path, (f"UPDATE journal SET {column} = ? WHERE seq = ?", (changed, seq)))
    problems = _verify(path).problems
    assert any(problem.startswith(f"row {seq}: ") for problem in problems)


def _one(path: Path, query: str) -> Any:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchone()
    finally:
        connection.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("left", ["closed", "crashed"])
def test_one_changed_byte_anywhere_in_the_files_is_told_or_changes_no_row(
    sound: Path, left_by_a_crash: Path, tmp_path: Path, left: str, data: st.DataObject
) -> None:
    original = sound if left == "closed" else left_by_a_crash
    shutil.copytree(original.parent, tmp_path / "copy", dirs_exist_ok=True)
    path = tmp_path / "copy" / "journal.db"
    harmed = log_beside(path) if left == "crashed" and data.draw(st.booleans()) else path
    stored = bytearray(harmed.read_bytes())
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(1, 255))
    harmed.write_bytes(stored)
    report = _verify(path)
    if report.is_sound:
        assert _rows(path) == _rows_of(original)


def _rows_of(path: Path, *, _cache: dict[Path, list[StoredRow]] = {}) -> list[StoredRow]:  # noqa: B006
    if path not in _cache:
        _cache[path] = _rows(path)
    return _cache[path]


def test_a_cut_tail_is_told(journal_path: Path) -> None:
    cut_tail(journal_path, keep=10)
    (problem,) = [p for p in _verify(journal_path).problems if "unfinished" not in p]
    assert problem == "expected at least 15 rows by the anchor, found fewer: rows were cut off"


def test_a_row_taken_from_the_middle_is_told(journal_path: Path) -> None:
    _tamper(journal_path, ("DELETE FROM journal WHERE seq = 7", ()))
    assert "row 8: expected row 7 here, found a gap: rows are missing" in _verify(journal_path).problems


def test_two_rows_that_changed_places_are_told(journal_path: Path) -> None:
    _tamper(
        journal_path,
        ("UPDATE journal SET seq = 100 WHERE seq = 5", ()),
        ("UPDATE journal SET seq = 5 WHERE seq = 6", ()),
        ("UPDATE journal SET seq = 6 WHERE seq = 100", ()),
    )
    problems = _verify(journal_path).problems
    assert any(p.startswith("row 5: ") and "chain is broken" in p for p in problems)


def test_a_row_rewritten_with_hashes_made_to_fit_breaks_the_chain(journal_path: Path) -> None:
    row = _rows(journal_path)[4]
    body = row.body.replace(b'"2.5"', b'"9.5"').replace(b"2.5", b"9.5")
    assert body != row.body
    forged = row._replace(body=body, record_id=sha256_hex(body))
    forged = forged._replace(row_hash=forged.digest())
    _tamper(
        journal_path,
        (
            "UPDATE journal SET body = CAST(? AS TEXT), record_id = ?, row_hash = ? WHERE seq = 5",
            (body, forged.record_id, forged.row_hash),
        ),
    )
    problems = _verify(journal_path).problems
    assert problems == ("row 6: expected the hash of the row before, found another: the chain is broken",)


def test_a_journal_rewritten_from_the_start_is_told_by_the_anchor(journal_path: Path, tmp_path: Path) -> None:
    kept = anchor_beside(journal_path).read_bytes()
    _write(tmp_path / "forged" / "journal.db", "forger").close()
    shutil.copy(tmp_path / "forged" / "journal.db", journal_path)
    anchor_beside(journal_path).write_bytes(kept)
    (problem,) = _verify(journal_path).problems
    assert "rows were rewritten" in problem


def test_a_missing_anchor_is_told(journal_path: Path) -> None:
    anchor_beside(journal_path).unlink()
    assert _verify(journal_path).problems == (
        "expected an anchor beside the journal, found none: a cut tail would not show",
    )


def test_an_unreadable_anchor_is_told(journal_path: Path) -> None:
    anchor_beside(journal_path).write_bytes(b"\0" * 86)
    assert any("readable anchor" in problem for problem in _verify(journal_path).problems)


def test_an_anchor_elsewhere_is_used_where_it_is_named(journal_path: Path, tmp_path: Path) -> None:
    safe = anchor_beside(journal_path).rename(tmp_path / "safe.anchor")
    blobs = FileBlobStore(journal_path.parent / "blobs")
    assert verify(journal_path, blobs, anchor=safe).is_sound


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("DROP TRIGGER journal_no_update", "journal_no_update"),
        ("DROP INDEX journal_by_stage", "journal_by_stage"),
        ("PRAGMA user_version = 7", "schema version 7"),
        ("DELETE FROM unfinished", "unfinished"),
    ],
)
def test_a_guard_that_was_taken_away_is_told(journal_path: Path, statement: str, named: str) -> None:
    connection = sqlite3.connect(journal_path)
    connection.execute(statement)
    connection.commit()
    connection.close()
    problems = _verify(journal_path).problems
    assert problems
    assert all(named in problem for problem in problems)


def test_a_record_this_version_cannot_read_is_told(journal_path: Path) -> None:
    row = _rows(journal_path)[-1]
    odd = row._replace(body=b"{}", record_id=sha256_hex(b"{}"))
    odd = odd._replace(row_hash=odd.digest())
    _tamper(
        journal_path,
        (
            "UPDATE journal SET body = '{}', record_id = ?, row_hash = ? WHERE seq = ?",
            (odd.record_id, odd.row_hash, odd.seq),
        ),
    )
    assert any("cannot read" in problem for problem in _verify(journal_path).problems)


def _missing(path: Path) -> None:
    path.unlink()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _not_a_database(path: Path) -> None:
    path.write_bytes(b"not a database " * 500)


def _half_a_file(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _torn_page(path: Path) -> None:
    stored = bytearray(path.read_bytes())
    stored[4096 * 2 : 4096 * 3] = b"\xff" * 4096
    path.write_bytes(stored)


@pytest.mark.parametrize("harm", [_missing, _empty, _not_a_database, _half_a_file, _torn_page])
def test_a_file_that_cannot_be_read_is_a_problem_and_not_a_traceback(
    journal_path: Path, harm: Callable[[Path], None]
) -> None:
    harm(journal_path)
    assert not _verify(journal_path).is_sound


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_changed_byte_in_any_blob_is_told(sound: Path, tmp_path: Path, data: st.DataObject) -> None:
    shutil.copytree(sound.parent, tmp_path / "copy", dirs_exist_ok=True)
    path = tmp_path / "copy" / "journal.db"
    blobs = FileBlobStore(path.parent / "blobs")
    blob = data.draw(st.sampled_from(list(blobs.all())))
    file = path.parent / "blobs" / blob[:2] / blob
    stored = bytearray(file.read_bytes())
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(1, 255))
    file.write_bytes(stored)
    (problem,) = _verify(path).problems
    assert blob[:12] in problem


def test_a_missing_blob_is_told_with_the_first_row_that_names_it(journal_path: Path) -> None:
    blob = sha256_hex(b"settings")
    (journal_path.parent / "blobs" / blob[:2] / blob).unlink()
    (problem,) = _verify(journal_path).problems
    assert problem.startswith("row 2: ")
    assert blob[:12] in problem


def test_a_blob_no_row_names_is_checked_too(journal_path: Path) -> None:
    blobs = FileBlobStore(journal_path.parent / "blobs")
    blob = blobs.put(b"nobody's")
    (journal_path.parent / "blobs" / blob[:2] / blob).write_bytes(b"changed!")
    (problem,) = _verify(journal_path).problems
    assert blob[:12] in problem


def test_every_field_that_names_a_blob_is_a_field_of_some_record() -> None:
    classes: list[type[Record]] = [*RECORDS.values(), ChunkRef]
    fields = {name for cls in classes for name in cls.model_fields}
    assert fields >= BLOB_FIELDS


def test_an_export_holds_every_row_to_the_byte_and_ends_with_the_anchor(sound: Path, tmp_path: Path) -> None:
    reader = open_for_reading(sound)
    tip = export(reader, tmp_path / "out.jsonl")
    rows = list(reader.stored_rows())
    reader.close()
    *lines, last = (tmp_path / "out.jsonl").read_bytes().splitlines()
    assert json.loads(last) == {"anchor": {"count": len(rows), "hash": rows[-1].row_hash}}
    assert tip == Tip(len(rows), rows[-1].row_hash)
    before = NOTHING
    for line, row in zip(lines, rows, strict=True):
        assert b'"body":' + row.body in line
        columns = json.loads(line)
        assert columns["prev_hash"] == before
        assert StoredRow(**{**columns, "body": row.body}).digest() == columns["row_hash"]
        before = columns["row_hash"]
    assert list(tmp_path.iterdir()) == [tmp_path / "out.jsonl"]


def test_an_export_that_cannot_be_written_is_refused(sound: Path, tmp_path: Path) -> None:
    reader = open_for_reading(sound)
    with pytest.raises(JournalUnavailable, match="expected to write"):
        export(reader, tmp_path / "no such folder" / "out.jsonl")
    reader.close()
