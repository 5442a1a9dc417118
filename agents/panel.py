"""The panel as it is set: seats at their endpoints, over one traffic, within one budget."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from pydantic import SecretStr

from agents.budget import Spending, spent_on_record
from agents.chat import Endpoint
from agents.endpoints import OLLAMA, endpoint_on_record, find_endpoint
from agents.exchanges import Caller
from agents.formula_brain import BarsOf, FormulaBrain
from agents.local_models import model_capabilities, model_digest
from agents.ollama_line import OllamaRecorder
from agents.providers import Price, find_model, providers
from agents.seat import ModelSeat
from agents.settings import BrainSettings, BudgetSettings, PanelSettings, SeatSettings
from agents.spoken import Words
from agents.traffic import LiveTraffic, RecordedTraffic
from contracts.errors import SettingsError
from contracts.exchange import Exchange
from contracts.ports import BlobStore, Brain, Journal, Voter
from contracts.records import Budget

_PAGE_ROWS = 256


@dataclass(frozen=True)
class Places:
    """Where models are asked: whose keys, which Ollama server, and where its answers are put on record."""

    key_of: Callable[[str], SecretStr | None]
    ollama_host: str | None
    journal: Journal
    blobs: BlobStore

    def endpoint_of(self, seat: str, settings: SeatSettings | BrainSettings) -> Endpoint | str:
        """Where a seat, the brain or the assistant is asked, or what is missing; see `find_endpoint`."""
        endpoint = find_endpoint(settings, self.key_of(settings.provider), self.ollama_host)
        if isinstance(endpoint, str) or endpoint.provider != OLLAMA:
            return endpoint
        caller = Caller(None, "probe", seat, endpoint.provider, endpoint.model.name)
        return looked_up(endpoint, OllamaRecorder(caller, self.journal, self.blobs))


@dataclass(frozen=True)
class Panel:
    """The brain and the voters that ask models, and what they spend."""

    brain: Brain | None
    voters: tuple[Voter, ...]
    spending: Spending
    traffic: LiveTraffic

    def budgets(self) -> tuple[Budget, ...]:
        """The day's caps and what is used of them, by others on this journal too."""
        self.traffic.hear_of_others()
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
    ollama_host: str | None = None,
) -> Panel:
    """Everything the panel needs to be asked. SettingsError where a seat can never be filled.

    A seat without a key is there and abstains, saying what is missing. `heard` is told words as they come;
    `ollama_host` is OLLAMA_HOST.
    """
    spending = open_spending(budget, journal, blobs)
    traffic = LiveTraffic(journal, blobs, spending, halted_by=halted_by, heard=heard)
    places = Places(key_of, ollama_host, journal, blobs)
    voters = tuple(
        ModelSeat(name, seats[name], panel, places.endpoint_of(name, seats[name]), traffic)
        for name in panel.seats
    )
    reader = FormulaBrain(brain, places.endpoint_of("brain", brain), traffic, bars) if brain.model else None
    return Panel(reader, voters, spending, traffic)


def open_spending(
    budget: BudgetSettings, journal: Journal, blobs: BlobStore, *, is_what_if: bool = False
) -> Spending:
    """The caps, with what the journal says was spent today.

    A counterfactual counts for the day and never for the cycle that it is about, nor that cycle for it.
    SettingsError for the cap of a provider that there is none of: it would hold nobody.
    """
    if strangers := [name for name in budget.usd_per_day_of if name not in providers()]:
        raise SettingsError(
            f"expected budget.usd_per_day_of of providers among {', '.join(providers())}, found "
            f"{', '.join(strangers)}; correct it"
        )
    day, asked = _asked_today(journal)
    spent = (
        exchange.model_copy(update={"cycle_id": None})
        if is_what_if or exchange.role == "what_if"
        else exchange
        for exchange in spent_on_record(asked, blobs.get, _price_of)
    )
    return Spending(budget, _price_of, lambda: max(day, _today()), spent)


def seat_on_record(
    name: str, settings: SeatSettings, panel: PanelSettings, traffic: RecordedTraffic
) -> ModelSeat:
    """A seat that is answered from the record; it needs no key."""
    return ModelSeat(name, settings, panel, endpoint_on_record(settings), traffic)


def brain_on_record(settings: BrainSettings, traffic: RecordedTraffic, bars: BarsOf) -> FormulaBrain:
    """A brain that is answered from the record; its tools compute anew."""
    return FormulaBrain(settings, endpoint_on_record(settings), traffic, bars)


def looked_up(endpoint: Endpoint, recorder: OllamaRecorder | None = None) -> Endpoint:
    """With what the server tells: what it can do, and the hash of its weights, for names are pulled anew."""
    host, name = endpoint.base_url.removesuffix("/").removesuffix("/v1"), endpoint.model.name
    digest = model_digest(host, name, transport=recorder)
    declared = None if digest is None else model_capabilities(host, name, transport=recorder)
    return replace(endpoint, digest=digest, declared=declared)


def _price_of(provider: str, model: str) -> Price | None:
    try:
        return find_model(provider, model).price
    except SettingsError:
        # On record, and since then dropped from the catalogue.
        return None


def _today() -> date:
    return datetime.now(UTC).date()


def _asked_today(journal: Journal) -> tuple[date, list[Exchange]]:
    """The budget's day and its exchanges, of this runner or one before it; read backwards, page by page.

    Where the clock was set back over midnight since, the day is the one on record: its allowance is not given
    out again. A date further ahead than a day is a broken clock's and holds nobody up.
    """
    today, before = _today(), None
    found: list[tuple[date, Exchange]] = []
    while rows := journal.newest(Exchange, _PAGE_ROWS, before=before):
        dated = [(row.written_at.astimezone(UTC).date(), row) for row in rows]
        of_day = [(day, row) for day, row in dated if today <= day <= today + timedelta(days=1)]
        found = [*((day, Exchange.from_canonical(row.body)) for day, row in of_day), *found]
        if not of_day:
            break
        before = rows[0].seq
    return max((day for day, _ in found), default=today), [exchange for _, exchange in found]
