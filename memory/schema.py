"""The journal's table, indexes and triggers, and which version of them a file holds."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database

from contracts.errors import JournalUnavailable

SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 5.0
UNREADABLE = (sqlite3.Error, OSError, UnicodeDecodeError)
"""What a missing, full, locked or damaged file raises; SQLite may quote damaged bytes in its message."""

_COLUMN_TYPES: dict[str, type] = {
    "seq": int,
    "kind": str,
    "cycle_id": str,
    "ordinal": int,
    "record_id": str,
    "ends": int,
    "environment": str,
    "session_id": str,
    "written_at": str,
    "latency_ms": float,
    "prev_hash": str,
    "row_hash": str,
    # Last, so that the small columns are read without walking the pages of a long body.
    "body": str,
}
_OPTIONAL = frozenset({"seq", "cycle_id", "latency_ms"})

# Refusing what does not extend the tip also stops INSERT OR REPLACE, which deletes without a DELETE
# trigger wherever recursive_triggers is off.
_INDEXES_AND_TRIGGERS = (
    "CREATE UNIQUE INDEX journal_by_stage ON journal (cycle_id, kind, ordinal) WHERE cycle_id IS NOT NULL",
    "CREATE INDEX journal_by_kind ON journal (kind)",
    "CREATE INDEX journal_by_record ON journal (record_id)",
    """CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only: a row is never changed'); END""",
    """CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only: a row is never deleted'); END""",
    """CREATE TRIGGER journal_extends_tip BEFORE INSERT ON journal
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM journal)
      OR (NEW.seq > 1 AND NEW.prev_hash IS NOT (SELECT row_hash FROM journal WHERE seq = NEW.seq - 1))
      OR EXISTS (SELECT 1 FROM journal
                 WHERE kind = NEW.kind AND cycle_id = NEW.cycle_id AND ordinal = NEW.ordinal)
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only: a row extends the newest one'); END""",
    # A start must not look at every cycle there ever was. Derived from the rows, in their transaction;
    # the audit compares the two.
    "CREATE TABLE unfinished (cycle_id TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TRIGGER journal_begins_cycle AFTER INSERT ON journal
    WHEN NEW.cycle_id IS NOT NULL AND NEW.kind <> 'Exchange' AND NOT NEW.ends AND NOT EXISTS
      (SELECT 1 FROM journal WHERE cycle_id = NEW.cycle_id AND kind = 'Order' AND ends)
    BEGIN INSERT OR IGNORE INTO unfinished VALUES (NEW.cycle_id, NEW.seq); END""",
    """CREATE TRIGGER journal_ends_cycle AFTER INSERT ON journal WHEN NEW.ends
    BEGIN DELETE FROM unfinished WHERE cycle_id = NEW.cycle_id; END""",
)


@contextmanager
def unavailable_on_error(path: Path, doing: str) -> Iterator[None]:
    """Turn what SQLite or the disk says into JournalUnavailable, naming the file and the cause."""
    try:
        yield
    except UNREADABLE as error:
        raise JournalUnavailable(
            f"expected to {doing} the journal {path}, found: {error}; free or mend the disk, stop what holds "
            "the file, and start again",
            path=str(path),
            cause=str(error),
        ) from error


def create_or_check(db: Database, path: Path) -> None:
    """Make the schema in an empty file, or refuse a file this version cannot write."""
    _use_write_ahead_log(db)
    db.execute("BEGIN IMMEDIATE")
    try:
        if not db.execute("PRAGMA user_version").fetchone()[0] and not db.table_names():
            _create(db)
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    check_version(db, path)


def check_version(db: Database, path: Path) -> None:
    """Raise JournalUnavailable unless the file is a journal of this version."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise JournalUnavailable(
            f"expected a journal of schema version {SCHEMA_VERSION} or older in {path}, found {version}; "
            "use the newer release that wrote it",
            path=str(path),
        )
    if version < 1 or "journal" not in db.table_names():
        raise JournalUnavailable(
            f"expected a journal in {path}, found another SQLite file; name the journal's own file",
            path=str(path),
        )


def schema_differences(connection: sqlite3.Connection) -> tuple[str, ...]:
    """What keeps the table append-only and findable, and is missing or not as it was made."""
    fresh = Database(memory=True)
    _create(fresh)
    # Not the table itself: its text is written by sqlite-utils and may differ between its releases.
    query = "SELECT name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
    found = dict(connection.execute(query).fetchall())
    differences = [name for name, sql in fresh.execute(query).fetchall() if found.get(name) != sql]
    fresh.close()
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    return tuple(differences) if version == SCHEMA_VERSION else (*differences, f"schema version {version}")


def _create(db: Database) -> None:
    required = _COLUMN_TYPES.keys() - _OPTIONAL
    db.table("journal").create(_COLUMN_TYPES, pk="seq", not_null=required)
    for statement in _INDEXES_AND_TRIGGERS:
        db.execute(statement)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _use_write_ahead_log(db: Database) -> None:
    # SQLite answers "locked" at once, without its busy timeout, when two processes switch a new file.
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
