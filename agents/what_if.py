"""What a counterfactual asks: a past cycle's seats again, under settings that were not in force.

    request -> the cycle's own record -> answers to earlier counterfactuals -> noted, or asked

The cycle's own exchanges are read and never added to: what is asked goes on record under the role `what_if`,
so that a replay of the cycle does not see it and the day's budget does. Answers are told apart by seat,
provider, model and request, not by address.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import httpx2
from pydantic import SecretStr

from agents.chat import Endpoint
from agents.endpoints import OLLAMA, endpoint_on_record, find_endpoint
from agents.exchanges import LATE, Caller
from agents.formula_brain import BarsOf, FormulaBrain
from agents.line import Line, NotAsked, Outside
from agents.panel import looked_up, open_spending
from agents.seat import ModelSeat
from agents.settings import BrainSettings, BudgetSettings, PanelSettings, SeatSettings
from agents.traffic import LiveTraffic, of_line
from contracts.canonical import Amount, Record
from contracts.errors import SettingsError
from contracts.exchange import Exchange, Tokens
from contracts.ports import BlobStore, Journal
from contracts.records import Budget

KeyOf = Callable[[str], SecretStr | None]
_ROOM = 20
"""Ordinals that a seat may need within one counterfactual."""


class Question(Record):
    """One request that is not on record, at the worst it can come to."""

    cycle_id: str
    seat: str
    provider: str
    model: str
    tokens_in: int
    tokens_out: int
    usd: Amount | None
    """None where no price is known."""
    refused: str | None
    """Why it would not be sent."""


@dataclass(frozen=True)
class Asking:
    """How a replay reaches models: where a seat is asked, and the way out."""

    endpoint_of: Callable[[SeatSettings | BrainSettings], Endpoint]
    outside: Outside


class WhatIfTraffic:
    """The lines of one past cycle under changed settings; without `asking` nobody is behind them."""

    def __init__(self, blobs: BlobStore, exchanges: Iterable[Exchange], asking: Asking | None) -> None:
        self._blobs = blobs
        self._exchanges = tuple(exchanges)
        self._outside = None if asking is None else asking.outside
        self._endpoint_of = endpoint_on_record if asking is None else asking.endpoint_of
        self.lines: dict[tuple[str, str], Line] = {}
        """Of every seat that came to ask, and of the brain, by role and name."""

    def seat(self, name: str, settings: SeatSettings, panel: PanelSettings) -> ModelSeat:
        """A seat over these lines."""
        return ModelSeat(name, settings, panel, self._endpoint_of(settings), self)

    def brain(self, settings: BrainSettings, bars: BarsOf) -> FormulaBrain:
        """The formula brain over its line."""
        return FormulaBrain(settings, self._endpoint_of(settings), self, bars)

    def line(self, caller: Caller) -> Line:
        """A line over the record, this cycle's first; what it finds nowhere it may ask."""
        # The lines before this one too: a seat may bear the brain's name.
        known = [*self._exchanges, *(each for line in self.lines.values() for each in line.exchanges)]
        before = [of for of in known if (of.role, of.seat) == ("what_if", caller.seat)]
        n_before = sum(each.ordinal < LATE for each in before)
        if n_before + _ROOM > LATE:
            raise NotAsked(
                f"expected up to {LATE - _ROOM} earlier questions to {caller.seat}, found {n_before}"
            )
        line = Line(
            replace(caller, role="what_if"),
            self._blobs,
            self._own(caller),
            self._outside,
            sorted(before, key=lambda each: each.ordinal),
        )
        self.lines[caller.role, caller.seat] = line
        return line

    def _own(self, caller: Caller) -> list[Exchange]:
        """What the cycle asked this very model; a reason not to ask has no request to be told apart by."""
        own = of_line(caller, self._exchanges)
        is_other = any((each.provider, each.model) != (caller.provider, caller.model) for each in own)
        is_unsaid = bool(own) and own[0].request is None and own[0].prompt_sha != caller.prompt_sha
        return [] if is_other or is_unsaid else own


class WhatIf:
    """Notes what a counterfactual would ask, then asks it, within today's budget and on record."""

    def __init__(
        self,
        budget: BudgetSettings,
        *,
        key_of: KeyOf,
        journal: Journal,
        blobs: BlobStore,
        halted_by: Callable[[], str | None],
        ollama_host: str | None = None,
    ) -> None:
        self._ollama_host = ollama_host
        self._spending = open_spending(budget, journal, blobs, is_what_if=True)
        self._traffic = LiveTraffic(journal, blobs, self._spending, halted_by=halted_by)
        self._halted_by = halted_by
        self._key_of = key_of
        self._unreachable: dict[tuple[str, str], str] = {}
        self._looked_up: dict[Endpoint, Endpoint] = {}
        self.questions: list[Question] = []
        self.asked: list[Exchange] = []
        """What went on record, in order."""

    def noting(self) -> Asking:
        """Every question is noted and refused; nothing is sent or written."""

        def note(caller: Caller, tokens_in: int, tokens_out: int) -> str:
            self.questions.append(self._question(caller, tokens_in, tokens_out))
            return "an estimate asks nobody"

        outside = Outside(
            transport=httpx2.AsyncBaseTransport(),
            write=lambda exchange, _latency_ms: exchange,
            cost_of=lambda _caller, _tokens: None,
            may_ask=note,
        )
        return Asking(self._endpoint, outside)

    def asking(self) -> Asking:
        """Every question is asked as the desk would."""
        outside = self._traffic.outside()

        def may_ask(caller: Caller, tokens_in: int, tokens_out: int) -> str | None:
            unreachable = self._unreachable.get((caller.provider, caller.model))
            return unreachable or outside.may_ask(caller, tokens_in, tokens_out)

        def write(exchange: Exchange, latency_ms: float | None) -> Exchange:
            self.asked.append(outside.write(exchange, latency_ms))
            return self.asked[-1]

        return Asking(self._endpoint, replace(outside, may_ask=may_ask, write=write))

    def budgets(self) -> tuple[Budget, ...]:
        """The day's caps and what is used of them."""
        return self._spending.budgets()

    async def aclose(self) -> None:
        """End what is under way and put that on record."""
        await self._traffic.aclose()

    def _endpoint(self, settings: SeatSettings | BrainSettings) -> Endpoint:
        """One that cannot be asked may still be answered from the record."""
        try:
            found = find_endpoint(settings, self._key_of(settings.provider), self._ollama_host)
        except SettingsError as error:
            found = str(error)
        if isinstance(found, str):
            self._unreachable[settings.provider, settings.model] = found
            return endpoint_on_record(settings)
        if found.provider != OLLAMA:
            return found
        # Once: every seat of every cycle comes here, and weights that change half way would mix two models.
        if found not in self._looked_up:
            self._looked_up[found] = looked_up(found)
        return self._looked_up[found]

    def _question(self, caller: Caller, tokens_in: int, tokens_out: int) -> Question:
        refused = self._unreachable.get((caller.provider, caller.model))
        if refused is None and (halted := self._halted_by()):
            refused = f"the desk is halted: {halted}"
        refused = refused or self._spending.why_not(caller, tokens_in, tokens_out)
        return Question(
            cycle_id=caller.cycle_id or "",
            seat=caller.seat,
            provider=caller.provider,
            model=caller.model,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            usd=self._spending.cost_of(caller, Tokens(input=tokens_in, output=tokens_out)),
            refused=refused,
        )
