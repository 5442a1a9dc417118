"""Nothing after `as_of`: a desk on a file whose future was changed decides the same until then."""

import gzip
from pathlib import Path

from contracts.records import DeskState, OrderIntent, StageRecord
from graphs.stages import stage_records
from markets.samples import sample_sources
from tests.graphs.scene import scene

CHANGED_FROM = "2017-01-05 08:00"
AS_OF = "2017-01-05T08:00Z"
"""The bar that opens at 08:00 closes an hour later, so a decision at 08:00 may know nothing of it."""


async def _decided(home: Path, prices: Path) -> dict[tuple[str, str, int], str]:
    sample = sample_sources()["eurusd-2017"]
    source = sample.model_copy(update={"path": prices}).model_dump(mode="json")
    feed: dict[str, object] = {"feed.samples": [], "feed.files": [source]}
    with scene(home, feed, first="2017-01-04T09:00Z", last=AS_OF) as told:
        await told.run()
        assert len(told.records(DeskState)) > 20
        assert told.records(OrderIntent)
        records: list[tuple[StageRecord, int]] = stage_records(told.runner.journal.rows())
    return {(type(r).__name__, r.cycle_id, n): r.record_id for r, n in records}


async def test_a_changed_future_changes_no_record_of_the_past(tmp_path: Path) -> None:
    original = sample_sources()["eurusd-2017"].path
    other = _with_another_future(original, tmp_path / "changed.csv")
    whole = await _decided(tmp_path / "whole", original)
    assert await _decided(tmp_path / "perturbed", other) == whole


def _with_another_future(original: Path, target: Path) -> Path:
    header, *rows = gzip.decompress(original.read_bytes()).decode().splitlines()
    changed = [_doubled(row) if row >= CHANGED_FROM else row for row in rows]
    assert sum(a != b for a, b in zip(rows, changed, strict=True)) > 5_000
    target.write_text("\n".join([header, *changed]) + "\n", encoding="utf-8")
    return target


def _doubled(row: str) -> str:
    time, *prices = row.split(",")
    return ",".join([time, *(str(float(price) * 2) if price else price for price in prices)])
