"""One decision as `run --once` shows it: from the gate on in words, or whole for a script."""

from collections.abc import Mapping
from dataclasses import dataclass

from agents.reading import as_reading
from contracts.ports import Journal
from contracts.records import (
    Ballot,
    Decision,
    DeskState,
    FormulaReport,
    FormulaView,
    Gate,
    Order,
    RiskVerdict,
    StageRecord,
    TradeProposal,
)
from desk.commands.story import story, title
from graphs.stages import stage_records

_TOLD = (Gate, FormulaView, TradeProposal, Ballot, Decision, RiskVerdict, Order)


@dataclass(frozen=True)
class Decided:
    """The records of one cycle, as far as it came."""

    records: tuple[StageRecord, ...]

    @property
    def title(self) -> str:
        """Instrument, bar and cycle."""
        return title(self.records)

    @property
    def story(self) -> list[tuple[str, str]]:
        """What was decided and why; `audit show` tells the rest."""
        return story(record for record in self.records if isinstance(record, _TOLD))

    def as_json(self) -> Mapping[str, object]:
        """Report and view as one flat object, and every later record whole."""
        first = self.records[0]
        report = next((each for each in self.records if isinstance(each, FormulaReport)), None)
        view = next((each for each in self.records if isinstance(each, FormulaView)), None)
        later = [each for each in self.records if not isinstance(each, FormulaReport)]
        return {
            "cycle_id": first.cycle_id,
            "as_of": first.as_of.isoformat(),
            "instrument_id": first.instrument_id if isinstance(first, DeskState) else None,
            "formula_brain": None if report is None else as_reading(report, view),
            "ballots": [each.model_dump(mode="json") for each in later if isinstance(each, Ballot)],
            "decision": next(
                (each.model_dump(mode="json") for each in later if isinstance(each, Decision)), None
            ),
        }


def decided(journal: Journal, cycle_id: str) -> Decided:
    """What the journal holds of a cycle, in journal order."""
    return Decided(tuple(record for record, _ in stage_records(journal.rows(cycle_id=cycle_id))))
