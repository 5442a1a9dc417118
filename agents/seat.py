"""One seat of the panel: a case and a proposal in, a ballot out, whatever the model does.

    dossier -> model -> answer by schema -> grounded? -> Ballot
                 ^                |              |
                 +---- once more, told what is wrong

Every failure is an abstention with its reason; none is a HOLD. A seat says nothing about size, stop or
target that is executed: what it says of them stands on the ballot as advice.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import httpx2
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI

from agents.ballot_answer import BallotAnswer, ballot_schema, read_answer
from agents.chat import Endpoint, answer_format, open_chat, schema_in_words, storable, without_thinking
from agents.dossier import BEGIN, END, Dossier, as_data, make_dossier, told
from agents.evidence_names import Citable
from agents.exchanges import Caller
from agents.grounding import ungrounded
from agents.line import Line
from agents.model_door import answer_or_why
from agents.model_errors import CUT, FILTERED, in_words, is_passing, on_one_line, wait_before_retry_s
from agents.settings import PanelSettings, SeatSettings
from contracts.canonical import sha256_hex
from contracts.errors import DualbrainError, SettingsError
from contracts.ports import Case
from contracts.records import Ballot, TradeProposal
from prompts.loader import load_prompt

_FIRST_PAUSE_S = 0.5
_MAX_PROBLEM, _MAX_ECHO = 600, 4_000
"""Characters of a bad answer that go back with what is wrong with it; a good one has fewer."""
_HEAD_BYTES, _BYTES_PER_TOKEN = 50_000, 500
"""A streamed token comes in some 250 bytes of JSON."""


class Lines(Protocol):
    """Where a seat gets its line for one cycle."""

    def line(self, caller: Caller) -> Line:
        """The line of this caller: what is on record first, then, where allowed, the model."""
        ...


class ModelSeat:
    """A voter that asks a model."""

    def __init__(
        self,
        seat: str,
        settings: SeatSettings,
        panel: PanelSettings,
        endpoint: Endpoint | str,
        lines: Lines,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        # Start-up is the time to hear that there is no such prompt, not the first vote.
        if inputs := load_prompt(settings.prompt).inputs:
            raise SettingsError(
                f"expected a seat's prompt without inputs, found {', '.join(inputs)} in {settings.prompt}; "
                "write the text out"
            )
        self.seat = seat
        self._settings = settings
        self._panel = panel
        self._endpoint = endpoint
        self._lines = lines
        self._sleep = sleep

    async def vote(self, case: Case, proposal: TradeProposal, ordinal: int) -> Ballot:
        """See the port."""
        if isinstance(self._endpoint, str):
            return self._abstain(case, proposal, ordinal, self._endpoint, None)
        asking = _Asking(self.seat, self._settings, self._panel, self._endpoint, case, proposal)
        line = self._lines.line(asking.caller)
        found = await answer_or_why(
            line,
            self._panel.deadline_s,
            self._ask(asking, line, ordinal),
            lambda error: in_words(error, line.answered),
            "no answer",
        )
        return self._abstain(case, proposal, ordinal, found, line) if isinstance(found, str) else found

    async def _ask(self, asking: "_Asking", line: Line, ordinal: int) -> Ballot:
        chat = asking.open_chat(line)
        messages = asking.messages
        problem = ""
        invented: tuple[str, ...] = ()
        for turn in range(2):
            said = await self._say(chat, line, messages)
            content = storable(without_thinking(str(said.text), asking.endpoint.model))
            if cut := _cut_short(said):
                return self._abstain(asking.case, asking.proposal, ordinal, cut, line)
            answer = read_answer(content, asking.dossier.evidence_ids)
            if isinstance(answer, str):
                problem, invented = answer[:_MAX_PROBLEM], ()
            else:
                invented = asking.invented(answer)
                problem = f"no tool returned {', '.join(invented)}" if invented else ""
                if not problem or (turn and self._panel.ungrounded == "mark"):
                    return self._ballot(asking, answer, invented, ordinal, line)
            # An empty turn would add nothing, and a server may refuse it.
            echo = [AIMessage(content[:_MAX_ECHO])] if content.strip() else []
            messages = [*messages, *echo, HumanMessage(asking.repair(problem))]
        return self._abstain(asking.case, asking.proposal, ordinal, problem, line, invented)

    async def _say(self, chat: ChatOpenAI, line: Line, messages: Sequence[BaseMessage]) -> AIMessage:
        attempt = 1
        while True:
            try:
                return await _answer(chat, line, messages)
            except Exception as error:
                is_too_long = len(line.answered) > line.caller.max_answer_bytes
                if is_too_long or not is_passing(error) or attempt == self._settings.max_attempts:
                    raise
                attempt += 1
                if not line.is_playing_back:
                    pause = _FIRST_PAUSE_S * 2**attempt * random.uniform(0.5, 1)  # noqa: S311 - only a pause
                    await self._sleep(wait_before_retry_s(error) or pause)

    def _ballot(
        self, asking: "_Asking", answer: BallotAnswer, invented: tuple[str, ...], ordinal: int, line: Line
    ) -> Ballot:
        takes_some = answer.answer in ("APPROVE", "REDUCE")
        return Ballot(
            cycle_id=asking.proposal.cycle_id,
            as_of=asking.proposal.as_of,
            parents=asking.parents,
            seat=self.seat,
            ordinal=ordinal,
            answer=answer.answer,
            confidence=answer.confidence / 100,
            size_bound=answer.size_pct / 100 if takes_some else None,
            advised_stop_pips=asking.dossier.mask.true_pips(answer.stop_pips),
            advised_target_pips=asking.dossier.mask.true_pips(answer.target_pips),
            reasoning=answer.reasoning,
            citations=tuple(dict.fromkeys(answer.citations)),
            ungrounded=invented,
            prompt_sha=asking.caller.prompt_sha,
            exchange=line.exchanges[-1].record_id,
        )

    def _abstain(
        self,
        case: Case,
        proposal: TradeProposal,
        ordinal: int,
        why: str,
        line: Line | None,
        invented: tuple[str, ...] = (),
    ) -> Ballot:
        asked = line.exchanges[-1] if line is not None and line.exchanges else None
        return Ballot(
            cycle_id=proposal.cycle_id,
            as_of=proposal.as_of,
            parents=_parents(case, proposal),
            seat=self.seat,
            ordinal=ordinal,
            answer="ABSTAIN",
            abstained=why,
            ungrounded=invented,
            prompt_sha=None if asked is None else asked.prompt_sha,
            exchange=None if asked is None else asked.record_id,
        )


class _Asking:
    """What one seat asks about one proposal: prompt, dossier, schema."""

    def __init__(
        self,
        seat: str,
        settings: SeatSettings,
        panel: PanelSettings,
        endpoint: Endpoint,
        case: Case,
        proposal: TradeProposal,
    ) -> None:
        self.case, self.proposal, self.endpoint = case, proposal, endpoint
        self.dossier: Dossier = make_dossier(case, proposal)
        self.parents = _parents(case, proposal)
        self._settings = settings
        self._schema: dict[str, Any] = ballot_schema(self.dossier.evidence_ids)
        self._format = answer_format(endpoint.model, settings.answer_as)
        # What never changes stands first, so that an endpoint that keeps prompts finds it kept.
        system = [
            load_prompt("panel").render(seat=seat, seats=str(len(panel.seats))),
            load_prompt(settings.prompt).render(),
        ]
        if self._format != "json_schema":
            system.append(schema_in_words(self._schema))
        self._system = "\n\n".join(system)
        self.caller = Caller(
            proposal.cycle_id,
            "seat",
            seat,
            endpoint.provider,
            endpoint.model.name,
            endpoint.digest,
            sha256_hex(self._system.encode()),
            settings.max_tokens,
            _HEAD_BYTES + _BYTES_PER_TOKEN * settings.max_tokens,
        )

    @property
    def messages(self) -> list[BaseMessage]:
        return [SystemMessage(self._system), HumanMessage(self.dossier.text)]

    def open_chat(self, line: Line) -> ChatOpenAI:
        return open_chat(
            self.endpoint,
            line,
            schema=self._schema,
            answer_as=self._format,
            temperature=self._settings.temperature,
            max_tokens=self._settings.max_tokens,
            timeout_s=self._settings.timeout_s,
        )

    def invented(self, answer: BallotAnswer) -> tuple[str, ...]:
        """Market numbers in the reasoning that no tool returned."""
        advice = (("stop_pips", answer.stop_pips), ("target_pips", answer.target_pips))
        own = [Citable(name, pips, "pips") for name, pips in advice if pips is not None]
        return ungrounded(
            answer.reasoning,
            self.dossier.numbers,
            [*self.dossier.own, *own],
            pip=self.dossier.mask.pip,
            timeframe=self.case.snapshot.timeframe,
        )

    def repair(self, problem: str) -> str:
        # Names and units come from outside here too.
        numbers = [as_data(f"{n.name}: {told(n)} {n.unit}") for n in self.dossier.numbers]
        return load_prompt("repair").render(problem=problem, numbers="\n".join([BEGIN, *numbers, END]))


async def _answer(chat: ChatOpenAI, line: Line, messages: Sequence[BaseMessage]) -> AIMessage:
    """The answer to one request, or its failure, once it is on record."""
    n_before = len(line.exchanges)
    try:
        said = await chat.ainvoke(list(messages))
    except DualbrainError:
        raise
    except Exception:
        await _settle(line, n_before)
        raise
    await _settle(line, n_before)
    if not said.response_metadata.get("finish_reason"):
        # A stream that is closed politely half way raises nothing.
        raise httpx2.RemoteProtocolError("it ended without a reason to finish")
    return said


async def _settle(line: Line, n_before: int) -> None:
    """A client that stumbles over a part turns away; the line still reads the rest, and counts by its end."""
    await line.settled()
    if line.exchanges[n_before:] and line.exchanges[-1].outcome == "timeout":
        # As it will be played back, whatever the client made of its beginning.
        raise httpx2.ReadTimeout(line.exchanges[-1].error)


def _parents(case: Case, proposal: TradeProposal) -> tuple[str, ...]:
    view = () if case.view is None else (case.view.record_id,)
    return (case.report.record_id, *view, proposal.record_id)


def _cut_short(said: AIMessage) -> str:
    """Why the model stopped where it did, if that spoils the answer."""
    if refusal := said.additional_kwargs.get("refusal"):
        return f"the model refuses: {on_one_line(str(refusal))}"
    # Some routes tell the reason twice, and the client puts the two together.
    finish = str(said.response_metadata.get("finish_reason"))
    if "content_filter" in finish:
        return FILTERED
    return CUT if "length" in finish else ""
