"""The desk assistant: a question in, an answer from the record out, with what it was read from.

    question -> model <-> tools that read -> words -> checked: cycles that exist? numbers that were shown?

It has no tool that acts, and its tools hold a journal open for reading: what it can be talked into is words.
A model is asked at the highest ability its endpoint tells of, as the formula brain is: calls of its own, one
pick from a list at a time, or one answer over a fixed overview. Every failure is an answer that says why.
"""

import re
from collections.abc import Sequence
from typing import Any

import httpx2
from pydantic import BaseModel, ConfigDict
from pydantic_ai import Agent, ModelRetry, NativeOutput, Tool, UsageLimits
from pydantic_ai.agent import AgentRunResult
from pydantic_ai.exceptions import UnexpectedModelBehavior
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, UserPromptPart
from pydantic_ai.models import Model

from agents.agent_model import Ability, abilities_of, agent_error_in_words, let_through, open_model
from agents.answer_check import Shown, hashes_in, not_shown, numbers_in
from agents.chat import Endpoint, storable, without_thinking
from agents.conversation import Conversation
from agents.desk_results import total_cost
from agents.desk_tools import TOOLS, Arguments, Toolbox, ToolUse, listed, overview
from agents.exchanges import Caller
from agents.line import Line
from agents.model_door import answer_or_why, settled
from agents.model_errors import CUT
from agents.seat import Lines
from agents.settings import AssistantSettings
from contracts.canonical import Amount, Record, Sha256, Utc, sha256_hex
from contracts.errors import ToolInputError
from contracts.records import DeskState
from prompts.loader import load_prompt

MAX_QUESTION = 4_000
MAX_CITED = 20
NOTICE = (
    "The assistant only reads and has done nothing. `dualbrain run` trades inside the limits, and "
    "`dualbrain run --ask` lets a person answer before every trade; stops and targets close positions. "
    '`dualbrain halt --reason "..."` stops a desk, `dualbrain resume` lets it go on. Limits are settings, '
    "such as `--set limits.risk_per_trade_pct=0.5`."
)
_ACTS = (
    r"(?:buy|sell|short|close|flatten|liquidate|approve|confirm|place|submit|cancel|halt|stop|pause|resume|"
    r"reduce|increase|raise|lower|change|set|double|enter|execute|disable|override|go\s+(?:long|short)|"
    r"open\s+an?)\b(?!\s+(?:trades|orders|signals|prices?|distance|reasons?)\b)"
)
_ASKS_TO_ACT = re.compile(
    r"(?:^|[.!?;,:\n]\s*|\b(?:please|just|let's|go\s+ahead\s+and|(?:can|could|will|would)\s+you|"
    rf"(?:want|like|need)\s+(?:you\s+)?to)\s+)(?:please\s+)?{_ACTS}",
    re.IGNORECASE,
)
"""Only the notice hangs on it: nothing could be done anyway."""
_ANSWER = "answer"


class Cited(Record):
    """A cycle that an answer names."""

    cycle_id: Sha256
    instrument_id: str
    as_of: Utc


class Answer(Record):
    """What the assistant said, what it rests on, and what of it does not."""

    question: str
    text: str
    cited: tuple[Cited, ...] = ()
    unknown_cycles: tuple[str, ...] = ()
    """Ids in the text that no cycle on record has."""
    ungrounded: tuple[str, ...] = ()
    """Numbers in the text that nothing shown to the model, and nobody asking, had."""
    notice: str | None = None
    """By code, where the question reads like a wish that something be done."""
    uses: tuple[ToolUse, ...] = ()
    exchanges: tuple[Sha256, ...] = ()
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: Amount | None = None
    failed: str | None = None
    """Why there is no answer; the text is empty then."""


