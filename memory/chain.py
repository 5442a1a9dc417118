"""A journal row as stored, and the hash that chains it to the row before.

The row hash covers every column but itself; the body counts by the hash of its bytes. Wall time and
latency are therefore inside the row hash and outside the record's content hash.
"""

import math
from datetime import UTC, datetime
from typing import NamedTuple

from contracts.canonical import Record, canonical_json, sha256_hex
from contracts.errors import InvariantBroken, JournalCorrupt
from contracts.ports import JournalRow, R
from contracts.records import RECORDS, Order

NOTHING = "0" * 64
"""What the first row of a journal names as the row before it."""

_NOT_ANSWERED = frozenset({"INITIALIZED", "SUBMITTED", "UNKNOWN"})


class Tip(NamedTuple):
    """How many rows a journal has and the hash of the newest."""

    n_rows: int
    row_hash: str


class RowContext(NamedTuple):
    """What a row says about its writing: which session, on what, when, how long it took."""

    environment: str
    session_id: str
    written_at: datetime
    latency_ms: float | None


class StoredRow(NamedTuple):
    """Columns of one row, in table order; `ends` is 1 where the record ends its cycle."""

    seq: int
    kind: str
    cycle_id: str | None
    ordinal: int
    record_id: str
    ends: int
    environment: str
    session_id: str
    written_at: str
    latency_ms: float | None
    prev_hash: str
    row_hash: str
    body: bytes

    def digest(self) -> str:
        """The hash this row should carry."""
        columns = self._asdict()
        del columns["row_hash"]
        columns["body"] = sha256_hex(self.body)
        return sha256_hex(canonical_json(columns))

    def as_row(self) -> JournalRow:
        """The row as the journal port shows it."""
        return JournalRow(
            seq=self.seq,
            kind=self.kind,
            cycle_id=self.cycle_id,
            ordinal=self.ordinal,
            record_id=self.record_id,
            body=self.body,
            environment=self.environment,
            session_id=self.session_id,
            written_at=datetime.fromisoformat(self.written_at),
            latency_ms=self.latency_ms,
            prev_hash=self.prev_hash,
            row_hash=self.row_hash,
        )

    def read_as(self, kind: type[R]) -> R:
        """The record in this row; JournalCorrupt where its bytes are not what was written."""
        if sha256_hex(self.body) != self.record_id:
            raise JournalCorrupt(
                f"expected row {self.seq} to hash to {self.record_id[:12]}, found other bytes; "
                "run audit verify and restore the journal",
                seq=self.seq,
            )
        try:
            return kind.from_canonical(self.body)
        except ValueError as error:
            raise JournalCorrupt(
                f"expected row {self.seq} to hold a {kind.__name__}, found something else; "
                "read it with the version of the code that wrote it",
                seq=self.seq,
            ) from error


def seal(record: Record, tip: Tip, cycle_id: str | None, ordinal: int, context: RowContext) -> StoredRow:
    """The row that extends `tip` with `record`."""
    row = StoredRow(
        seq=tip.n_rows + 1,
        kind=type(record).__name__,
        cycle_id=cycle_id,
        ordinal=ordinal,
        record_id=record.record_id,
        ends=int(ends_cycle(record)),
        environment=context.environment,
        session_id=context.session_id,
        written_at=utc_text(context.written_at),
        latency_ms=_plain_latency(context.latency_ms),
        prev_hash=tip.row_hash,
        row_hash="",
        body=record.canonical,
    )
    return row._replace(row_hash=row.digest())


def ends_cycle(record: Record) -> bool:
    """Whether nothing is owed after this record: the stage stands aside, or the venue has answered."""
    if isinstance(record, Order):
        return record.state not in _NOT_ANSWERED
    return bool(getattr(record, "ends_cycle", False))


def cycle_of(record: Record, cycle_id: str | None) -> str | None:
    """The cycle a row belongs to: the one given, which must be the record's own where it has one.

    Raises InvariantBroken for a class the journal does not know or a cycle that is not the record's.
    """
    kind = type(record)
    if RECORDS.get(kind.__name__) is not kind:
        raise InvariantBroken(
            f"expected a record class listed in contracts/records.py, found {kind.__name__}; list it there"
        )
    own: str | None = getattr(record, "cycle_id", None)
    if cycle_id is not None and own is not None and cycle_id != own:
        raise InvariantBroken(
            f"expected {kind.__name__} under its own cycle {own[:12]}, found {cycle_id[:12]}; "
            "append it with its own cycle id",
            cycle_id=own,
        )
    return own if cycle_id is None else cycle_id


def check_same(on_file: StoredRow, record: Record) -> None:
    """Raise InvariantBroken unless `record` is what this row already holds."""
    if on_file.record_id != record.record_id:
        raise InvariantBroken(
            f"expected {on_file.kind} {on_file.ordinal} of cycle {(on_file.cycle_id or '')[:12]} to stay as "
            f"written in row {on_file.seq}, found other content; a stage is written once",
            seq=on_file.seq,
            cycle_id=on_file.cycle_id,
        )


def utc_text(moment: datetime) -> str:
    """`moment` as UTC ISO 8601 with microseconds; ValueError without a time zone."""
    if moment.tzinfo is None:
        raise ValueError(f"expected a time with a zone, found {moment.isoformat()}")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _plain_latency(latency_ms: float | None) -> float | None:
    # SQLite keeps neither NaN nor -0.0, and the hash must cover what it does keep.
    if latency_ms is None or not math.isfinite(latency_ms):
        return None
    return round(float(latency_ms), 3) + 0.0
