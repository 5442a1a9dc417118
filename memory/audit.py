"""Does the journal still say what was written, and a copy of it for others.

`verify` trusts nothing the journal's own code would: it reads the stored columns as bytes, straight
from the table and not through an index, and recomputes every hash. It reports; it never repairs, and
damage of any kind becomes a sentence, not an exception.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import orjson

from contracts.canonical import Record, canonical_json, sha256_hex
from contracts.errors import DataUnavailable, JournalCorrupt, JournalUnavailable
from contracts.ports import BlobStore
from contracts.records import RECORDS, Environment
from memory.anchor import anchor_beside, disagreement, read_anchor
from memory.chain import NOTHING, StoredRow, Tip, ends_cycle
from memory.reader import JournalReader, connect_to_read
from memory.schema import UNREADABLE, schema_differences

_EVERY_ROW = f"SELECT {', '.join(StoredRow._fields)} FROM journal NOT INDEXED ORDER BY seq"  # noqa: S608

BLOB_FIELDS = frozenset(
    {
        "blob",
        "book",
        "limits_hash",
        "price_path",
        "request",
        "response",
        "settings_hash",
        "summary_sha",
    }
)
"""Record fields that name blobs, at any depth. Other hashes name records, or the code and its locks."""


class StoredBlobs(BlobStore, Protocol):
    """A blob store that can list what it holds."""

    def all(self) -> Iterator[str]:
        """Hashes of every stored blob."""
        ...


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was checked and what is wrong, one sentence a problem; `head` is what an anchor would hold."""

    n_rows: int
    n_blobs: int
    head: Tip
    problems: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(journal_path: Path, blobs: StoredBlobs, *, anchor: Path | None = None) -> AuditReport:
    """Check every row, the chain, the anchor, and every blob stored or named by a row."""
    # The anchor first: read after the rows, a row appended meanwhile would look cut off.
    anchored, problems = _read_anchor(anchor or anchor_beside(journal_path))
    walk = _Walk(anchored)
    try:
        connection = connect_to_read(journal_path)
        try:
            for problem in walk.whole_file(connection):
                problems.append(problem)
        finally:
            connection.close()
    except UNREADABLE as error:
        problems.append(
            f"after row {walk.tip.n_rows}: expected a readable journal in {journal_path}, found: {error}; "
            "what follows was not checked"
        )
    n_blobs, blob_problems = _check_blobs(blobs, walk.blobs)
    return AuditReport(walk.n_rows, n_blobs, walk.tip, (*problems, *blob_problems))


def export(journal: JournalReader, to: Path) -> Tip:
    """Write every row as a line of canonical JSON, then the anchor as the last line; returns it.

    A line holds all columns, the body as JSON. Writes beside `to` and renames, so `to` is whole or as
    it was. Raises JournalUnavailable where it cannot be written.
    """
    temporary = to.with_name(f"{to.name}.part")
    tip = Tip(0, NOTHING)
    try:
        with temporary.open("wb") as file:
            for row in journal.stored_rows():
                file.write(_export_line(row))
                tip = Tip(row.seq, row.row_hash)
            file.write(canonical_json({"anchor": {"count": tip.n_rows, "hash": tip.row_hash}}) + b"\n")
        temporary.replace(to)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise JournalUnavailable(
            f"expected to write {to}, found: {error}; name a file this user can write", path=str(to)
        ) from error
    return tip


def _export_line(row: StoredRow) -> bytes:
    columns = row._asdict()
    # Kept to the byte: the reader of an export must be able to hash the body.
    columns["body"] = orjson.Fragment(row.body)
    return canonical_json(columns) + b"\n"


