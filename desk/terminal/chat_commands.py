"""What a person may type after a slash in the terminal: the desk's record in words, nothing computed anew."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from agents.desk_record import DeskRecord, MarketSeen, WouldSize
from agents.desk_results import VoterSkill, voter_skills
from agents.workbench import find_tools, read_tool
from contracts.errors import DualbrainError, ToolInputError
from contracts.market import Side
from contracts.records import RECORDS, DeskState, StageRecord
from desk.commands.story import story, title
from desk.present import moment, money, number, percent, price, quantity
from desk.saying import who_wanted
from desk.terminal.cycle_path import path_of, step_after, under_way
from desk.terminal.question_words import ballots_of
from desk.terminal.sources import cycle_source
from graphs.desk import CycleSettings
from graphs.stages import stage_records
from markets.instruments import resolve
from tools.registry import get_tool
from tui.door import Command, Rows, Stage, Story, Told

_SECOND_MS = 1_000
COMMANDS: tuple[Command, ...] = (
    Command(name="/why", takes="[CYCLE]", does="tell a decision from its records; the newest by itself"),
    Command(name="/votes", takes="[CYCLE]", does="who voted how, and why"),
    Command(name="/evidence", takes="[CYCLE]", does="the numbers behind a decision"),
    Command(name="/risk", takes="SYMBOL BUY|SELL [PERCENT]", does="what the sizing rule would make of it"),
    Command(name="/skill", takes="", does="how each seat's calls came out"),
    Command(name="/explain", takes="WORDS", does="what a quant tool or formula computes"),
    Command(name="/snapshot", takes="[SYMBOL]", does="the market as last seen"),
    Command(name="/run", takes="[SYMBOL]", does="decide on the newest bar once more (a desk of one's own)"),
    Command(name="/halt", takes="REASON", does="throw the kill switch at once"),
    Command(name="/resume", takes="", does="release the kill switch"),
    Command(name="/help", takes="", does="this list"),
)


class Found(NamedTuple):
    """What a command came to, and the cycle it was read from."""

    rows: Rows
    cycle_id: str | None = None


@dataclass(frozen=True)
class ChatCommands:
    """The commands of one desk; those that act are given."""

    record: DeskRecord
    decide: Callable[[str], str]
    halt: Callable[[str], str]
    resume: Callable[[], str]

    def run(self, line: str) -> Told:
        """What a line comes to; a mistake is told."""
        name, *words = line.split()
        try:
            if name not in _TELL:
                raise ToolInputError(
                    f"expected a command such as /why, found {name[:40]!r}; /help lists them"
                )
            found = _TELL[name](self, words)
            states = self.record.journal.find_all(DeskState, found.cycle_id) if found.cycle_id else ()
            sources = tuple(cycle_source(each.cycle_id, each.instrument_id, each.as_of) for each in states)
            return Told(title=line.strip(), rows=found.rows, sources=sources)
        except DualbrainError as error:
            return Told(title=str(error), is_mistake=True)

    def cycle(self, words: list[str]) -> str:
        """The cycle that is named, else the newest."""
        if words:
            return self.record.find_cycle(words[0])
        newest = self.record.journal.last(DeskState)
        if newest is None:
            raise ToolInputError("expected a cycle on record, found none yet")
        return newest.cycle_id

    def instrument(self, words: list[str]) -> str:
        """The instrument that is named, else that of the newest cycle."""
        if words:
            return resolve(words[0]).instrument_id
        newest = self.record.journal.last(DeskState)
        if newest is None:
            raise ToolInputError("expected a symbol such as EURUSD, found none, and no cycle on record yet")
        return newest.instrument_id


def story_of(record: DeskRecord, cycle_id: str) -> Story:
    """One cycle as far as it has come, a stage a record."""
    rows = [
        row for row in record.journal.rows(cycle_id=cycle_id) if issubclass(RECORDS[row.kind], StageRecord)
    ]
    records = [each for each, _ in stage_records(rows)]
    stages = [
        Stage(name=name, words=words, took=_took(row.latency_ms))
        for (name, words), row in zip(story(records), rows, strict=True)
    ]
    stages[:0] = [
        Stage(name=name, words=words, took="") for name, words in who_wanted(record.journal, cycle_id)
    ]
    state = next((each for each in records if isinstance(each, DeskState)), None)
    told = Story(title=title(records), stages=tuple(stages), is_over=True, path=path_of(records, None))
    if state is None or cycle_id not in record.journal.unfinished_cycles():
        return told
    settings = CycleSettings.from_canonical(record.blobs.get(state.settings_hash))
    running = path_of(records, step_after(records, settings))
    going_on = {"is_over": False, "path": running, "under_way": under_way(records, settings)}
    return told.model_copy(update=going_on)


def _took(latency_ms: float | None) -> str:
    if latency_ms is None:
        return ""
    return f"{latency_ms:,.1f} ms" if latency_ms < _SECOND_MS else f"{latency_ms / _SECOND_MS:,.1f} s"


def _why(chat: ChatCommands, words: list[str]) -> Found:
    cycle_id = chat.cycle(words)
    told = story_of(chat.record, cycle_id)
    head = told.title.splitlines()[0]
    return Found((("decision", head), *((stage.name, stage.words) for stage in told.stages)), cycle_id)


def _votes(chat: ChatCommands, words: list[str]) -> Found:
    cycle_id = chat.cycle(words)
    rows = ballots_of(chat.record.journal, cycle_id)
    return Found(rows or (("votes", "nobody was asked in this cycle"),), cycle_id)


def _evidence(chat: ChatCommands, words: list[str]) -> Found:
    cycle_id = chat.cycle(words)
    found = chat.record.evidence(cycle_id)
    rows = tuple(
        (
            row.evidence_id,
            f"none: {row.reason or 'no reason given'}"
            if row.value is None
            else f"{number(row.value)} {row.unit}, from {row.n_obs:,} bars of {row.timeframe}",
        )
        for row in found
    )
    return Found(rows or (("evidence", "none in this cycle"),), cycle_id)


def _risk(chat: ChatCommands, words: list[str]) -> Found:
    try:
        symbol, side, *rest = words
        percentage = float(rest[0]) if rest else None
        wanted = Side(side.upper())
    except ValueError:
        raise ToolInputError(
            "expected /risk EURUSD BUY, or /risk EURUSD SELL 0.5, found other words"
        ) from None
    sized = chat.record.would_size(resolve(symbol).instrument_id, wanted, percentage)
    return Found(_sized(sized), sized.cycle_id)


def _sized(found: WouldSize) -> Rows:
    tick = resolve(found.instrument_id).tick_size

    def at(value: float | None) -> str:
        return "none" if value is None else price(value, tick)

    rows = [
        (found.purpose, f"{found.side} {quantity(found.quantity)} ({number(found.lots)} lots)"),
        ("at", f"{at(found.entry)}, stop {at(found.stop)}, target {at(found.target)}"),
        ("at risk", f"{money(found.risk_amount, found.currency)}, {percent(found.risk_pct)} of equity"),
        ("notional", money(found.notional, found.currency)),
        ("Kelly", found.kelly),
        ("seen", moment(found.as_of)),
    ]
    return (*rows, *((reason.code.replace("_", " "), reason.text) for reason in found.reasons))


def _skill(chat: ChatCommands, _words: list[str]) -> Found:
    found = voter_skills(chat.record.journal)
    rows = tuple((each.seat, _skill_words(each)) for each in found)
    return Found(rows or (("seats", "none was ever asked"),))


def _skill_words(skill: VoterSkill) -> str:
    calls = (
        f"{skill.n_calls:,} calls: {skill.n_for:,} for, {skill.n_against:,} against, {skill.n_hold:,} hold, "
        f"{skill.n_abstained:,} abstained"
    )
    if not skill.n_trades:
        return f"{calls}; no trade it was for has closed"
    rate = "" if skill.hit_rate is None else f", {percent(skill.hit_rate * 100)} gained"
    mean = "" if skill.mean_r is None else f", mean {skill.mean_r:+.2f} R"
    return f"{calls}; {skill.n_trades:,} closed trades{rate}{mean}"


def _explain(_chat: ChatCommands, words: list[str]) -> Found:
    named = " ".join(words)
    if not named:
        raise ToolInputError(
            "expected the name of a tool or a few words, such as /explain rsi, found nothing"
        )
    try:
        tool = get_tool(named)
    except ToolInputError:
        lines = [line.partition(": ") for line in find_tools(named)]
        found = tuple((name, text) for name, _, text in lines)
        return Found(found or (("found", "no tool has these words"),))
    doc = tool.doc
    rows = (
        ("what", read_tool(tool.name)),
        ("use", doc.use),
        ("notes", doc.notes),
        ("source", doc.references),
    )
    return Found(tuple((name, text) for name, text in rows if text))


def _snapshot(chat: ChatCommands, words: list[str]) -> Found:
    seen = chat.record.market(chat.instrument(words))
    return Found(_market(seen), seen.cycle_id)


def _market(seen: MarketSeen) -> Rows:
    tick = resolve(seen.instrument_id).tick_size
    strength = number(seen.strength) if seen.strength is not None else f"none: {seen.strength_missing}"
    rows = [
        ("market", f"{seen.instrument_id} {seen.timeframe}, {moment(seen.as_of)}"),
        ("session", "open" if seen.is_in_session else "closed"),
        ("score", f"buy {seen.score_buy:g}, sell {seen.score_sell:g}, needs {seen.score_needs:g}"),
        ("strength", strength),
    ]
    if seen.bid is not None and seen.ask is not None:
        spread = number(seen.spread_pips)
        rows.insert(1, ("quote", f"{price(seen.bid, tick)} / {price(seen.ask, tick)}, spread {spread} pips"))
    return (*rows, ("evidence", "\n".join(seen.evidence)))


def _run(chat: ChatCommands, words: list[str]) -> Found:
    return Found((("run", chat.decide(chat.instrument(words))),))


def _halt(chat: ChatCommands, words: list[str]) -> Found:
    return Found((("halt", chat.halt(" ".join(words))),))


def _resume(chat: ChatCommands, _words: list[str]) -> Found:
    return Found((("resume", chat.resume()),))


def _help(_chat: ChatCommands, _words: list[str]) -> Found:
    return Found(tuple((f"{each.name} {each.takes}".strip(), each.does) for each in COMMANDS))


_TELL: Mapping[str, Callable[[ChatCommands, list[str]], Found]] = {
    "/why": _why,
    "/votes": _votes,
    "/evidence": _evidence,
    "/risk": _risk,
    "/skill": _skill,
    "/explain": _explain,
    "/snapshot": _snapshot,
    "/run": _run,
    "/halt": _halt,
    "/resume": _resume,
    "/help": _help,
}
