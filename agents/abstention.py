"""What is on record where a model said nothing that counts."""

from contracts.ports import Case
from contracts.records import FormulaView


def no_view(
    case: Case, why: str, *, exchanges: tuple[str, ...] = (), prompt_sha: str | None = None
) -> FormulaView:
    """A view that holds none, and the reason."""
    return FormulaView(
        cycle_id=case.report.cycle_id,
        as_of=case.report.as_of,
        parents=(case.report.record_id, case.gate.record_id),
        level="vote" if case.gate.level == "vote" else "brief",
        side=None,
        supporting=(),
        opposing=(),
        reasoning="",
        prompt_sha=prompt_sha,
        exchanges=exchanges,
        abstained=why,
    )
