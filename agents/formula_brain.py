"""The formula brain: reads the report, asks the tools for more, says what the numbers come to.

    ability    how it reaches the tools                                    then
    tools      calls of its own: find_tool, read_tool, call_tool           one answer by schema
    loop       picks one tool from a list, by schema, until `finish`       one answer by schema
    single     none: the report's evidence is all                          one answer by schema

A model is asked at the highest ability its endpoint tells of: the server's word, else the catalogue's. A
cycle that has begun keeps its ability, which its first prompt on record tells, whatever the server says by
now. `loop` falls back to `single` when it cannot even pick. Prose is never searched for an answer. Every
failure is a view that abstains, with the reason.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import httpx2
from pydantic_ai import Agent, ModelRetry, NativeOutput, RunContext, Tool, ToolOutput, UsageLimits
from pydantic_ai.exceptions import UnexpectedModelBehavior
from pydantic_ai.models.openai import OpenAIChatModel

from agents.abstention import no_view
from agents.agent_model import Ability, abilities_of, agent_error_in_words, let_through, open_model
from agents.chat import Endpoint
from agents.dossier import Dossier, evidence_line, make_dossier
from agents.evidence_names import Citable
from agents.exchanges import Caller
from agents.grounding import ungrounded
from agents.line import Line
from agents.model_door import answer_or_why, settled
from agents.seat import Lines
from agents.settings import BrainSettings
from agents.view_answer import Step, ViewAnswer, step_among, view_of
from agents.workbench import Workbench
from contracts.canonical import sha256_hex
from contracts.errors import ToolInputError
from contracts.market import Bars, Side, Timeframe
from contracts.ports import Case
from contracts.records import FormulaView, MarketSnapshot
from prompts.loader import load_prompt
from tools.registry import get_tool

LISTED = (
    "parkinson_volatility",
    "garman_klass_volatility",
    "ewma_volatility",
    "bipower_volatility",
    "adx",
    "atr",
    "rsi",
    "macd_histogram",
    "percent_b",
    "linear_regression_slope",
)
"""What a model that picks from a list may pick: one tool for each thing a trader would look at again."""
FINISH = "finish"
_USES_A_CALL = 3
"""Finding and reading a tool come before calling it."""


@dataclass(frozen=True)
class BarsOf:
    """The bars behind a snapshot: its own by timeframe, and the others' where it holds them."""

    own: Callable[[MarketSnapshot], Mapping[Timeframe, Bars]]
    others: Callable[[MarketSnapshot], Sequence[Bars]]


class FormulaBrain:
    """A brain that asks a model."""

    def __init__(self, settings: BrainSettings, endpoint: Endpoint | str, lines: Lines, bars: BarsOf) -> None:
        self._settings = settings
        self._endpoint = endpoint
        self._lines = lines
        self._bars = bars

    async def read(self, case: Case) -> FormulaView:
        """See the port."""
        if isinstance(self._endpoint, str):
            return no_view(case, self._endpoint)
        bench = Workbench(
            case, self._bars.own(case.snapshot), self._bars.others(case.snapshot), self._settings.max_calls
        )
        reading, line = self._begin(self._endpoint, case, bench)

        async def read() -> FormulaView:
            return reading.view(await settled(line, reading.answer(line)), line)

        found = await answer_or_why(
            line,
            self._settings.deadline_s,
            read(),
            lambda error: agent_error_in_words(error, line),
            "no view",
        )
        return reading.no_view(found, line) if isinstance(found, str) else found

    def _begin(self, endpoint: Endpoint, case: Case, bench: Workbench) -> "tuple[_Reading, Line]":
        first, *others = abilities_of(self._settings, endpoint)
        reading = _Reading(self._settings, endpoint, case, bench, first)
        line = self._lines.line(reading.caller)
        if line.begun_with in (None, reading.caller.prompt_sha):
            return reading, line
        for ability in others:
            other = _Reading(self._settings, endpoint, case, bench, ability)
            if other.caller.prompt_sha == line.begun_with:
                return other, self._lines.line(other.caller)
        return reading, line


