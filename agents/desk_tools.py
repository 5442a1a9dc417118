"""The assistant's tools: each reads the record, says what it found as text, and can do nothing else.

One table serves every ability: native calls get a schema cut to each tool's arguments, the loop picks by
name, and an overview uses the same functions. Results are fenced as data, because models and people wrote
into the journal what stands there.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.desk_record import MAX_CYCLES, DeskRecord
from agents.desk_results import account_seen, performance, spending_on, voter_skills
from agents.dossier import BEGIN, END, as_data, evidence_line
from agents.workbench import find_tools, read_tool
from contracts.canonical import Record
from contracts.errors import DataUnavailable, ToolInputError
from contracts.market import Side
from contracts.records import Budget
from markets.instruments import resolve
from tools.registry import get_tool

MAX_RESULT = 9_000
"""Characters of one result; a whole cycle with three votes has some five thousand."""

_Moment = Annotated[
    str | None,
    Field(description="ISO date or time in UTC, such as 2017-03-01 or 2017-03-01T14:00; included."),
]


class Arguments(BaseModel):
    """What any tool may be given; each takes a few of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    instrument: Annotated[str | None, Field(description="Such as EURUSD or EUR/USD.")] = None
    cycle: Annotated[str | None, Field(description="Id of a cycle, or its first 12 characters.")] = None
    since: _Moment = None
    until: _Moment = None
    ended: Annotated[
        str | None,
        Field(description="A word of how it ended, such as gate, outcome, FILLED or below minimum."),
    ] = None
    limit: Annotated[int | None, Field(ge=1, le=MAX_CYCLES, description="At most so many.")] = None
    ids: Annotated[list[str] | None, Field(description="Ids of evidence; all where left out.")] = None
    side: Literal["BUY", "SELL"] | None = None
    percent: Annotated[
        float | None, Field(description="Of equity at risk; what the limits allow where left out.")
    ] = None
    words: Annotated[
        str | None, Field(description="Name of a quant tool or formula, or one to four words to find one.")
    ] = None


class ToolUse(Record):
    """One call of a tool while a question was answered; a refusal says what was wrong with it."""

    tool: str
    arguments: str
    result: str
    is_refused: bool = False


