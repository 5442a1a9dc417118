"""What a person sets about the models: who sits on the panel, how long it may take, what it may cost."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from contracts.canonical import Amount, Record

BaseUrl = Annotated[str, Field(pattern=r"^https?://[^\s/@?#]+(/[^\s?#]*)?$")]
"""Settings are on record, so a key has no place in an address."""


class SeatSettings(Record):
    """One seat: which model, by which endpoint of the catalogue, with which prompt of its own."""

    provider: str
    model: str
    prompt: str
    base_url: BaseUrl | None = None
    """Only for endpoints that have none in the catalogue, such as a server of one's own."""
    temperature: float | None = Field(default=0.0, ge=0, le=2)
    """None leaves it to the provider."""
    answer_as: Literal["json_schema", "json_object", "text"] | None = None
    """How the answer's form is asked for; None follows the catalogue."""
    max_tokens: int = Field(default=1_200, ge=400, le=32_000)
    """Of the answer, thinking included; under 400 an answer by schema is cut."""
    timeout_s: float = Field(default=20.0, gt=0, le=600)
    """Longest silence of the server within one request."""
    max_attempts: int = Field(default=2, ge=1, le=5)
    """Tries of one request where the failure may pass by itself."""


DEFAULT_SEATS: Mapping[str, SeatSettings] = {
    "deepseek": SeatSettings(provider="deepseek", model="deepseek-flash", prompt="seat_deepseek"),
    "kimi": SeatSettings(provider="moonshot", model="kimi-k2.6", prompt="seat_kimi"),
    "minimax": SeatSettings(provider="minimax", model="MiniMax-M3", prompt="seat_minimax"),
}


def _over_defaults(given: object) -> object:
    """One field of a default seat may be set alone; the others stay."""
    if not isinstance(given, Mapping):
        return given
    seats: dict[str, object] = dict(DEFAULT_SEATS)
    for name, seat in given.items():
        default = DEFAULT_SEATS.get(str(name))
        is_partial = default is not None and isinstance(seat, Mapping)
        seats[str(name)] = {**default.model_dump(), **seat} if is_partial and default is not None else seat
    return seats


Seats = Annotated[Mapping[str, SeatSettings], BeforeValidator(_over_defaults)]
"""Seats by name, those of ours always among them; `PanelSettings.seats` says who is asked."""


class PanelSettings(Record):
    """Who is asked, and by when."""

    seats: tuple[str, ...] = ("deepseek", "kimi", "minimax")
    """In the order in which ballots are counted."""
    deadline_s: float = Field(default=30.0, gt=0, le=900)
    """From the question to the last vote that counts; a later answer is on record as late."""
    ungrounded: Literal["abstain", "mark"] = "abstain"
    """A number that no tool returned: costs the seat its vote, or is only marked on the ballot."""

    @model_validator(mode="after")
    def _each_sits_once(self) -> Self:
        if not self.seats or len(set(self.seats)) != len(self.seats):
            raise ValueError(f"expected at least one seat and each once, found {self.seats}")
        return self


class BrainSettings(Record):
    """The formula brain: a model, most often on this machine, that reads before anything is proposed."""

    provider: str = "ollama"
    model: str = ""
    """Empty: there is no brain, and the cycle goes on without a view."""
    base_url: BaseUrl | None = None
    ability: Literal["auto", "tools", "loop", "single"] = "auto"
    """How far it is trusted with tools: calls of its own, one choice from a list at a time, or none."""
    temperature: float | None = Field(default=0.0, ge=0, le=2)
    max_tokens: int = Field(default=1_200, ge=400, le=32_000)
    timeout_s: float = Field(default=60.0, gt=0, le=900)
    deadline_s: float = Field(default=120.0, gt=0, le=3_600)
    max_requests: int = Field(default=8, ge=1, le=50)
    max_calls: int = Field(default=12, ge=0, le=100)
    """Of quant tools, beyond the report's rows; the same call twice counts once."""


class AssistantSettings(BrainSettings):
    """The desk assistant: a model that answers questions from the record and decides nothing."""

    model: str = ""
    """Empty: the formula brain's model, at its server and with its ability, answers."""
    max_calls: int = Field(default=12, ge=0, le=100)
    """Of tools that read the record, in one answer."""
    history_turns: int = Field(default=8, ge=0, le=100)
    history_chars: int = Field(default=60_000, ge=0, le=2_000_000)
    """What earlier questions, results and answers may come to; the oldest go first."""

    def or_the_brains(self, brain: BrainSettings) -> "AssistantSettings":
        """These settings, asking the brain's model where they name none."""
        if self.model:
            return self
        place = {name: getattr(brain, name) for name in ("provider", "model", "base_url")}
        return self.model_copy(update=place | ({"ability": brain.ability} if self.ability == "auto" else {}))


class BudgetSettings(Record):
    """The caps; money in US dollars as the catalogue prices it, tokens in and out together."""

    usd_per_cycle: Amount = Field(default=Decimal("0.02"), ge=0)
    usd_per_day: Amount = Field(default=Decimal("0.25"), ge=0)
    usd_per_day_of: Mapping[str, Amount] = {}
    """Tighter caps of single providers, by name."""
    tokens_per_cycle: int = Field(default=60_000, ge=0)
    tokens_per_day: int = Field(default=20_000_000, ge=0)
    unpriced: Literal["refuse", "count_tokens"] = "refuse"
    """A model without a price in the catalogue: never asked, or bounded by tokens alone."""
