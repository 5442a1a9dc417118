"""One cycle's way of leaving records: made once, committed, and found again after a crash.

A *pure* stage is a function of earlier records; an *edge* stage asked the outside world, a *model* stage
a model over a line that keeps every byte. Trading reuses whatever is on record and makes the rest. A
replay makes every pure stage again, and every model stage from the recorded bytes, and takes every edge
stage from the record, because the world cannot be asked twice.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import TypeVar

from contracts.errors import NotOnRecord
from contracts.ports import JournalRow
from contracts.records import RECORDS, StageRecord
from graphs.desk import Desk

S = TypeVar("S", bound=StageRecord)


@dataclass(frozen=True)
class CycleRun:
    """The runtime context of one pass through the graph."""

    desk: Desk
    recorded: Mapping[tuple[type[StageRecord], int], StageRecord] = field(default_factory=dict)
    is_replay: bool = False

    def on_record(self, kind: type[S], ordinal: int = 0) -> S | None:
        """The record of a stage this cycle already has."""
        record = self.recorded.get((kind, ordinal))
        return record if isinstance(record, kind) else None

    def pure(self, kind: type[S], make: Callable[[], S], ordinal: int = 0, *, durable: bool = False) -> S:
        """A stage computed from records."""
        if not self.is_replay and (found := self.on_record(kind, ordinal)) is not None:
            return found
        started = perf_counter()
        return self._commit(make(), ordinal, started, durable=durable)

    async def edge(
        self,
        kind: type[S],
        ask: Callable[[], Awaitable[S]],
        ordinal: int = 0,
        *,
        again: Callable[[S], S] | None = None,
        durable: bool = False,
    ) -> S:
        """A stage that asks the world, unless the answer is on record.

        Where the stage also concludes something from the answer, `again` concludes it anew, in a replay.
        """
        started = perf_counter()
        found = self.on_record(kind, ordinal)
        if not self.is_replay:
            return found or self._commit(await ask(), ordinal, started, durable=durable)
        if found is None:
            raise NotOnRecord(
                f"expected a recorded {kind.__name__}, found none: this cycle never came so far",
                stage=kind.__name__,
            )
        return self._commit(again(found) if again else found, ordinal, started, durable=False)

    async def model(self, kind: type[S], ask: Callable[[], Awaitable[S]], ordinal: int) -> S:
        """A stage that asks a model, unless its answer is on record.

        A replay asks again: the model's traffic is on record, so what was made of it is checked too.
        """
        started = perf_counter()
        found = None if self.is_replay else self.on_record(kind, ordinal)
        return found or self._commit(await ask(), ordinal, started, durable=False)

    def _commit(self, record: S, ordinal: int, started: float, *, durable: bool) -> S:
        self.desk.journal.append(
            record,
            cycle_id=record.cycle_id,
            ordinal=ordinal,
            latency_ms=(perf_counter() - started) * 1000,
            durable=durable,
        )
        # Only here, where a row is new: a stage found on record is in the ledger, and may be old news.
        self.desk.ledger.note(record)
        return record


def by_kind(
    records: Iterable[tuple[StageRecord, int]],
) -> dict[tuple[type[StageRecord], int], StageRecord]:
    """Stage records as a cycle run looks them up."""
    return {(type(record), ordinal): record for record, ordinal in records}


def stage_records(rows: Iterable[JournalRow]) -> list[tuple[StageRecord, int]]:
    """The stage records among journal rows, with their ordinals, in journal order."""
    found = []
    for row in rows:
        record = RECORDS[row.kind].from_canonical(row.body)
        if isinstance(record, StageRecord):
            found.append((record, row.ordinal))
    return found