@dataclass(frozen=True)
class DeskTool:
    """A tool: what it says to a model, what it takes (a star: required), what it reads."""

    says: str
    takes: tuple[str, ...]
    read: Callable[["Toolbox", Arguments], str]

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema of its arguments."""
        known = Arguments.model_json_schema()["properties"]
        required = [name.rstrip("*") for name in self.takes if name.endswith("*")]
        return {
            "type": "object",
            "additionalProperties": False,
            "required": required,
            "properties": {name.rstrip("*"): _given(known[name.rstrip("*")]) for name in self.takes},
        }


@dataclass
class Toolbox:
    """The tools on one desk's record, and which were used since the last `clear`."""

    record: DeskRecord
    budgets: Callable[[], tuple[Budget, ...]]
    now: Callable[[], datetime]
    halted_by: Callable[[], str | None] = lambda: None
    on_use: Callable[[str], None] = lambda _name: None
    uses: list[ToolUse] = field(default_factory=list)

    def use(self, name: str, given: Mapping[str, object]) -> str:
        """What a tool says to these arguments, as data. ToolInputError where they do not fit."""
        if name in TOOLS:
            self.on_use(name)
        wanted = {key: value for key, value in given.items() if value is not None}
        try:
            result = fenced(self._read(name, wanted))
        except (ToolInputError, DataUnavailable) as error:
            refused = as_data(str(error))
            self._note(name, wanted, refused, is_refused=True)
            raise ToolInputError(refused) from None
        self._note(name, wanted, result)
        return result

    def clear(self) -> None:
        """Forget what was used; the next question begins."""
        self.uses = []

    def _read(self, name: str, wanted: Mapping[str, object]) -> str:
        if name not in TOOLS:
            raise ToolInputError(f"expected a tool among {', '.join(TOOLS)}, found {name[:40]!r}")
        tool = TOOLS[name]
        taken = [each.rstrip("*") for each in tool.takes]
        missing = [each[:-1] for each in tool.takes if each.endswith("*") and each[:-1] not in wanted]
        if missing or not wanted.keys() <= set(taken):
            raise ToolInputError(
                f"expected {name} to be given {', '.join(tool.takes) or 'nothing'} (a star: required), found "
                f"{', '.join(wanted) or 'nothing'}"
            )
        try:
            arguments = Arguments.model_validate(wanted)
        except ValidationError as error:
            problems = [f"{each['loc'][0]}: {each['msg']}" for each in error.errors()]
            raise ToolInputError(f"expected arguments as described, found {'; '.join(problems)}") from None
        return tool.read(self, arguments)

    def _note(
        self, name: str, wanted: Mapping[str, object], result: str, *, is_refused: bool = False
    ) -> None:
        # Not canonical JSON: a model may write a number that no record could hold.
        told = json.dumps(dict(wanted), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        self.uses.append(
            ToolUse(tool=name[:40], arguments=told, result=result[: MAX_RESULT + 200], is_refused=is_refused)
        )


def fenced(text: str) -> str:
    """Text from the record between the lines that mark data, which it cannot end."""
    lines = [line[: len(line) - len(line.lstrip())] + as_data(line) for line in text.splitlines()]
    whole = "\n".join(lines)
    if len(whole) > MAX_RESULT:
        whole = f"{whole[:MAX_RESULT]}\n(cut here: {len(whole) - MAX_RESULT} more characters; ask for less)"
    return f"{BEGIN}\n{whole}\n{END}"


def _cycles(box: Toolbox, given: Arguments) -> str:
    since, until = _span(given)
    found = box.record.cycles(
        instrument_id=_instrument(given),
        since=since,
        until=until,
        ended=given.ended,
        limit=given.limit or 10,
    )
    lines = [
        f"{each.cycle_id[:12]} {each.instrument_id} on the bar closed {each.as_of:%Y-%m-%d %H:%M} UTC, "
        f"came to {each.came_to}, ended: {each.ended}"
        for each in found
    ]
    return "\n".join(lines) or "no cycle on record fits"


def _cycle(box: Toolbox, given: Arguments) -> str:
    return box.record.tell(_cycle_id(box, given))


def _votes(box: Toolbox, given: Arguments) -> str:
    return _json(box.record.votes(_cycle_id(box, given)))


def _evidence(box: Toolbox, given: Arguments) -> str:
    cycle_id = _cycle_id(box, given)
    rows = box.record.evidence(cycle_id, given.ids or ())
    return "\n".join(evidence_line(row) for row in rows) or "no evidence in this cycle"


def _market(box: Toolbox, given: Arguments) -> str:
    return _json(box.record.market(_instrument(given) or ""))


def _risk(box: Toolbox, given: Arguments) -> str:
    return _json(
        box.record.would_size(_instrument(given) or "", Side(given.side or ""), given.percent),
    )


def _account(box: Toolbox, _given: Arguments) -> str:
    seen = account_seen(box.record.journal)
    halted = f"kill switch now: {box.halted_by() or 'not thrown'}"
    return "\n".join([halted, "no cycle on record yet" if seen is None else _json(seen)])


def _performance(box: Toolbox, given: Arguments) -> str:
    since, until = _span(given)
    return _json(performance(box.record.journal, since, until, _instrument(given)))


def _skill(box: Toolbox, given: Arguments) -> str:
    found = voter_skills(box.record.journal, *_span(given))
    return "\n".join(_json(each) for each in found) or "no seat was asked in this span"


def _spending(box: Toolbox, _given: Arguments) -> str:
    day = box.now().astimezone(UTC).date()
    caps = [f"{cap.name}: {cap.spent:f} of {cap.cap:f}" for cap in box.budgets()]
    asked = [_json(each) for each in spending_on(box.record.journal, day)]
    return "\n".join(
        [f"{day} UTC; spent of each cap:", *caps, *(asked or ["no model was asked on this day"])]
    )


def _explain(_box: Toolbox, given: Arguments) -> str:
    words = given.words or ""
    try:
        tool = get_tool(words.strip())
    except ToolInputError:
        return "\n".join(find_tools(words)) or "no tool has these words; try others"
    doc = tool.doc
    return f"{read_tool(tool.name)}\nuse: {doc.use}\nnotes: {doc.notes}\nsource: {doc.references}"


TOOLS: Mapping[str, DeskTool] = {
    "cycles": DeskTool(
        "List decisions, newest first: id, instrument, moment, how far each came and how it ended. For one "
        "bar give its close as since and until.",
        ("instrument", "since", "until", "ended", "limit"),
        _cycles,
    ),
    "cycle": DeskTool(
        "Tell one decision from its records: market, score, gate, the brain's view, proposal, votes, "
        "decision, every risk check with its margin, approval, order, fills, outcome.",
        ("cycle*",),
        _cycle,
    ),
    "votes": DeskTool("Who voted how in one decision, with reasons.", ("cycle*",), _votes),
    "evidence": DeskTool("The measured numbers of one decision.", ("cycle*", "ids"), _evidence),
    "market": DeskTool("Quote and measured numbers as last seen.", ("instrument*",), _market),
    "risk": DeskTool(
        "What the sizing rule would make of a trade at the last price seen: entry, stop, target, quantity, "
        "money at risk. It only computes; nothing is proposed or traded.",
        ("instrument*", "side*", "percent"),
        _risk,
    ),
    "account": DeskTool("Balance, equity, open positions, and whether the desk was halted.", (), _account),
    "performance": DeskTool(
        "Closed trades of a span: how many, won, net, profit factor, multiples of risk.",
        ("since", "until", "instrument"),
        _performance,
    ),
    "skill": DeskTool(
        "Each voter's calls over a span, and how the trades it was for ended.", ("since", "until"), _skill
    ),
    "spending": DeskTool("What models cost today, against the caps.", (), _spending),
    "explain": DeskTool(
        "What a quant tool or formula computes, when to use it and where it is from.", ("words*",), _explain
    ),
}


def overview(box: Toolbox) -> str:
    """What a model is shown that cannot ask: the account, the newest decisions, the last one told."""
    parts = [box.use("account", {}), box.use("cycles", {"limit": 10})]
    if newest := box.record.cycles(limit=1):
        parts.append(box.use("cycle", {"cycle": newest[0].cycle_id}))
    parts += [box.use("performance", {}), box.use("skill", {}), box.use("spending", {})]
    return "\n".join(parts)


def listed() -> str:
    """The tools as a prompt lists them."""
    return "\n".join(f"{name}({', '.join(tool.takes)}): {tool.says}" for name, tool in TOOLS.items())


def _given(property_schema: Mapping[str, Any]) -> dict[str, Any]:
    """A property without the null that stands for leaving it out."""
    (kind,) = [each for each in property_schema["anyOf"] if each.get("type") != "null"]
    description = property_schema.get("description")
    return {**kind, **({"description": description} if description else {})}


def _instrument(given: Arguments) -> str | None:
    return None if given.instrument is None else resolve(given.instrument).instrument_id


def _cycle_id(box: Toolbox, given: Arguments) -> str:
    return box.record.find_cycle(given.cycle or "")


def _span(given: Arguments) -> tuple[datetime | None, datetime | None]:
    return _moment(given.since, timedelta()), _moment(given.until, timedelta(days=1, seconds=-1))


def _moment(text: str | None, into_the_day: timedelta) -> datetime | None:
    """A date alone stands for its beginning as a first moment, and for its end as a last one."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ToolInputError(
            f"expected an ISO date or time such as 2017-03-01T14:00, found {text[:40]!r}"
        ) from None
    is_date = len(text.strip()) == len("2017-03-01")
    return found + into_the_day if is_date else found


def _json(record: Record) -> str:
    return record.model_dump_json()
