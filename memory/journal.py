"""The journal on disk: one SQLite file, append-only, every row chained to the one before.

An append is one short transaction: take the write lock, read the tip, insert, commit; then the anchor
follows. Any number of processes may append. A row is safe from a crash once committed; a durable one
is synced first and is safe from a power cut, with every row before it.

The journal fails closed: after an append that could not be written, this object writes no more, and
the desk has to open it again, which starts from what is really on file.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlite_utils import Database

from contracts.canonical import Record
from contracts.errors import JournalCorrupt, JournalUnavailable
from contracts.ports import JournalRow
from contracts.records import Environment
from memory.anchor import Anchor, anchor_beside, disagreement, read_anchor
from memory.chain import RowContext, StoredRow, Tip, check_same, cycle_of, seal
from memory.reader import JournalReader, log_beside
from memory.schema import BUSY_TIMEOUT_S, create_or_check, unavailable_on_error

_PLACES = ", ".join("CAST(? AS TEXT)" if c == "body" else "?" for c in StoredRow._fields)
_INSERT = f"INSERT INTO journal ({', '.join(StoredRow._fields)}) VALUES ({_PLACES})"  # noqa: S608
_AT_STAGE = "kind = ? AND cycle_id = ? AND ordinal = ?"


def open_for_reading(path: Path) -> JournalReader:
    """The journal at `path`, which must exist; the file is never created or written."""
    return JournalReader(path)


class SqliteJournal(JournalReader):
    """The journal of one session, open for writing."""

    def __init__(
        self,
        path: Path,
        *,
        environment: Environment,
        session_id: str,
        clock: Callable[[], datetime],
        anchor: Path | None = None,
    ) -> None:
        self._environment = environment.record_id
        self._session_id = session_id
        self._clock = clock
        self._failure: str | None = None
        self._synchronous = "as SQLite opened it"
        anchor = anchor or anchor_beside(path)
        with unavailable_on_error(path, "open"):
            path.parent.mkdir(parents=True, exist_ok=True)
            # Before the rows: read after them, another process's newest row would look cut off.
            anchored = read_anchor(anchor)
        super().__init__(path)
        with self._closed_on_error(), unavailable_on_error(path, "open"):
            self._check_anchor(anchored)
            self._anchor = Anchor(anchor)
            self._anchor.advance(self.tip())
            self.append(environment)

    def append(
        self,
        record: Record,
        *,
        cycle_id: str | None = None,
        ordinal: int = 0,
        latency_ms: float | None = None,
        durable: bool = False,
    ) -> JournalRow:
        """Commit one row; see the port. A stage record goes under its own cycle id."""
        cycle_id = cycle_of(record, cycle_id)
        with self._lock:
            self._refuse_after_failure(record)
            try:
                self.check_in_place()
                with unavailable_on_error(self._path, "write"):
                    return self._commit(record, cycle_id, ordinal, latency_ms, durable).as_row()
            except (JournalUnavailable, JournalCorrupt) as error:
                self._failure = str(error)
                raise

    def close(self) -> None:
        """Bring the log into the file, sync the anchor and let go."""
        with self._lock, unavailable_on_error(self._path, "close"):
            self._db.close()
            self._anchor.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> Database:
        connection = sqlite3.connect(
            self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        db = Database(connection)
        try:
            create_or_check(db, self._path)
        except BaseException:
            connection.close()
            raise
        return db

    def _commit(
        self, record: Record, cycle_id: str | None, ordinal: int, latency_ms: float | None, durable: bool
    ) -> StoredRow:
        with self._transaction(durable):
            on_file = self._on_file(record, cycle_id, ordinal)
            row = on_file or self._insert(record, cycle_id, ordinal, latency_ms)
        if on_file is None:
            self._anchor.advance(Tip(row.seq, row.row_hash))
        else:
            check_same(on_file, record)
            if durable:
                self._sync_log()
        return row

    @contextmanager
    def _transaction(self, durable: bool) -> Iterator[None]:
        connection = self._db.conn
        self._synchronise("FULL" if durable else "NORMAL")
        # A deferred BEGIN would let two writers read the same tip, and one of them fail.
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise

    def _synchronise(self, mode: str) -> None:
        # Only outside a transaction; two statements now and then cost less than a second connection.
        if mode != self._synchronous:
            self._db.conn.execute(f"PRAGMA synchronous = {mode}")
            self._synchronous = mode

    def _on_file(self, record: Record, cycle_id: str | None, ordinal: int) -> StoredRow | None:
        if cycle_id is not None:
            found = self._select(_AT_STAGE, type(record).__name__, cycle_id, ordinal)
        elif isinstance(record, Environment):
            found = self._select("record_id = ?", record.record_id)
        else:
            return None
        return found[0] if found else None

    def _insert(
        self, record: Record, cycle_id: str | None, ordinal: int, latency_ms: float | None
    ) -> StoredRow:
        context = RowContext(self._environment, self._session_id, self._clock(), latency_ms)
        row = seal(record, self.tip(), cycle_id, ordinal, context)
        self._db.conn.execute(_INSERT, row)
        return row

    def _sync_log(self) -> None:
        # The row on file may have been written by a process killed before its sync. Rows already moved
        # out of the log were synced when they were moved. SQLite holds no lock on the log file itself,
        # so closing another descriptor of it is safe; of the database file it would not be.
        with suppress(FileNotFoundError):
            descriptor = os.open(log_beside(self._path), os.O_RDWR)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _check_anchor(self, anchored: Tip | None) -> None:
        if anchored is None:
            return
        found = self._fetch("SELECT row_hash FROM journal WHERE seq = ?", anchored.n_rows)
        if problem := disagreement(anchored, found[0][0] if found else None):
            raise JournalCorrupt(
                f"{problem} in {self._path}; run audit verify, then restore the journal or, where a power "
                "cut explains it, move the anchor file away to start a new one"
            )

    def _refuse_after_failure(self, record: Record) -> None:
        if self._failure is not None:
            raise JournalUnavailable(
                f"expected every earlier append to have been written, found one that was not, so "
                f"{type(record).__name__} is refused; open the journal again ({self._failure})",
                path=str(self._path),
            )

    @contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._db.close()
            raise