class _Walk:
    """One pass over the rows, remembering what the checks at its end need."""

    def __init__(self, anchored: Tip | None) -> None:
        self.n_rows = 0
        self.tip = Tip(0, NOTHING)
        self.blobs: dict[str, int] = {}
        self._anchored = anchored
        self._anchored_hash: str | None = None
        self._environments: set[str] = set()
        self._unfinished: set[str] = set()
        self._answered: set[str] = set()

    def whole_file(self, connection: sqlite3.Connection) -> Iterator[str]:
        connection.text_factory = _text
        connection.execute("BEGIN")  # one moment of a journal that may be growing
        for name in schema_differences(connection):
            yield f"expected {name} as this version makes it, found otherwise"
        for raw in connection.execute(_EVERY_ROW):
            for problem in self._row(raw):
                yield f"row {raw[0]}: {problem}"
        yield from self._ends(connection)
        for (line,) in connection.execute("PRAGMA integrity_check(20)"):
            if line != "ok":
                yield f"expected a sound database file, found: {line}"

    def _row(self, raw: tuple[Any, ...]) -> Iterator[str]:
        row = StoredRow(*raw)
        expected = self.tip
        self.n_rows += 1
        # A damaged page can give any type in any column.
        self.tip = Tip(raw[0] if isinstance(raw[0], int) else self.n_rows, str(row.row_hash))
        if self._anchored and row.seq == self._anchored.n_rows:
            self._anchored_hash = str(row.row_hash)
        if row.seq != expected.n_rows + 1:
            yield f"expected row {expected.n_rows + 1} here, found a gap: rows are missing"
        elif row.prev_hash != expected.row_hash:
            yield "expected the hash of the row before, found another: the chain is broken"
        if not isinstance(raw[-1], str):
            yield "expected a body stored as text, found other bytes"
            return
        yield from self._content(row._replace(body=raw[-1].encode("utf-8", "surrogateescape")))

    def _content(self, row: StoredRow) -> Iterator[str]:
        if _digest(row) != row.row_hash:
            yield "expected the columns to hash to the row hash, found other content"
        if sha256_hex(row.body) != row.record_id:
            yield "expected the body to hash to the record id, found other bytes"
            return
        try:
            record = RECORDS[row.kind].from_canonical(row.body)
        except (KeyError, ValueError):
            yield f"expected a record of class {row.kind}, found one this version cannot read"
            return
        yield from self._meaning(row, record)

    def _meaning(self, row: StoredRow, record: Record) -> Iterator[str]:
        if row.ends != int(ends_cycle(record)) or row.cycle_id != getattr(record, "cycle_id", row.cycle_id):
            yield "expected the columns to agree with the record, found another cycle or end"
        if isinstance(record, Environment):
            self._environments.add(row.record_id)
        if row.environment not in self._environments:
            yield f"expected environment {str(row.environment)[:12]} in an earlier row, found none"
        for blob in _blobs_named(orjson.loads(row.body)):
            self.blobs.setdefault(blob, row.seq)
        if row.cycle_id is not None:
            self._follow(row, row.cycle_id)

    def _follow(self, row: StoredRow, cycle_id: str) -> None:
        if row.ends:
            self._unfinished.discard(cycle_id)
            if row.kind == "Order":
                self._answered.add(cycle_id)
        elif cycle_id not in self._answered and row.kind != "Exchange":
            self._unfinished.add(cycle_id)

    def _ends(self, connection: sqlite3.Connection) -> Iterator[str]:
        if self._anchored and (problem := disagreement(self._anchored, self._anchored_hash)):
            yield problem
        if self._anchored is None and self.n_rows:
            yield "expected an anchor beside the journal, found none: a cut tail would not show"
        listed = {cycle_id for (cycle_id,) in connection.execute("SELECT cycle_id FROM unfinished")}
        for cycle_id in sorted(listed ^ self._unfinished, key=str):
            yield f"expected the list of unfinished cycles to follow the rows, found {cycle_id} wrong in it"


def _text(stored: bytes) -> str:
    # Damaged text must reach the hash check, which refuses it, and not stop the walk.
    return stored.decode("utf-8", "surrogateescape")


def _digest(row: StoredRow) -> str | None:
    try:
        return row.digest()
    except TypeError:  # a damaged column may be of a type that JSON has not
        return None


def _read_anchor(path: Path) -> tuple[Tip | None, list[str]]:
    try:
        return read_anchor(path), []
    except (JournalCorrupt, OSError) as error:
        return None, [f"expected a readable anchor, found: {error}"]


def _check_blobs(blobs: StoredBlobs, named: dict[str, int]) -> tuple[int, list[str]]:
    every = sorted({*blobs.all(), *named})
    problems = []
    for blob in every:
        try:
            blobs.get(blob)
        except (DataUnavailable, JournalCorrupt) as error:
            where = f"row {named[blob]}: " if blob in named else ""
            problems.append(f"{where}{error}")
    return len(every), problems


def _blobs_named(value: Any, field: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _blobs_named(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _blobs_named(inner, field)
    elif isinstance(value, str) and field in BLOB_FIELDS:
        yield value
