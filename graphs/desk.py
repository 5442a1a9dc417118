"""What a cycle is given: settings that the record names by hash, and the ports it works through."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from agents.consensus import ConsensusSettings
from agents.settings import DEFAULT_SEATS, BrainSettings, BudgetSettings, PanelSettings, Seats
from contracts.canonical import Record
from contracts.market import Instrument, Timeframe
from contracts.ports import BlobStore, Brain, Broker, Clock, Feed, Journal, KillSwitch, Recall, Voter
from contracts.records import Budget, CompositeWeights, DeskState, MarketSnapshot, Mode
from graphs.ledger import Ledger
from markets.bars import ChunkReader
from markets.sessions import next_open
from markets.snapshot import SnapshotSettings
from tools.decision_settings import CompositeSettings, GateSettings, ScoreSettings
from tools.limits import RiskLimits


class ApprovalSettings(Record):
    """Who says yes, for how long a question stands, and how far a price may move meanwhile."""

    policy: Literal["autonomous", "ask"] = "autonomous"
    autonomous_max_risk_pct: float = Field(default=2.0, gt=0, le=10)
    """The autonomy policy refuses a trade that risks more of the equity than this."""
    time_to_live_s: int = Field(default=900, ge=1)
    max_rounds: int = Field(default=3, ge=1, le=10)
    """How often a moved price goes back to the guard before the trade is let go."""
    tolerance_of_stop: float = Field(default=0.10, gt=0, le=1)
    """How far the entry may move, as a share of the distance to the stop."""


class CycleSettings(Record):
    """Everything a cycle's stages read besides records; stored once, named by hash in DeskState."""

    desk: str = Field(default="main", pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$")
    mode: Mode = "technical"
    timeframe: Timeframe = Timeframe.H1
    profile: str = "technical"
    snapshot: SnapshotSettings = SnapshotSettings()
    score: ScoreSettings = ScoreSettings()
    composite: CompositeSettings = CompositeSettings()
    gate: GateSettings = GateSettings()
    limits: RiskLimits = RiskLimits()
    brain: BrainSettings = BrainSettings()
    panel: PanelSettings = PanelSettings()
    seats: Seats = DEFAULT_SEATS
    budget: BudgetSettings = BudgetSettings()
    consensus: ConsensusSettings = ConsensusSettings()
    blind: bool = False
    """Models are shown no symbol, no date and no level of price, so that none can answer from memory."""
    approval: ApprovalSettings = ApprovalSettings()

    @model_validator(mode="after")
    def _panel_is_known(self) -> Self:
        if unknown := [name for name in self.panel.seats if name not in self.seats]:
            raise ValueError(f"panel.seats: expected seats among {', '.join(self.seats)}, found {unknown}")
        return self

    def valid_until(self, as_of: datetime, instrument: Instrument) -> datetime:
        """The end of an intent's life: one decision bar after the close it was decided on.

        Daily and longer bars close with their session, so their bar is counted from the next open.
        """
        is_daily = self.timeframe.seconds >= Timeframe.D1.seconds
        begins = next_open(instrument, as_of) if is_daily else as_of
        return begins + timedelta(seconds=self.timeframe.seconds)


Observe = Callable[[DeskState, SnapshotSettings], Awaitable[MarketSnapshot]]
"""Stage 1: the market from the feed, stored as it was seen."""


@dataclass(frozen=True)
class Desk:
    """One desk on one account: settings, ports, and the index of its open business."""

    settings: CycleSettings
    account_id: str
    is_paper: bool
    clock: Clock
    feed: Feed
    broker: Broker
    journal: Journal
    blobs: BlobStore
    kill_switch: KillSwitch
    ledger: Ledger
    observe: Observe
    reader: ChunkReader
    weights_of: Callable[[DeskState], CompositeWeights | None]
    brain: Brain | None = None
    voters: tuple[Voter, ...] = ()
    recall: Recall | None = None
    """What voters are told of their own past; nothing where there is none."""
    budgets: Callable[[], tuple[Budget, ...]] = tuple
    """What models may still cost today."""


def refusals(error: ValidationError) -> tuple[str, ...]:
    """What is wrong with settings, a sentence each; never the whole of a section, nor a password."""
    return tuple(_refusal(problem) for problem in error.errors())


def _refusal(problem: ErrorDetails) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    match problem["type"]:
        case "extra_forbidden":
            said = "expected a known setting, found an unknown name"
        case "missing":
            said = "expected a value, found none"
        case "value_error":
            # Our own validators say what they found; what pydantic would add is all that they looked at.
            said = problem["msg"].removeprefix("Value error, ")
        case _ if name.endswith("base_url"):
            said = (
                "expected http(s)://HOST[:PORT][/PATH] without user, password or query, found something else"
            )
        case _:
            said = f"{problem['msg']}, found {problem['input']!r:.200}"
    return f"{name}: {said}" if name else said
