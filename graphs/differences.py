"""Two runs of one cycle, record by record, value by value."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from contracts.canonical import Record
from contracts.records import Fill, Order, StageRecord

TOLERANCE = 1e-9
"""Relative; another processor or library build may differ in the last bits of a float."""

STAGE_NAMES = {
    "DeskState": "state",
    "MarketSnapshot": "observe",
    "FormulaReport": "report",
    "Gate": "gate",
    "FormulaView": "formula_brain",
    "TradeProposal": "propose",
    "Ballot": "vote",
    "Decision": "consensus",
    "Portfolio": "portfolio",
    "RiskVerdict": "guard",
    "ApprovalRequest": "ask",
    "Approval": "approve",
    "Requote": "requote",
    "OrderIntent": "commit_intent",
    "Order": "submit",
    "Fill": "fill",
    "Outcome": "outcome",
}
"""Record class to the name people know its stage by."""

_VENUE_WORDS = (Order, Fill)
"""What the venue said later is not made by the cycle, so a replay has no second version of it."""


class Difference(Record):
    """One value that came out otherwise; a stage that is only there once has path ''."""

    stage: str
    ordinal: int
    path: str
    was: str | None
    now: str | None
    is_within_tolerance: bool


Stages = Mapping[tuple[str, int], StageRecord]


def compare(was: Stages, now: Stages, order: Sequence[str]) -> list[Difference]:
    """Every difference in path order; parents follow from the rest and are left out."""
    keys = sorted(set(was) | set(now), key=lambda key: (order.index(key[0]), key[1]))
    return [d for key in keys for d in _compare_stage(key, was.get(key), now.get(key))]


def by_stage(records: Iterable[tuple[StageRecord, int]]) -> Stages:
    """The records a cycle itself makes, by class name and ordinal."""
    return {(type(r).__name__, n): r for r, n in records if not isinstance(r, _VENUE_WORDS)}


def _compare_stage(
    key: tuple[str, int], was: StageRecord | None, now: StageRecord | None
) -> Iterator[Difference]:
    stage, ordinal = STAGE_NAMES[key[0]], key[1]
    if was is None or now is None:
        there = "made" if was is not None else None
        yield Difference(
            stage=stage,
            ordinal=ordinal,
            path="",
            was=there,
            now=None if there else "made",
            is_within_tolerance=False,
        )
        return
    if was.record_id == now.record_id:
        return
    exclude = {"parents"}
    for path, a, b in _leaves(
        was.model_dump(mode="json", exclude=exclude), now.model_dump(mode="json", exclude=exclude)
    ):
        yield Difference(
            stage=stage,
            ordinal=ordinal,
            path=path,
            was=_show(a),
            now=_show(b),
            is_within_tolerance=_is_close(a, b),
        )


def _leaves(a: object, b: object, path: str = "") -> Iterator[tuple[str, object, object]]:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            yield from _leaves(a.get(key), b.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from _leaves(x, y, f"{path}[{_label(x, i)}]")
    elif a != b:
        yield path, a, b


def _label(item: object, index: int) -> str:
    """Rows that have a name are easier to find by it than by number."""
    if isinstance(item, dict):
        for key in ("evidence_id", "name", "code"):
            if isinstance(item.get(key), str):
                return str(item[key])
    return str(index)


def _is_close(a: object, b: object) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=1e-15)
    return False


def _show(value: object) -> str | None:
    return None if value is None else str(value)