class Pick(BaseModel):
    """One choice of a model that cannot be trusted with calls of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: str
    arguments: Arguments


class Assistant:
    """One conversation about one desk; one question at a time."""

    def __init__(
        self, settings: AssistantSettings, endpoint: Endpoint | str, lines: Lines, box: Toolbox, desk: str
    ) -> None:
        self._settings, self._endpoint, self._lines, self._box = settings, endpoint, lines, box
        self._desk = desk
        self._said = Conversation(settings.history_turns, settings.history_chars)

    async def ask(self, question: str) -> Answer:
        """The answer. A failure is an answer with `failed`, and is not remembered.

        Raises NotOnRecord in a replay that has nothing to answer from, and what NOT_AN_ABSTENTION names.
        """
        question = storable(question.strip())
        if not question or len(question) > MAX_QUESTION:
            why = f"expected a question of 1 to {MAX_QUESTION:,} characters, found {len(question):,}"
            return Answer(question=question[:MAX_QUESTION], text="", failed=why)
        if isinstance(self._endpoint, str):
            return Answer(question=question, text="", failed=self._endpoint, notice=_notice(question))
        self._box.clear()
        asking = _Asking(self._settings, self._endpoint, self._box, self._said, self._desk)
        line = self._lines.line(asking.caller)

        async def look_up() -> Answer:
            text, messages = await settled(line, asking.answer(line, question))
            return self._answered(question, text, messages, line)

        def in_words(error: Exception) -> str:
            return str(error) if isinstance(error, _NoAnswer) else agent_error_in_words(error, line)

        found = await answer_or_why(line, self._settings.deadline_s, look_up(), in_words, "no answer")
        return self._answer(question, "", line, failed=found) if isinstance(found, str) else found

    def reset(self) -> None:
        """Forget the conversation."""
        self._said.reset()
        self._box.clear()

    @property
    def n_turns(self) -> int:
        """Questions and answers that the model is reminded of."""
        return len(self._said.turns)

    def _answered(self, question: str, text: str, messages: Sequence[ModelMessage], line: Line) -> Answer:
        shown = numbers_in(question).union(
            *(numbers_in(use.result) for use in self._box.uses if not use.is_refused)
        )
        answer = self._answer(question, text, line, shown=shown | self._said.shown)
        self._said.add(messages, shown)
        return answer

    def _answer(
        self,
        question: str,
        text: str,
        line: Line,
        *,
        shown: frozenset[Shown] = frozenset(),
        failed: str | None = None,
    ) -> Answer:
        cited, unknown = self._cycles_in(text)
        told = [each.tokens for each in line.exchanges if each.tokens is not None]
        return Answer(
            question=question,
            text=text,
            cited=cited,
            unknown_cycles=unknown,
            ungrounded=not_shown(text, shown),
            notice=_notice(question),
            uses=tuple(self._box.uses),
            exchanges=tuple(each.record_id for each in line.exchanges),
            tokens_in=sum(tokens.input for tokens in told),
            tokens_out=sum(tokens.output for tokens in told),
            cost_usd=total_cost(line.exchanges),
            failed=failed,
        )

    def _cycles_in(self, text: str) -> tuple[tuple[Cited, ...], tuple[str, ...]]:
        journal = self._box.record.journal
        cited: dict[str, Cited] = {}
        unknown: list[str] = []
        for name in list(hashes_in(text))[:MAX_CITED]:
            found = journal.cycles_beginning(name)
            state = journal.find(DeskState, found[0]) if len(found) == 1 else None
            if state is None:
                unknown.append(name)
            else:
                cited[state.cycle_id] = Cited(
                    cycle_id=state.cycle_id, instrument_id=state.instrument_id, as_of=state.as_of
                )
        return tuple(cited.values()), tuple(unknown)


class _NoAnswer(Exception):
    """The model ended without an answer, and the message says how."""


class _Asking:
    """One question before one model."""

    def __init__(
        self,
        settings: AssistantSettings,
        endpoint: Endpoint,
        box: Toolbox,
        said: Conversation,
        desk: str,
    ) -> None:
        self._settings, self._endpoint, self._box, self._said = settings, endpoint, box, said
        self._ability: Ability = abilities_of(settings, endpoint)[0]
        self._picks = min(settings.max_calls, settings.max_requests - 1)
        newest = box.record.newest()
        self._system = load_prompt("assistant").render(
            desk=desk, newest="none yet" if newest is None else f"{newest:%A %Y-%m-%d %H:%M} UTC"
        )
        if self._ability == "loop":
            self._system += "\n\n" + load_prompt("assistant_loop").render(
                tools=listed(), calls=str(self._picks)
            )
        self.caller = Caller(
            None,
            "assistant",
            "assistant",
            endpoint.provider,
            endpoint.model.name,
            endpoint.digest,
            sha256_hex(self._system.encode()),
            settings.max_tokens,
        )

    async def answer(
        self, transport: httpx2.AsyncBaseTransport, question: str
    ) -> tuple[str, Sequence[ModelMessage]]:
        """The model's words, and the turn as it is remembered."""
        model = open_model(self._endpoint, transport, self._settings)
        if self._ability == "tools":
            found = await self._with_tools(model, question)
            return self._words(found), found.new_messages()
        if self._ability == "loop":
            await self._pick(model, question)
        if not any(not use.is_refused for use in self._box.uses):
            overview(self._box)
        asked = self._so_far(question)
        text = self._words(await self._once(model, asked))
        return text, (
            ModelRequest([UserPromptPart(asked)]),
            ModelResponse([TextPart(text)]),
        )

    async def _with_tools(self, model: Model, question: str) -> AgentRunResult[str]:
        agent = Agent(model, instructions=self._system, tools=_native_tools(self._box), retries=2)
        limits = UsageLimits(
            request_limit=self._settings.max_requests, tool_calls_limit=self._settings.max_calls
        )
        return await agent.run(
            question,
            message_history=self._said.messages,
            usage_limits=limits,
            event_stream_handler=let_through,
        )

    async def _pick(self, model: Model, question: str) -> None:
        """What the model looks up, until it has enough; a pick that is none ends it."""
        agent = Agent(model, output_type=NativeOutput(Pick), instructions=self._system, retries=0)
        asked: set[str] = set()
        for _ in range(self._picks):
            try:
                found = await agent.run(
                    self._so_far(question),
                    message_history=self._said.messages,
                    event_stream_handler=let_through,
                )
            except UnexpectedModelBehavior:
                return
            pick = found.output
            if pick.tool == _ANSWER or pick.model_dump_json() in asked:
                return
            asked.add(pick.model_dump_json())
            try:
                self._box.use(pick.tool, pick.arguments.model_dump())
            except ToolInputError:
                # It stands among the results, for the next pick to do better.
                continue

    async def _once(self, model: Model, asked: str) -> AgentRunResult[str]:
        agent = Agent(model, instructions=self._system, retries=1)
        return await agent.run(asked, message_history=self._said.messages, event_stream_handler=let_through)

    def _so_far(self, question: str) -> str:
        looked_up = [
            f"{use.tool} {use.arguments}: {'refused: ' if use.is_refused else ''}{use.result}"
            for use in self._box.uses
        ]
        return "\n".join([*(["Looked up:", *looked_up] if looked_up else []), f"Question: {question}"])

    def _words(self, found: AgentRunResult[str]) -> str:
        if found.response.finish_reason == "length":
            raise _NoAnswer(CUT)
        text = storable(without_thinking(found.output, self._endpoint.model)).strip()
        if not text:
            raise _NoAnswer("the model answered nothing")
        return text


def _native_tools(box: Toolbox) -> list[Tool[None]]:
    # One after the other: a replay must find the same results in the same order.
    return [
        Tool.from_schema(
            _function(box, name), name=name, description=tool.says, json_schema=tool.schema, sequential=True
        )
        for name, tool in TOOLS.items()
    ]


def _function(box: Toolbox, name: str) -> Any:
    async def use(**given: object) -> str:
        try:
            return box.use(name, given)
        except ToolInputError as error:
            raise ModelRetry(str(error)) from None

    return use


def _notice(question: str) -> str | None:
    return NOTICE if _ASKS_TO_ACT.search(question) else None
