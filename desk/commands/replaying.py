"""Running cycles again and saying how they came out; the heavy half of `dualbrain replay`."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from rich.console import Console

from contracts.records import Ballot, DeskState, FormulaView
from desk.commands.files import DeskOnFile
from desk.commands.progress import ProgressReport
from desk.present import facts, moment, number, percent, plain_table, short, to_stderr, to_stdout
from graphs.differences import Difference
from graphs.replay import CycleReplay, MindAgain, Replayer

if TYPE_CHECKING:
    from agents.what_if import WhatIf
    from desk.commands.asking import Estimate

_FIRST_SENTENCE = re.compile(r"(?<=[.!?])\s")
MAX_ROWS = 20
"""Differences shown to a person for one cycle; `--json` has all of them."""


@dataclass
class ReplayCount:
    """Many replays counted."""

    last: CycleReplay | None = None
    verdicts: Counter[str] = field(default_factory=Counter)
    first_stages: Counter[str] = field(default_factory=Counter)
    n_past_the_record: int = 0
    quantities: list[tuple[CycleReplay, str, str]] = field(default_factory=list)
    """Cycles whose guarded (else proposed) quantity came out otherwise: as it was, as it is now."""
    changed: list[CycleReplay] = field(default_factory=list)
    n_decisions: int = 0
    courses: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Where a cycle ended as it was and as it is now, for those that ended otherwise."""

    @property
    def n_drifted(self) -> int:
        """How many cycles did not come out the same."""
        return self.verdicts["drifted"]

    def add(self, replayed: CycleReplay) -> None:
        """Count one."""
        self.last = replayed
        self.verdicts[replayed.verdict] += 1
        if replayed.verdict != "drifted":
            return
        self.changed.append(replayed)
        self.first_stages[replayed.first_stage or "past the record"] += 1
        self.n_past_the_record += replayed.past_the_record is not None
        self.n_decisions += any(
            d.stage == "consensus" and d.path in ("", "size_fraction") for d in replayed.differences
        )
        if replayed.course != replayed.course_was:
            self.courses[replayed.course_was, replayed.course] += 1
        if (quantity := _changed_quantity(replayed)) is not None:
            self.quantities.append((replayed, *quantity))


@dataclass(frozen=True)
class Wanted:
    """Which cycles of which desk to run again, and how to tell of it; without `cycle_id` all of them."""

    on_file: DeskOnFile
    changes: Mapping[str, object]
    cycle_id: str | None
    is_json: bool

    @cached_property
    def cycle_ids(self) -> tuple[str, ...]:
        """The cycles, in the order in which they began."""
        if self.cycle_id is not None:
            return (self.cycle_id,)
        return tuple(state.cycle_id for state in self.on_file.journal.find_all(DeskState))


def replay_wanted(wanted: Wanted, found: "Estimate | None" = None, what_if: "WhatIf | None" = None) -> int:
    """Replay and show; how many drifted. `what_if` asks what was found not to be on record."""
    on_file, out = wanted.on_file, to_stdout()
    replayer = Replayer(
        on_file.journal, on_file.blobs, wanted.changes, None if what_if is None else what_if.asking()
    )
    count = asyncio.run(_count(replayer, wanted.cycle_ids, what_if))
    replayed = count.last if wanted.cycle_id is not None else None
    if wanted.is_json:
        told = _as_json(count, wanted.changes) if replayed is None else replayed.model_dump(mode="json")
        print(json.dumps(told | _asked_json(found, what_if), indent=2))
        return count.n_drifted
    if replayed is None:
        _show_all(out, count, wanted.changes)
    else:
        _show_one(out, replayed, wanted.changes)
    if what_if is not None:
        from desk.commands.asking import spent_words

        out.print(f"asked: {spent_words(what_if)}")
    return count.n_drifted


async def _count(replayer: Replayer, cycle_ids: Sequence[str], what_if: "WhatIf | None") -> ReplayCount:
    count = ReplayCount()
    try:
        with ProgressReport(to_stderr(), "replaying") as progress:
            for n, cycle_id in enumerate(cycle_ids):
                count.add(await replayer.replay(cycle_id))
                progress.update(n, len(cycle_ids) - 1, f"{n + 1:,} of {len(cycle_ids):,}")
    finally:
        if what_if is not None:
            await what_if.aclose()
    return count


def _asked_json(found: "Estimate | None", what_if: "WhatIf | None") -> dict[str, object]:
    told: dict[str, object] = {} if found is None else {"estimate": found.as_json()}
    if what_if is not None:
        from desk.commands.asking import spent

        told["spent"] = spent(what_if)
    return told


def _show_one(out: Console, replayed: CycleReplay, changes: Mapping[str, object]) -> None:
    out.print(f"{replayed.instrument_id} · {moment(replayed.as_of)} · cycle {short(replayed.cycle_id)}")
    if changes:
        out.print(f"what if {_changes_words(changes)}")
    out.print(_verdict_words(replayed, is_counterfactual=bool(changes)), style="bold")
    if replayed.past_the_record:
        out.print(f"past the record: {replayed.past_the_record}")
    if replayed.asked:
        rows = [row for mind in replayed.asked for row in _said_rows(mind)]
        out.print(plain_table(("asked", "", "model", "said"), rows))
        out.print()
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


def _said_rows(mind: MindAgain) -> Iterator[tuple[str, str, str, str]]:
    yield mind.seat, "was", mind.model_was or "-", _said(mind.was)
    yield "", "now", mind.model, _said(mind.now)


def _said(said: Ballot | FormulaView | None) -> str:
    if said is None:
        return "nothing"
    if said.abstained:
        return f"abstains: {said.abstained}"
    if isinstance(said, FormulaView):
        words = said.side or "no side"
    else:
        bound = "" if said.size_bound is None else f", size at most {percent(said.size_bound * 100)}"
        words = f"{said.answer}, confidence {number(said.confidence)}{bound}"
    return f"{words}: {_FIRST_SENTENCE.split(said.reasoning, maxsplit=1)[0]}"


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
    if count.n_decisions:
        rows.append(("decisions", f"other in {count.n_decisions:,} cycles"))
    if count.courses:
        courses = [f"{n:,}  {was} -> {now}" for (was, now), n in count.courses.most_common()]
        rows.append(("course", "\n".join(courses)))
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
        "n_decisions_changed": count.n_decisions,
        "courses": [{"was": was, "now": now, "n": n} for (was, now), n in count.courses.most_common()],
        "n_quantities_changed": len(count.quantities),
        "differing": [replayed.model_dump(mode="json") for replayed in count.changed],
    }
