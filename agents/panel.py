"""The panel as it is set: seats at their endpoints, over one traffic, within one budget."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from pydantic import SecretStr

from agents.budget import Spending, spent_on_record
from agents.chat import Endpoint
from agents.endpoints import find_endpoint
from agents.formula_brain import BarsOf, FormulaBrain
from agents.line import Caller
from agents.local_models import model_digest
from agents.providers import Price, find_model
from agents.seat import ModelSeat
from agents.settings import BrainSettings, BudgetSettings, PanelSettings, SeatSettings
from agents.spoken import Words
from agents.traffic import LiveTraffic, RecordedTraffic
from contracts.exchange import Exchange
from contracts.ports import BlobStore, Brain, Journal, Voter
from contracts.records import Budget


@dataclass(frozen=True)
class Panel:
    """The brain and the voters that ask models, and what they spend."""

    brain: Brain | None
    voters: tuple[Voter, ...]
    spending: Spending
    traffic: LiveTraffic

    def budgets(self) -> tuple[Budget, ...]:
        """The day's caps and what is used of them."""
        return self.spending.budgets()


def open_panel(
    seats: Mapping[str, SeatSettings],
    panel: PanelSettings,
    brain: BrainSettings,
    budget: BudgetSettings,
    *,
    bars: BarsOf,
    key_of: Callable[[str], SecretStr | None],
    journal: Journal,
    blobs: BlobStore,
    halted_by: Callable[[], str | None],
    heard: Callable[[Caller, Words], None] = lambda _caller, _words: None,
) -> Panel:
    """Everything the panel needs to be asked. SettingsError where a seat can never be filled.

    A seat without a key is there and abstains, saying what is missing. `heard` is told words as they come.
    """
    spent = spent_on_record(_asked_today(journal), blobs.get, _price_of)
    spending = Spending(budget, _price_of, _today, spent)
    traffic = LiveTraffic(journal, blobs, spending, halted_by=halted_by, heard=heard)

    def endpoint_of(settings: SeatSettings | BrainSettings) -> Endpoint | str:
        return _with_digest(find_endpoint(settings, key_of(settings.provider)))

    voters = tuple(
        ModelSeat(name, seats[name], panel, endpoint_of(seats[name]), traffic) for name in panel.seats
    )
    reader = FormulaBrain(brain, endpoint_of(brain), traffic, bars) if brain.model else None
    return Panel(reader, voters, spending, traffic)


def seat_on_record(
    name: str, settings: SeatSettings, panel: PanelSettings, traffic: RecordedTraffic
) -> ModelSeat:
    """A seat that is answered from the record; it needs no key."""
    return ModelSeat(name, settings, panel, find_endpoint(settings, SecretStr("not needed")), traffic)


def brain_on_record(settings: BrainSettings, traffic: RecordedTraffic, bars: BarsOf) -> FormulaBrain:
    """A brain that is answered from the record; its tools compute anew."""
    return FormulaBrain(settings, find_endpoint(settings, SecretStr("not needed")), traffic, bars)


def _with_digest(endpoint: Endpoint | str) -> Endpoint | str:
    """Where the server tells it, the hash of the weights: a name may be pulled anew tomorrow."""
    if isinstance(endpoint, str) or endpoint.provider != "ollama":
        return endpoint
    host = endpoint.base_url.removesuffix("/v1")
    return replace(endpoint, digest=model_digest(host, endpoint.model.name))


def _price_of(provider: str, model: str) -> Price | None:
    return find_model(provider, model).price


def _today() -> date:
    return datetime.now(UTC).date()


def _asked_today(journal: Journal) -> list[Exchange]:
    """Today's exchanges, of this runner or one before it."""
    today = _today()
    return [
        Exchange.from_canonical(row.body)
        for row in journal.rows()
        if row.kind == Exchange.__name__ and row.written_at.astimezone(UTC).date() == today
    ]
