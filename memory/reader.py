"""Reading a journal: by stage, by content, in order, and as a list of cycles.

Every read is one short transaction under a lock, so a journal may be shared between threads and a
long listing never holds the write-ahead log open. A record is checked against its hash when read.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from contracts.canonical import Record
from contracts.errors import JournalUnavailable
from contracts.ports import JournalRow, R
from contracts.records import RECORDS, Approval, DeskState, Order, Requote
from memory.chain import NOTHING, StoredRow, Tip, utc_text
from memory.same_file import SameFile
from memory.schema import BUSY_TIMEOUT_S, check_version, unavailable_on_error

PAGE_ROWS = 256

# The body is cast because a TEXT column would come back as str, and hashes are of bytes.
_COLUMNS = ", ".join("CAST(body AS BLOB)" if c == "body" else c for c in StoredRow._fields)
# A plus before a column keeps SQLite from choosing an index for it: the rows of one cycle are few, the
# rows of one class are most of the journal.
_SELECT = f"SELECT {_COLUMNS} FROM journal"  # noqa: S608 - column names of a class, nothing from outside


@dataclass(frozen=True, slots=True)
class CycleSummary:
    """One cycle in a listing; `end` is "unfinished", an order's state, or why it stood aside."""

    cycle_id: str
    first_seq: int
    instrument_id: str
    as_of: datetime
    last_kind: str
    end: str


