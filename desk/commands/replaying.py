"""Running cycles again and saying how they came out; the heavy half of `dualbrain replay`."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.console import Console

from contracts.records import DeskState
from desk.commands.files import DeskOnFile
from desk.commands.progress import ProgressReport
from desk.present import facts, moment, number, plain_table, short, to_stderr, to_stdout
from graphs.differences import Difference
from graphs.replay import CycleReplay, Replayer

MAX_ROWS = 20
"""Differences shown to a person for one cycle; `--json` has all of them."""


@dataclass
class ReplayCount:
    """Many replays counted."""

    verdicts: Counter[str] = field(default_factory=Counter)
    first_stages: Counter[str] = field(default_factory=Counter)
    n_past_the_record: int = 0
    quantities: list[tuple[CycleReplay, str, str]] = field(default_factory=list)
    """Cycles whose guarded (else proposed) quantity came out otherwise: as it was, as it is now."""
    changed: list[CycleReplay] = field(default_factory=list)

    @property
    def n_drifted(self) -> int:
        """How many cycles did not come out the same."""
        return self.verdicts["drifted"]

    def add(self, replayed: CycleReplay) -> None:
        """Count one."""
        self.verdicts[replayed.verdict] += 1
        if replayed.verdict != "drifted":
            return
        self.changed.append(replayed)
        self.first_stages[replayed.first_stage or "past the record"] += 1
        self.n_past_the_record += replayed.past_the_record is not None
        if (quantity := _changed_quantity(replayed)) is not None:
            self.quantities.append((replayed, *quantity))


def replay_one(on_file: DeskOnFile, cycle_id: str, changes: Mapping[str, object], *, is_json: bool) -> int:
    """Replay one cycle and show it; 1 where it drifted."""
    replayed = asyncio.run(Replayer(on_file.journal, on_file.blobs, changes).replay(cycle_id))
    if is_json:
        print(json.dumps(replayed.model_dump(mode="json"), indent=2))
    else:
        _show_one(to_stdout(), replayed, changes)
    return int(replayed.verdict == "drifted")


def replay_all(on_file: DeskOnFile, changes: Mapping[str, object], *, is_json: bool) -> ReplayCount:
    """Replay every cycle of a desk and show how they came out."""
    cycle_ids = [state.cycle_id for state in on_file.journal.find_all(DeskState)]
    count = asyncio.run(_count(Replayer(on_file.journal, on_file.blobs, changes), cycle_ids))
    if is_json:
        print(json.dumps(_as_json(count, changes), indent=2))
    else:
        _show_all(to_stdout(), count, changes)
    return count


async def _count(replayer: Replayer, cycle_ids: list[str]) -> ReplayCount:
    count = ReplayCount()
    with ProgressReport(to_stderr(), "replaying") as progress:
        for n, cycle_id in enumerate(cycle_ids):
            count.add(await replayer.replay(cycle_id))
            progress.update(n, len(cycle_ids) - 1, f"{n + 1:,} of {len(cycle_ids):,}")
    return count


def _show_one(out: Console, replayed: CycleReplay, changes: Mapping[str, object]) -> None:
    out.print(f"{replayed.instrument_id} · {moment(replayed.as_of)} · cycle {short(replayed.cycle_id)}")
    if changes:
        out.print(f"what if {_changes_words(changes)}")
    out.print(_verdict_words(replayed, is_counterfactual=bool(changes)), style="bold")
    if replayed.past_the_record:
        out.print(f"past the record: {replayed.past_the_record}")
    if replayed.differences:
        rows = [_difference_row(difference) for difference in replayed.differences[:MAX_ROWS]]
        out.print(plain_table(("stage", "what", "was", "now"), rows))
    if len(replayed.differences) > MAX_ROWS:
        out.print(f"and {len(replayed.differences) - MAX_ROWS:,} more; --json has them all")


def _verdict_words(replayed: CycleReplay, *, is_counterfactual: bool) -> str:
    if replayed.verdict == "identical":
        return (
            "nothing would have differed" if is_counterfactual else "identical: every record hashes the same"
        )
    if replayed.verdict == "equal":
        return "equal within 1e-9"
    where = f" from stage {replayed.first_stage} on" if replayed.first_stage else ""
    return f"would have differed{where}" if is_counterfactual else f"drifted{where}"


def _difference_row(difference: Difference) -> tuple[str, str, str, str]:
    stage = f"{difference.stage} {difference.ordinal}" if difference.ordinal else difference.stage
    if not difference.path:
        return (stage, "the record", difference.was or "not made", difference.now or "not made")
    return (stage, difference.path, _brief(difference.was), _brief(difference.now))


def _brief(text: str | None) -> str:
    """Hashes that follow from the rest need not fill the screen."""
    if text is None:
        return "-"
    return short(text) if re.fullmatch(r"[0-9a-f]{64}", text) else text


def _show_all(out: Console, count: ReplayCount, changes: Mapping[str, object]) -> None:
    total = sum(count.verdicts.values())
    if changes:
        out.print(f"what if {_changes_words(changes)}")
        out.print(f"{count.n_drifted:,} of {total:,} cycles would have differed", style="bold")
    else:
        words = ", ".join(f"{count.verdicts[v]:,} {v}" for v in ("identical", "equal", "drifted"))
        out.print(f"{total:,} cycles: {words}", style="bold")
    if not count.changed:
        return
    rows = [("first at", "\n".join(f"{n:,}  {stage}" for stage, n in count.first_stages.most_common()))]
    rows.append(("quantity", f"other in {len(count.quantities):,} cycles"))
    rows.append(("past the record", f"{count.n_past_the_record:,} cycles would have asked what nobody asked"))
    out.print(facts(rows))
    _show_examples(out, count)


def _show_examples(out: Console, count: ReplayCount) -> None:
    quantities = {replayed.cycle_id: (was, now) for replayed, was, now in count.quantities}
    rows = [
        (
            short(replayed.cycle_id),
            replayed.instrument_id,
            moment(replayed.as_of),
            replayed.first_stage or "past the record",
            *quantities.get(replayed.cycle_id, ("", "")),
        )
        for replayed in count.changed[:MAX_ROWS]
    ]
    columns = ("cycle", "instrument", "decided on", "first at", "quantity was", "now")
    out.print()
    out.print(plain_table(columns, rows, right=("quantity was", "now")))
    if len(count.changed) > MAX_ROWS:
        out.print(f"and {len(count.changed) - MAX_ROWS:,} more; --json has them all")


def _changed_quantity(replayed: CycleReplay) -> tuple[str, str] | None:
    for stage in ("guard", "propose"):
        for difference in replayed.differences:
            if (difference.stage, difference.path) == (stage, "quantity"):
                return _figure(difference.was), _figure(difference.now)
    return None


def _figure(text: str | None) -> str:
    return "-" if text is None else number(float(text))


def _changes_words(changes: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in changes.items())


def _as_json(count: ReplayCount, changes: Mapping[str, object]) -> dict[str, object]:
    return {
        "changes": dict(changes),
        "n_cycles": sum(count.verdicts.values()),
        "verdicts": {verdict: count.verdicts[verdict] for verdict in ("identical", "equal", "drifted")},
        "first_stages": dict(count.first_stages),
        "n_past_the_record": count.n_past_the_record,
        "n_quantities_changed": len(count.quantities),
        "differing": [replayed.model_dump(mode="json") for replayed in count.changed],
    }
