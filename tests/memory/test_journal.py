"""What only the journal on disk must do: refuse changes, survive reopening, and fail closed."""

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contracts.errors import JournalCorrupt, JournalUnavailable
from contracts.records import Environment, Gate
from memory import schema
from memory.audit import verify
from memory.blobs import FileBlobStore
from memory.journal import SqliteJournal
from tests.factories import AS_OF, cycle_named, make_environment, make_gate
from tests.memory.conftest import OpenJournal


def _problems(path: Path) -> tuple[str, ...]:
    return verify(path, FileBlobStore(path.parent / "blobs")).problems


def _append_many(journal: SqliteJournal, count: int) -> None:
    for i in range(count):
        journal.append(make_gate(i, text="x" * 2000))


def _reopened(journal: SqliteJournal, open_journal: OpenJournal) -> SqliteJournal:
    journal.close()
    return open_journal("s2")


def test_reopening_continues_the_chain_and_writes_a_new_environment_once(open_journal: OpenJournal) -> None:
    open_journal("s1").append(make_gate("a"))
    second = open_journal("s2", "new machine")
    row = second.append(make_gate("b"))
    assert (row.seq, row.session_id) == (4, "s2")
    assert [r.kind for r in second.rows()] == ["Environment", "Gate", "Environment", "Gate"]
    assert len(open_journal("s3", "new machine").find_all(Environment)) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET body = '{}' WHERE seq = 2",
        "DELETE FROM journal WHERE seq = 2",
        "INSERT OR REPLACE INTO journal SELECT * FROM journal WHERE seq = 2",
        "INSERT OR REPLACE INTO journal SELECT * FROM journal WHERE seq = 1",
        "INSERT OR IGNORE INTO journal SELECT * FROM journal WHERE seq = 2",
        "INSERT INTO journal SELECT 9, kind, 'x', ordinal, record_id, ends, environment, session_id,"
        " written_at, latency_ms, row_hash, 'h', body FROM journal WHERE seq = 3",
        "INSERT INTO journal SELECT 4, kind, 'x', ordinal, record_id, ends, environment, session_id,"
        " written_at, latency_ms, 'not the tip', 'h', body FROM journal WHERE seq = 3",
        "INSERT OR REPLACE INTO journal SELECT 4, kind, cycle_id, ordinal, record_id, ends, environment,"
        " session_id, written_at, latency_ms, row_hash, 'h', body FROM journal WHERE seq = 3",
    ],
    ids=[
        "update",
        "delete",
        "replace",
        "replace_the_first",
        "ignore",
        "gap",
        "wrong_chain",
        "replace_a_stage",
    ],
)
@pytest.mark.parametrize("recursive_triggers", ["on", "off"])
def test_a_stranger_can_neither_change_nor_delete_nor_insert_out_of_line(
    open_journal: OpenJournal, journal_path: Path, statement: str, recursive_triggers: str
) -> None:
    journal = open_journal()
    journal.append(make_gate("a"))
    journal.append(make_gate("b"))
    before = list(journal.rows())
    stranger = sqlite3.connect(journal_path, isolation_level=None)
    stranger.execute(f"PRAGMA recursive_triggers = {recursive_triggers}")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        stranger.execute(statement)
    stranger.close()
    assert list(journal.rows()) == before


def test_a_newer_schema_is_refused(open_journal: OpenJournal, journal_path: Path) -> None:
    open_journal()
    newer = schema.SCHEMA_VERSION + 1
    stranger = sqlite3.connect(journal_path)
    stranger.execute(f"PRAGMA user_version = {newer}")
    stranger.close()
    with pytest.raises(JournalUnavailable, match=f"found {newer}"):
        open_journal()


def test_a_database_of_something_else_is_refused_and_left_alone(
    open_journal: OpenJournal, journal_path: Path
) -> None:
    journal_path.parent.mkdir()
    other = sqlite3.connect(journal_path)
    other.execute("CREATE TABLE recipes (name)")
    other.close()
    with pytest.raises(JournalUnavailable, match="another SQLite file"):
        open_journal()
    assert not journal_path.with_suffix(".anchor").exists()


def test_a_file_that_is_no_database_is_refused(open_journal: OpenJournal, journal_path: Path) -> None:
    journal_path.parent.mkdir()
    journal_path.write_text("seq,kind\n" * 1000)
    with pytest.raises(JournalUnavailable, match="not a database"):
        open_journal()


def test_a_path_that_cannot_be_made_is_unavailable(open_journal: OpenJournal, journal_path: Path) -> None:
    journal_path.parent.write_text("a file where the folder should be")
    with pytest.raises(JournalUnavailable, match=r"journal\.db"):
        open_journal()