class JournalReader:
    """A journal that is only read; `append` refuses."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._is_still = False
        self._stamp: tuple[int, int] | None = None
        with unavailable_on_error(path, "open"):
            self._db = self._open()
        self._file = SameFile(path)

    def check_in_place(self) -> None:
        """Raise JournalUnavailable where the open file was deleted or replaced: nobody could read it."""
        if (lost := self._file.lost()) is not None:
            raise JournalUnavailable(f"{lost}; put it back, or start again", path=str(self._path))

    def append(
        self,
        record: Record,
        *,
        cycle_id: str | None = None,  # noqa: ARG002 - the port's signature
        ordinal: int = 0,  # noqa: ARG002
        latency_ms: float | None = None,  # noqa: ARG002
        durable: bool = False,  # noqa: ARG002
    ) -> JournalRow:
        """Raise JournalUnavailable: this journal was opened for reading."""
        raise JournalUnavailable(
            f"expected a journal open for writing, found {self._path} open for reading; "
            f"{type(record).__name__} was not written",
            path=str(self._path),
        )

    def find(self, kind: type[R], cycle_id: str, ordinal: int = 0) -> R | None:
        """The record of this stage of this cycle, or None."""
        return self._one(kind, "kind = ? AND cycle_id = ? AND ordinal = ?", kind.__name__, cycle_id, ordinal)

    def find_all(self, kind: type[R], cycle_id: str | None = None) -> tuple[R, ...]:
        """All records of a class, of one cycle or of the whole journal, in journal order."""
        if cycle_id is None:
            rows = self._select("kind = ? ORDER BY seq", kind.__name__)
        else:
            rows = self._select("kind = ? AND cycle_id = ? ORDER BY +seq", kind.__name__, cycle_id)
        return tuple(row.read_as(kind) for row in rows)

    def last(self, kind: type[R]) -> R | None:
        """The newest record of a class, or None."""
        return self._one(kind, "kind = ? ORDER BY seq DESC", kind.__name__)

    def by_id(self, kind: type[R], record_id: str) -> R | None:
        """The record with this content hash, or None."""
        return self._one(kind, "record_id = ? AND +kind = ?", record_id, kind.__name__)

    def rows(self, *, after: int = 0, cycle_id: str | None = None) -> Iterator[JournalRow]:
        """Rows in order with seq greater than `after`."""
        for row in self.stored_rows(after=after, cycle_id=cycle_id):
            yield row.as_row()

    def newest(
        self, kind: type[Record], count: int, *, after: int = 0, before: int | None = None
    ) -> tuple[JournalRow, ...]:
        """The newest `count` rows of a class with seq over `after` and under `before`, oldest first."""
        where = "kind = ? AND seq > ? AND seq < ? ORDER BY seq DESC LIMIT ?"
        found = self._select(where, kind.__name__, after, 2**62 if before is None else before, max(count, 0))
        return tuple(row.as_row() for row in reversed(found))

    def find_newest(self, kind: type[R], count: int, *, after: int = 0) -> tuple[tuple[int, R], ...]:
        """The newest `count` records of a class in rows over `after`, oldest first, each with its row."""
        where = "kind = ? AND seq > ? ORDER BY seq DESC LIMIT ?"
        rows = self._select(where, kind.__name__, after, max(count, 0))
        return tuple((row.seq, row.read_as(kind)) for row in reversed(rows))

    def find_next(self, kind: type[R], count: int, *, after: int) -> tuple[tuple[int, R], ...]:
        """The first `count` records of a class in rows over `after`, oldest first, each with its row.

        For who keeps what it has read: asked again with the newest row it was given, it reads on from there.
        """
        where = "kind = ? AND seq > ? ORDER BY seq LIMIT ?"
        rows = self._select(where, kind.__name__, after, max(count, 0))
        return tuple((row.seq, row.read_as(kind)) for row in rows)

    def stored_rows(self, *, after: int = 0, cycle_id: str | None = None) -> Iterator[StoredRow]:
        """Rows in order with every column, a page at a time."""
        key = () if cycle_id is None else (cycle_id,)
        where = "seq > ? ORDER BY seq" if cycle_id is None else "seq > ? AND cycle_id = ? ORDER BY +seq"
        while page := self._select(f"{where} LIMIT {PAGE_ROWS}", after, *key):
            yield from page
            after = page[-1].seq

    def tip(self) -> Tip:
        """How many rows there are and the hash of the newest."""
        found = self._fetch("SELECT seq, row_hash FROM journal ORDER BY seq DESC LIMIT 1")
        return Tip(*found[0]) if found else Tip(0, NOTHING)

    def unfinished_cycles(self) -> tuple[str, ...]:
        """Cycles begun and not ended, oldest first.

        A cycle has ended when its newest row ends it, or when the venue has answered its order: what
        follows then (fills, an outcome, a model's late answer) reopens nothing.
        """
        return tuple(cycle_id for (cycle_id,) in self._fetch("SELECT cycle_id FROM unfinished ORDER BY seq"))

    def cycles(
        self,
        limit: int = 20,
        *,
        before: int | None = None,
        instrument_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[CycleSummary, ...]:
        """The newest `limit` cycles, newest first; of those begun before row `before` where given.

        Others narrow it to one instrument, and to an `as_of` from `since` to `until`, both included.
        """
        newest = 2**62 if before is None else before
        where, named = _within(since, until)
        if instrument_id is not None:
            where, named = f"{where} AND json_extract(body, '$.instrument_id') = ?", (*named, instrument_id)
        begun = self._select(
            f"kind = 'DeskState' AND cycle_id IS NOT NULL AND seq < ?{where} ORDER BY seq DESC LIMIT ?",
            newest,
            *named,
            limit,
        )
        return tuple(self._summary(row) for row in begun)

    def cycles_beginning(self, prefix: str, limit: int = 6) -> tuple[str, ...]:
        """Cycles whose id begins with these lower-case hex digits, at most `limit`, in order of id."""
        found = self._fetch(
            "SELECT DISTINCT cycle_id FROM journal WHERE kind = 'DeskState' AND cycle_id >= ? "
            "AND cycle_id < ? ORDER BY cycle_id LIMIT ?",
            prefix,
            f"{prefix}g",
            limit,
        )
        return tuple(cycle_id for (cycle_id,) in found)

    def cycles_begun_at(self, rows: Iterable[int]) -> tuple[CycleSummary, ...]:
        """The cycles that begin with these rows, in the order given; what begins none is left out."""
        begun = (self._select("seq = ? AND kind = 'DeskState'", row) for row in rows)
        return tuple(self._summary(found[0]) for found in begun if found)

    def find_between(
        self, kind: type[R], since: datetime | None = None, until: datetime | None = None
    ) -> tuple[R, ...]:
        """Records of a stage whose `as_of` lies from `since` to `until`, both included, in journal order."""
        where, named = _within(since, until)
        rows = self._select(f"kind = ?{where} ORDER BY seq", kind.__name__, *named)
        return tuple(row.read_as(kind) for row in rows)

    def find_written(self, kind: type[R], since: datetime) -> tuple[R, ...]:
        """Records of a class that were written at `since` or later, in journal order."""
        rows = self._select("kind = ? AND written_at >= ? ORDER BY seq", kind.__name__, utc_text(since))
        return tuple(row.read_as(kind) for row in rows)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _summary(self, first: StoredRow) -> CycleSummary:
        state = first.read_as(DeskState)
        # A model's late answer follows the end of a cycle and changes nothing of it.
        (newest,) = self._select(
            "cycle_id = ? AND kind <> 'Exchange' ORDER BY +seq DESC LIMIT 1", first.cycle_id
        )
        order = self._select(
            "kind = 'Order' AND cycle_id = ? AND ends ORDER BY +seq DESC LIMIT 1", first.cycle_id
        )
        ending = order[0] if order else newest
        return CycleSummary(
            cycle_id=state.cycle_id,
            first_seq=first.seq,
            instrument_id=state.instrument_id,
            as_of=state.as_of,
            last_kind=newest.kind,
            end=_why_ended(ending.read_as(RECORDS[ending.kind])) if ending.ends else "unfinished",
        )

    def _one(self, kind: type[R], where: str, *parameters: object) -> R | None:
        rows = self._select(f"{where} LIMIT 1", *parameters)
        return rows[0].read_as(kind) if rows else None

    def _select(self, where: str, *parameters: object) -> list[StoredRow]:
        return [StoredRow(*row) for row in self._fetch(f"{_SELECT} WHERE {where}", *parameters)]

    def _fetch(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self._lock, unavailable_on_error(self._path, "read"):
            return self._connection().execute(sql, parameters).fetchall()

    def _connection(self) -> sqlite3.Connection:
        if self._is_still and (log_beside(self._path).exists() or self._stamp != stamp_of(self._path)):
            self._db.close()
            self._db = self._open()
        return self._db.conn

    def _open(self) -> Database:
        self._is_still = not log_beside(self._path).exists()
        self._stamp = stamp_of(self._path)
        db = Database(connect_to_read(self._path))
        try:
            check_version(db, self._path)
        except BaseException:
            db.close()
            raise
        return db


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that leaves the file as it is.

    Without a log beside the file nobody writes, and only an immutable opening leaves no log behind; it
    would not see a writer that comes later, so whoever keeps it opens again once a log appears.
    """
    return sqlite3.connect(
        uri_to_read(path),
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )


def uri_to_read(path: Path) -> str:
    """The file as SQLite is to open it. FileNotFoundError where there is none."""
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    return f"{path.absolute().as_uri()}?{'mode=ro' if log_beside(path).exists() else 'immutable=1'}"


def log_beside(path: Path) -> Path:
    """SQLite's write-ahead log of this journal; absent when everybody has closed it in good order."""
    return path.with_name(f"{path.name}-wal")


def stamp_of(path: Path) -> tuple[int, int] | None:
    """What changes when the file does: a writer that came and went has left no log, but another file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size


def _within(since: datetime | None, until: datetime | None) -> tuple[str, tuple[str, ...]]:
    """What a row's `as_of` must meet, as SQL with its parameters; nothing where neither end is given."""
    # As julianday, because a moment with a fraction of a second is written longer than one without.
    as_of = "julianday(json_extract(body, '$.as_of'))"
    ends = [(sign, utc_text(end)) for sign, end in ((">=", since), ("<=", until)) if end is not None]
    return "".join(f" AND {as_of} {sign} julianday(?)" for sign, _ in ends), tuple(end for _, end in ends)


def _why_ended(record: Record) -> str:
    if isinstance(record, Order):
        return record.state
    if isinstance(record, DeskState):
        return record.halted_by or "halted"
    if isinstance(record, Approval):
        return record.reason or f"refused by {record.by}"
    if reasons := getattr(record, "reasons", ()):
        return str(reasons[0].code)
    return record.outcome if isinstance(record, Requote) else "stood aside"
