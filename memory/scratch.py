"""A journal and blobs that live in memory: for replay, which must not write, and for tests."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from contracts.canonical import Record, sha256_hex
from contracts.errors import DataUnavailable
from contracts.ports import BlobStore, JournalRow, R
from contracts.records import Environment
from memory.chain import NOTHING, RowContext, StoredRow, Tip, check_same, cycle_of, seal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class OverlayBlobStore:
    """Reads from `base`, or from what was put here; writes nothing to `base`."""

    def __init__(self, base: BlobStore | None = None) -> None:
        self._base = base
        self._own: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        """Keep in memory and return the SHA-256."""
        blob = sha256_hex(data)
        self._own[blob] = bytes(data)
        return blob

    def get(self, blob: str) -> bytes:
        """The bytes; see the port."""
        if blob in self._own:
            return self._own[blob]
        if self._base is None:
            raise DataUnavailable(
                f"expected blob {blob[:12]} among those put here, found none; put it first", blob=blob
            )
        return self._base.get(blob)


class MemoryJournal:
    """The journal port over a list, with the same chain and the same uniqueness as the one on disk.

    Rows are dated 1970 without a `clock`.
    """

    def __init__(
        self,
        *,
        environment: Environment | None = None,
        session_id: str = "memory",
        clock: Callable[[], datetime] = lambda: _EPOCH,
    ) -> None:
        self._environment = environment.record_id if environment else NOTHING
        self._session_id = session_id
        self._clock = clock
        self._rows: list[StoredRow] = []
        self._records: list[Record] = []
        self._at_stage: dict[tuple[str, str, int], int] = {}
        self._by_content: dict[tuple[str, str], int] = {}
        if environment:
            self.append(environment)

    def append(
        self,
        record: Record,
        *,
        cycle_id: str | None = None,
        ordinal: int = 0,
        latency_ms: float | None = None,
        durable: bool = False,  # noqa: ARG002 - nothing here outlives the process
    ) -> JournalRow:
        """Keep one row; see the port."""
        cycle_id = cycle_of(record, cycle_id)
        index = self._index_of(record, cycle_id, ordinal)
        if index is not None:
            check_same(self._rows[index], record)
            return self._rows[index].as_row()
        tip = Tip(len(self._rows), self._rows[-1].row_hash if self._rows else NOTHING)
        context = RowContext(self._environment, self._session_id, self._clock(), latency_ms)
        row = seal(record, tip, cycle_id, ordinal, context)
        self._keep(row, record)
        return row.as_row()

    def find(self, kind: type[R], cycle_id: str, ordinal: int = 0) -> R | None:
        """The record of this stage of this cycle, or None."""
        return self._record(kind, self._at_stage.get((kind.__name__, cycle_id, ordinal)))

    def find_all(self, kind: type[R], cycle_id: str | None = None) -> tuple[R, ...]:
        """All records of a class, of one cycle or of the whole journal, in journal order."""
        return tuple(
            record
            for row, record in zip(self._rows, self._records, strict=True)
            if isinstance(record, kind) and (cycle_id is None or row.cycle_id == cycle_id)
        )

    def last(self, kind: type[R]) -> R | None:
        """The newest record of a class, or None."""
        return next((record for record in reversed(self._records) if isinstance(record, kind)), None)

    def by_id(self, kind: type[R], record_id: str) -> R | None:
        """The record with this content hash, or None."""
        return self._record(kind, self._by_content.get((kind.__name__, record_id)))

    def rows(self, *, after: int = 0, cycle_id: str | None = None) -> Iterator[JournalRow]:
        """Rows in order with seq greater than `after`."""
        for row in self._rows[max(after, 0) :]:
            if cycle_id is None or row.cycle_id == cycle_id:
                yield row.as_row()

    def newest(
        self, kind: type[Record], count: int, *, after: int = 0, before: int | None = None
    ) -> tuple[JournalRow, ...]:
        """See the port."""
        within = self._rows[max(after, 0) : None if before is None else max(before - 1, 0)]
        of_kind = [row.as_row() for row in within if row.kind == kind.__name__]
        return tuple(of_kind[-count:]) if count > 0 else ()

    def _index_of(self, record: Record, cycle_id: str | None, ordinal: int) -> int | None:
        kind = type(record).__name__
        if cycle_id is not None:
            return self._at_stage.get((kind, cycle_id, ordinal))
        return self._by_content.get((kind, record.record_id)) if isinstance(record, Environment) else None

    def _keep(self, row: StoredRow, record: Record) -> None:
        index = len(self._rows)
        self._rows.append(row)
        self._records.append(record)
        if row.cycle_id is not None:
            self._at_stage[row.kind, row.cycle_id, row.ordinal] = index
        self._by_content.setdefault((row.kind, row.record_id), index)

    def _record(self, kind: type[R], index: int | None) -> R | None:
        record = None if index is None else self._records[index]
        return record if isinstance(record, kind) else None
