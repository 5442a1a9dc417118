"""Who reads and votes when a past cycle runs again.

As it was: those that left a view or a ballot, over the bytes they were answered with. Under changed settings:
the panel of those settings, over the same bytes where its requests are the same. Either way one that asked
nobody, and whose settings stand, says again what it said.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contracts.errors import NotOnRecord, SettingsError
from contracts.exchange import Exchange
from contracts.ports import BlobStore, Brain, Case, Voter
from contracts.records import Ballot, FormulaView, TradeProposal
from graphs.desk import CycleSettings
from markets.bars import ChunkReader

if TYPE_CHECKING:
    from agents.line import Line
    from agents.what_if import Asking, WhatIfTraffic

# The clients of models take two seconds to import, so a cycle without models does without them.


@dataclass(frozen=True)
class Past:
    """What a cycle left of its minds, and the settings they had."""

    settings: CycleSettings
    view: FormulaView | None
    ballots: tuple[Ballot, ...]
    """In the order of the panel."""
    exchanges: tuple[Exchange, ...]

    def model_of(self, role: str, seat: str) -> str | None:
        """Which model was asked, or not asked for a reason on record; None where there is neither."""
        return next((of.model for of in self.exchanges if (of.role, of.seat) == (role, seat)), None)


@dataclass(frozen=True)
class Minds:
    """Who sits now; `lines` fill as they ask, by role and name, where settings were changed."""

    brain: Brain | None = None
    voters: tuple[Voter, ...] = ()
    lines: Mapping[tuple[str, str], "Line"] = field(default_factory=dict)


def minds_as_they_were(past: Past, blobs: BlobStore, reader: ChunkReader) -> Minds:
    """Those that left a record, and nobody else."""
    brain: Brain | None = None if past.view is None else _RecordedBrain(past.view)
    if not past.exchanges:
        return Minds(brain, tuple(_RecordedSeat(ballot) for ballot in past.ballots))
    from agents.formula_brain import BarsOf
    from agents.panel import brain_on_record, seat_on_record
    from agents.traffic import RecordedTraffic

    traffic = RecordedTraffic(blobs, past.exchanges)
    settings = past.settings
    if past.view is not None and traffic.has("brain", "brain"):
        brain = brain_on_record(settings.brain, traffic, BarsOf(reader.bars_of, reader.others_of))

    def again(ballot: Ballot) -> Voter:
        if ballot.seat not in settings.seats or not traffic.has("seat", ballot.seat):
            return _RecordedSeat(ballot)
        try:
            return seat_on_record(ballot.seat, settings.seats[ballot.seat], settings.panel, traffic)
        except SettingsError as error:
            return _EmptySeat(ballot.seat, str(error))

    return Minds(brain, tuple(again(ballot) for ballot in past.ballots))


def minds_under(
    settings: CycleSettings, past: Past, blobs: BlobStore, reader: ChunkReader, asking: "Asking | None"
) -> Minds:
    """The brain and the panel of `settings`. SettingsError where a changed model or prompt does not exist."""
    if settings.mode == "technical":
        return Minds()
    if settings.mode == "recorded":
        return minds_as_they_were(past, blobs, reader)
    from agents.formula_brain import BarsOf
    from agents.what_if import WhatIfTraffic

    traffic = WhatIfTraffic(blobs, past.exchanges, asking)
    brain: Brain | None = None
    is_silent = past.model_of("brain", "brain") is None and settings.brain == past.settings.brain
    if past.view is not None and is_silent:
        brain = _RecordedBrain(past.view)
    elif settings.brain.model:
        brain = traffic.brain(settings.brain, BarsOf(reader.bars_of, reader.others_of))
    voters = tuple(_seat_under(name, settings, past, traffic) for name in settings.panel.seats)
    return Minds(brain, voters, traffic.lines)


def _seat_under(name: str, settings: CycleSettings, past: Past, traffic: "WhatIfTraffic") -> Voter:
    from agents.endpoints import why_unlisted

    seat = settings.seats[name]
    is_changed = seat != past.settings.seats.get(name)
    ballot = next((ballot for ballot in past.ballots if ballot.seat == name), None)
    if ballot is not None and not is_changed and past.model_of("seat", name) is None:
        return _RecordedSeat(ballot)
    if is_changed and (why := why_unlisted(seat)):
        raise SettingsError(why)
    try:
        return traffic.seat(name, seat, settings.panel)
    except SettingsError as error:
        if is_changed:
            raise
        return _EmptySeat(name, str(error))


class _RecordedBrain:
    """Stands where a brain read that asked no model."""

    def __init__(self, view: FormulaView) -> None:
        self._view = view

    async def read(self, case: Case) -> FormulaView:
        # How far a view carries is the gate's to say, and the gate may have been changed.
        level = "vote" if case.gate.level == "vote" else "brief"
        return self._view if self._view.level == level else self._view.model_copy(update={"level": level})


class _RecordedSeat:
    """Stands where a voter sat that asked no model; its ballot is on record."""

    def __init__(self, ballot: Ballot) -> None:
        self.seat = ballot.seat
        self._ballot = ballot

    async def vote(self, case: Case, proposal: TradeProposal, ordinal: int) -> Ballot:
        return self._ballot


class _EmptySeat:
    """Stands where a voter sat whose prompt is gone: what it was asked cannot be made again."""

    def __init__(self, seat: str, why: str) -> None:
        self.seat = seat
        self._why = why

    async def vote(self, case: Case, proposal: TradeProposal, ordinal: int) -> Ballot:
        raise NotOnRecord(f"seat {self.seat} cannot be filled again: {self._why}", stage="Ballot")