def test_a_full_disk_stops_the_journal_until_it_is_opened_again(
    open_journal: OpenJournal, journal_path: Path
) -> None:
    journal = open_journal()
    journal._db.conn.execute("PRAGMA max_page_count = 20")
    with pytest.raises(JournalUnavailable, match="full") as caught:
        _append_many(journal, 1000)
    assert caught.value.fields["path"] == str(journal_path)
    journal._db.conn.execute("PRAGMA max_page_count = 1000000")
    with pytest.raises(JournalUnavailable, match="open the journal again"):
        journal.append(make_gate("small"))
    written = list(journal.rows())
    again = _reopened(journal, open_journal)
    assert again.append(make_gate("small")).seq == written[-1].seq + 1
    assert _problems(journal_path) == ()


def test_a_lock_held_too_long_stops_the_journal(
    open_journal: OpenJournal, journal_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal()
    journal._db.conn.execute("PRAGMA busy_timeout = 50")
    stranger = sqlite3.connect(journal_path, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalUnavailable, match="locked"):
        journal.append(make_gate("a"))
    stranger.close()
    with pytest.raises(JournalUnavailable, match="refused"):
        journal.append(make_gate("a"))
    assert open_journal("s2").append(make_gate("a")).seq == 2


def test_a_journal_this_user_may_not_write_stops_at_the_append(open_journal: OpenJournal) -> None:
    journal = open_journal()
    journal._db.conn.execute("PRAGMA query_only = ON")
    with pytest.raises(JournalUnavailable, match="readonly"):
        journal.append(make_gate("a"))


def test_an_anchor_that_cannot_be_written_stops_the_journal(open_journal: OpenJournal) -> None:
    journal = open_journal()
    os.close(journal._anchor._descriptor)
    with pytest.raises(JournalUnavailable, match="Bad file descriptor"):
        journal.append(make_gate("a"))
    with pytest.raises(JournalUnavailable, match="refused"):
        journal.append(make_gate("b"))
    journal._anchor._descriptor = os.open(os.devnull, os.O_WRONLY)
    journal._anchor.close = lambda: None  # type: ignore[method-assign]


def test_a_damaged_anchor_stops_the_journal(open_journal: OpenJournal, journal_path: Path) -> None:
    journal = open_journal()
    journal_path.with_suffix(".anchor").write_bytes(b"damaged")
    with pytest.raises(JournalCorrupt, match="damaged"):
        journal.append(make_gate("a"))
    with pytest.raises(JournalUnavailable, match="refused"):
        journal.append(make_gate("b"))
    assert journal.tip().n_rows == 2


def test_a_closed_journal_is_unavailable(open_journal: OpenJournal) -> None:
    journal = open_journal()
    journal.close()
    with pytest.raises(JournalUnavailable, match="closed"):
        journal.append(make_gate("a"))
    with pytest.raises(JournalUnavailable, match="closed"):
        journal.find(Gate, cycle_named("a"))


def test_only_a_durable_append_is_synced_to_disk(open_journal: OpenJournal) -> None:
    journal = open_journal()
    statements: list[str] = []
    journal._db.conn.set_trace_callback(statements.append)
    journal.append(make_gate("a"))
    journal.append(make_gate("b"), durable=True)
    journal.append(make_gate("c"))
    levels = [s for s in statements if s.startswith(("PRAGMA", "COMMIT"))]
    full, normal = "PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL"
    assert levels == ["COMMIT", full, "COMMIT", normal, "COMMIT"]


def test_a_durable_append_of_what_is_on_file_is_synced_too(
    open_journal: OpenJournal, journal_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal()
    journal.append(make_gate("a"))
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(str(Path(f"/proc/self/fd/{fd}").readlink())))
    journal.append(make_gate("a"))
    assert synced == []
    journal.append(make_gate("a"), durable=True)
    assert synced == [f"{journal_path}-wal"]


def test_threads_may_share_one_journal(open_journal: OpenJournal, journal_path: Path) -> None:
    journal = open_journal()

    def append_some(worker: int) -> None:
        for i in range(25):
            journal.append(make_gate((worker, i)))
            assert journal.find(Gate, cycle_named((worker, i))) is not None

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(append_some, range(4)))
    assert [row.seq for row in journal.rows()] == list(range(1, 102))
    assert _problems(journal_path) == ()


def test_a_record_whose_bytes_were_changed_is_not_handed_out(
    open_journal: OpenJournal, journal_path: Path
) -> None:
    journal = open_journal()
    journal.append(make_gate("a"))
    stranger = sqlite3.connect(journal_path)
    stranger.execute("DROP TRIGGER journal_no_update")
    stranger.execute("UPDATE journal SET body = replace(body, '2.5', '9.5') WHERE seq = 2")
    stranger.commit()
    stranger.close()
    with pytest.raises(JournalCorrupt, match="row 2") as caught:
        journal.find(Gate, cycle_named("a"))
    assert caught.value.fields["seq"] == 2


def test_leaving_the_context_closes_the_journal(journal_path: Path) -> None:
    with SqliteJournal(
        journal_path, environment=make_environment(), session_id="s", clock=lambda: AS_OF
    ) as journal:
        journal.append(make_gate("a"))
    assert sorted(p.name for p in journal_path.parent.iterdir()) == ["journal.anchor", "journal.db"]
