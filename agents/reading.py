"""Report and view of one cycle as one flat object: what the numbers say, and what the brain made of them."""

from collections.abc import Mapping

from contracts.records import FormulaReport, FormulaView

JsonValue = float | str | None | list[str] | Mapping[str, "JsonValue"]

ALWAYS_NAMED = ("har_rv_forecast", "vpin", "kyle_lambda")
"""Asked for by name whatever the profile: null, with the reason, where the report does not hold them."""


def as_reading(report: FormulaReport, view: FormulaView | None) -> dict[str, JsonValue]:
    """Every number by its id, strength in sigma, side and reasons; null with a reason under `missing`.

    Numbers of tools that the brain called itself come after the report's. `signals` are what the strength is
    made of, each in its own sigma.
    """
    rows = (*report.evidence, *(() if view is None else view.called))
    missing = {row.evidence_id: row.reason or "no reason given" for row in rows if row.value is None}
    absent = [name for name in ALWAYS_NAMED if not any(row.evidence_id == name for row in rows)]
    missing |= dict.fromkeys(absent, f"profile {report.profile} has no row of it")
    if report.strength.value is None:
        missing["signal_strength"] = report.strength.reason or "no reason given"
    return {
        **dict.fromkeys(absent),
        **{row.evidence_id: row.value for row in rows},
        "technical_score": report.score.value,
        "signal_strength": report.strength.value,
        "signals": {each.name: each.z for each in report.strength.inputs},
        **_of_view(view),
        "missing": missing,
    }


def _of_view(view: FormulaView | None) -> dict[str, JsonValue]:
    if view is None:
        return {"side": None, "supporting": [], "opposing": [], "reasoning": None, "abstained": None}
    return {
        "side": view.side,
        "supporting": list(view.supporting),
        "opposing": list(view.opposing),
        "reasoning": view.reasoning or None,
        "abstained": view.abstained,
    }
