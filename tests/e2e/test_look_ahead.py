"""Nothing after `as_of`: a desk on a file whose future was changed decides the same until then."""

import gzip
from pathlib import Path
from typing import Any

from contracts.ports import Case
from contracts.records import Ballot, DeskState, OrderIntent, StageRecord, TradeProposal
from graphs.stages import stage_records
from markets.samples import sample_sources
from tests.fakes import ScriptedVoter
from tests.graphs.scene import scene

CHANGED_FROM = "2017-01-05 08:00"
AS_OF = "2017-01-05T08:00Z"
"""The bar that opens at 08:00 closes an hour later, so a decision at 08:00 may know nothing of it."""


class Telling(ScriptedVoter):
    """Approves, and says what it was told of its past and of what is held beside the trade."""

    async def vote(self, case: Case, proposal: TradeProposal, ordinal: int) -> Ballot:
        ballot = await super().vote(case, proposal, ordinal)
        tied = [row.value for row in case.report.evidence if row.tool == "return_correlation"]
        return ballot.model_copy(update={"reasoning": f"{tied} {case.past_calls}"})


async def _decided(
    home: Path, *prices: Path, last: str = AS_OF, **parts: Any
) -> dict[tuple[str, str, int], str]:
    sample = sample_sources()["eurusd-2017"]
    sources = [
        sample.model_copy(update={"path": path, "instrument": name}).model_dump(mode="json")
        for path, name in zip(prices, ("EURUSD", "GBPUSD"), strict=False)
    ]
    settings: dict[str, object] = {"feed.samples": [], "feed.files": sources}
    if parts:
        settings |= {"mode": "technical+panel", "gate.panel_from_score": 0}
    with scene(home, settings, first="2017-01-04T09:00Z", last=last, **parts) as told:
        await told.run()
        assert len(told.records(DeskState)) > 20
        assert told.records(OrderIntent)
        records: list[tuple[StageRecord, int]] = stage_records(told.runner.journal.rows())
        if parts:
            said = [ballot.reasoning for ballot in told.records(Ballot)]
            assert any(reason.startswith(("[0.", "[-0.")) for reason in said), said
            assert any("r_multiple=-" in reason for reason in said), said
    return {(type(r).__name__, r.cycle_id, n): r.record_id for r, n in records}


async def test_a_changed_future_changes_no_record_of_the_past(tmp_path: Path) -> None:
    original = sample_sources()["eurusd-2017"].path
    other = _with_another_future(original, tmp_path / "changed.csv")
    whole = await _decided(tmp_path / "whole", original)
    assert await _decided(tmp_path / "perturbed", other) == whole


async def test_what_a_voter_is_told_of_its_past_and_of_what_is_held_knows_nothing_of_the_future(
    tmp_path: Path,
) -> None:
    one = sample_sources()["eurusd-2017"].path
    two = _a_day_behind(one, tmp_path / "two.csv")
    told: dict[str, Any] = {"voters": (Telling("kimi", "APPROVE"),)}
    whole = await _decided(tmp_path / "whole", one, two, **told)
    others = [_with_another_future(path, tmp_path / f"changed{path.name}.csv") for path in (one, two)]
    assert await _decided(tmp_path / "perturbed", *others, **told) == whole
    # A run that goes on has the same beginning: what closes later was not told before.
    longer = await _decided(tmp_path / "longer", one, two, last="2017-01-05T20:00Z", **told)
    stages = {key for key in whole if key[0] in ("FormulaReport", "Ballot", "Decision")}
    assert {key: longer[key] for key in stages} == {key: whole[key] for key in stages}


def _a_day_behind(original: Path, target: Path) -> Path:
    """The market of yesterday today: another instrument with prices of the same size."""
    header, *rows = gzip.decompress(original.read_bytes()).decode().splitlines()
    moved = [
        f"{row.partition(',')[0]},{old.partition(',')[2]}" for row, old in zip(rows[24:], rows, strict=False)
    ]
    target.write_text("\n".join([header, *rows[:24], *moved]) + "\n", encoding="utf-8")
    return target


def _with_another_future(original: Path, target: Path) -> Path:
    header, *rows = _lines_of(original)
    changed = [_doubled(row) if row >= CHANGED_FROM else row for row in rows]
    assert sum(a != b for a, b in zip(rows, changed, strict=True)) > 5_000
    target.write_text("\n".join([header, *changed]) + "\n", encoding="utf-8")
    return target


def _lines_of(prices: Path) -> list[str]:
    found = prices.read_bytes()
    return (gzip.decompress(found) if prices.suffix == ".gz" else found).decode().splitlines()


def _doubled(row: str) -> str:
    time, *prices = row.split(",")
    return ",".join([time, *(str(float(price) * 2) if price else price for price in prices)])