class _Reading:
    """One case before one model."""

    def __init__(
        self, settings: BrainSettings, endpoint: Endpoint, case: Case, bench: Workbench, ability: Ability
    ) -> None:
        self._settings, self._endpoint, self._case, self._bench = settings, endpoint, case, bench
        self._dossier: Dossier = make_dossier(case)
        self._ability = ability
        self._system = load_prompt("formula_brain").render()
        if self._ability == "loop":
            self._system += "\n\n" + load_prompt("formula_brain_loop").render(
                tools="\n".join(bench.read(name).splitlines()[0] for name in LISTED),
                timeframes=", ".join(str(timeframe) for timeframe in bench.bars),
                calls=str(settings.max_calls),
            )
        self.caller = Caller(
            case.report.cycle_id,
            "brain",
            "brain",
            endpoint.provider,
            endpoint.model.name,
            endpoint.digest,
            sha256_hex(self._system.encode()),
            settings.max_tokens,
        )

    async def answer(self, transport: httpx2.AsyncBaseTransport) -> ViewAnswer:
        """The model's reading, at the ability it has."""
        model = open_model(self._endpoint, transport, self._settings)
        if self._ability == "tools":
            return await self._with_tools(model)
        if self._ability == "loop":
            await self._pick(model)
        return await self._once(model)

    def view(self, answer: ViewAnswer, line: Line) -> FormulaView:
        """The reading as a record; ids that do not exist, or speak for and against, make it none."""
        known = self._known()
        named = [*answer.supporting, *answer.opposing]
        if strangers := [name for name in named if name not in known]:
            why = f"expected ids of the evidence, found {', '.join(dict.fromkeys(strangers))}"
            return self.no_view(why, line)
        if both := [name for name in dict.fromkeys(answer.supporting) if name in answer.opposing]:
            why = f"expected each id for or against, found as both {', '.join(both)}"
            return self.no_view(why, line)
        case = self._case
        return FormulaView(
            cycle_id=case.report.cycle_id,
            as_of=case.report.as_of,
            parents=(case.report.record_id, case.gate.record_id),
            level="vote" if case.gate.level == "vote" else "brief",
            side=None if answer.side == "NONE" else Side(answer.side),
            supporting=tuple(dict.fromkeys(answer.supporting)),
            opposing=tuple(dict.fromkeys(answer.opposing)),
            reasoning=answer.reasoning,
            called=tuple(self._bench.called),
            ungrounded=self._invented(answer.reasoning),
            prompt_sha=self.caller.prompt_sha,
            exchanges=_ids(line),
        )

    def no_view(self, why: str, line: Line) -> FormulaView:
        """The abstention, with what was asked for it."""
        return no_view(self._case, why, exchanges=_ids(line), prompt_sha=self.caller.prompt_sha)

    def _known(self) -> tuple[str, ...]:
        """Ids that may be cited, as they came."""
        called = (row.evidence_id for row in self._bench.called if row.value is not None)
        return (*self._dossier.evidence_ids, *called)

    async def _with_tools(self, model: OpenAIChatModel) -> ViewAnswer:
        # One after the other: the order of calls gives evidence its ids, and a replay must find the same.
        agent = Agent(
            model,
            deps_type=Workbench,
            output_type=ToolOutput(ViewAnswer, name="view", description="Your reading of the evidence."),
            instructions=self._system,
            tools=[
                Tool(use, name=use.__name__.strip("_"), sequential=True)
                for use in (_find_tool, _read_tool, _call_tool)
            ],
            retries=1,
        )
        limits = UsageLimits(
            request_limit=self._settings.max_requests,
            tool_calls_limit=_USES_A_CALL * self._settings.max_calls,
        )
        found = await agent.run(
            self._dossier.text, deps=self._bench, usage_limits=limits, event_stream_handler=let_through
        )
        return found.output

    async def _pick(self, model: OpenAIChatModel) -> None:
        """Numbers of the model's choice, until it has enough; a choice that is none ends it."""
        among = step_among((*LISTED, FINISH), tuple(str(timeframe) for timeframe in self._bench.bars))
        agent = Agent(model, output_type=NativeOutput(among), instructions=self._system, retries=0)
        while len(self._bench.called) < self._settings.max_calls:
            try:
                step = (await agent.run(self._so_far(), event_stream_handler=let_through)).output
                if step.tool == FINISH:
                    return
                n_before = len(self._bench.called)
                self._bench.call(step.tool, step.timeframe, _period(step))
            except (UnexpectedModelBehavior, ToolInputError):
                return
            if len(self._bench.called) == n_before:
                # It asks for what it has; it will ask again.
                return

    async def _once(self, model: OpenAIChatModel) -> ViewAnswer:
        answer = view_of(self._known())
        agent = Agent(model, output_type=NativeOutput(answer), instructions=self._system, retries=1)
        return (await agent.run(self._so_far(), event_stream_handler=let_through)).output

    def _so_far(self) -> str:
        rows = [evidence_line(self._bench.shown(row)) for row in self._bench.called]
        return "\n".join([self._dossier.text, *(["Asked for since:", *rows] if rows else [])])

    def _invented(self, reasoning: str) -> tuple[str, ...]:
        called = (self._bench.shown(row) for row in self._bench.called)
        shown = [Citable(row.evidence_id, row.value, row.unit) for row in called if row.value is not None]
        return ungrounded(
            reasoning,
            [*self._dossier.numbers, *shown],
            pip=self._dossier.mask.pip,
            timeframe=self._case.snapshot.timeframe,
        )


def _ids(line: Line) -> tuple[str, ...]:
    return tuple(exchange.record_id for exchange in line.exchanges)


async def _find_tool(ctx: RunContext[Workbench], query: str) -> str:
    """Find quant tools by words, such as "volatility" or "trend strength"; gives names with units.

    Parameters
    ----------
    query : str
        One to four words.
    """
    return "\n".join(ctx.deps.find(query)) or "no tool has these words; try others"


async def _read_tool(ctx: RunContext[Workbench], name: str) -> str:
    """Read a tool's parameters, and a formula's text, before calling it.

    Parameters
    ----------
    name : str
        As find_tool gave it.
    """
    try:
        return ctx.deps.read(name)
    except ToolInputError as error:
        raise ModelRetry(str(error)) from None


async def _call_tool(
    ctx: RunContext[Workbench], name: str, timeframe: str, parameters: dict[str, float] | None = None
) -> str:
    """Get one number. Its id may be cited.

    Parameters
    ----------
    name : str
        As find_tool gave it.
    timeframe : str
        One of those in the evidence, such as 1h.
    parameters : dict, optional
        As read_tool gave them; defaults where left out.
    """
    try:
        called = ctx.deps.call(name, timeframe, _whole(parameters or {}))
        return evidence_line(ctx.deps.shown(called))
    except ToolInputError as error:
        raise ModelRetry(str(error)) from None


def _period(step: Step) -> dict[str, float]:
    names = {parameter.name for parameter in get_tool(step.tool).parameters}
    return {"period": step.period} if step.period is not None and "period" in names else {}


def _whole(parameters: Mapping[str, float]) -> dict[str, float]:
    """JSON of some models writes 14 as 14.0."""
    return {name: int(v) if float(v).is_integer() else v for name, v in parameters.items()}
