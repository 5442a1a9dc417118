"""What a person may type after a slash in the terminal: the desk's record in words, nothing computed anew."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from agents.desk_record import DeskRecord, MarketSeen, WouldSize
from agents.desk_results import VoterSkill, voter_skills
from agents.workbench import find_tools, read_tool
from contracts.errors import DualbrainError, ToolInputError
from contracts.market import Side
from contracts.records import DeskState
from desk.present import moment, money, number, percent, price, quantity
from desk.terminal.cycle_story import story_of
from desk.terminal.question_words import ballots_of
from desk.terminal.sources import cycle_source
from markets.instruments import resolve
from memory.reader import JournalReader
from tools.registry import get_tool
from tui.door import Command, Rows, Told

_TIME_OF_DAY = re.compile(r"\d\d:\d\d")
_LATELY = 500
"""Newest cycles of an instrument among which a time of day is looked for."""
COMMANDS: tuple[Command, ...] = (
    Command(
        name="/why",
        takes="[CYCLE]",
        does="tell a decision from its records; CYCLE is an id, or EURUSD 14:00; the newest by itself",
    ),
    Command(name="/votes", takes="[CYCLE]", does="who voted how, and why"),
    Command(name="/evidence", takes="[CYCLE]", does="the numbers behind a decision"),
    Command(name="/risk", takes="SYMBOL BUY|SELL [PERCENT]", does="what the sizing rule would make of it"),
    Command(
        name="/skill", takes="[MONTH]", does="how each seat's calls came out; of a month such as 2017-03"
    ),
    Command(name="/explain", takes="WORDS", does="what a quant tool or formula computes"),
    Command(name="/snapshot", takes="[SYMBOL]", does="the market as last seen"),
    Command(name="/run", takes="[SYMBOL]", does="decide on the newest bar once more (a desk of one's own)"),
    Command(name="/halt", takes="REASON", does="throw the kill switch at once"),
    Command(name="/resume", takes="", does="release the kill switch"),
    Command(name="/help", takes="", does="this list"),
)
_MOST_WORDS = dict.fromkeys(("/why", "/votes", "/evidence"), 2)
_MOST_WORDS |= {"/risk": 3, "/skill": 1, "/snapshot": 1, "/run": 1, "/resume": 0, "/help": 0}
"""A cycle may be two words: an instrument and a close. The others take any number."""


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
            _check_count(name, words)
            found = _TELL[name](self, words)
            states = self.record.journal.find_all(DeskState, found.cycle_id) if found.cycle_id else ()
            sources = tuple(cycle_source(each.cycle_id, each.instrument_id, each.as_of) for each in states)
            return Told(title=line.strip(), rows=found.rows, sources=sources)
        except DualbrainError as error:
            return Told(title=str(error), is_mistake=True)

    def cycle(self, words: list[str]) -> str:
        """The cycle that is named by its id or by instrument and close, else the newest."""
        if words:
            try:
                instrument_id = resolve(words[0]).instrument_id
            except DualbrainError as error:
                if len(words) > 1:
                    raise ToolInputError(f"{error}; the id of a cycle stands alone") from None
                return self.record.find_cycle(words[0])
            return _cycle_at(self.record.journal, instrument_id, words[1] if len(words) > 1 else "")
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


def _check_count(name: str, words: list[str]) -> None:
    """No word is left unread: who typed it meant something by it."""
    if beyond := words[_MOST_WORDS.get(name, len(words)) :]:
        takes = next(each.takes for each in COMMANDS if each.name == name)
        taken = f"{name} {takes or 'alone'}"
        raise ToolInputError(f"expected {taken}, found {' '.join(beyond)[:40]!r} after it")


def _cycle_at(journal: JournalReader, instrument_id: str, closed: str) -> str:
    """The newest cycle on an instrument, at a close such as 14:00 or 2017-01-04T14:00 where one is given."""
    if not closed or _TIME_OF_DAY.fullmatch(closed):
        lately = journal.cycles(_LATELY if closed else 1, instrument_id=instrument_id)
        found = [each for each in lately if closed in ("", f"{each.as_of:%H:%M}")]
    else:
        try:
            at = datetime.fromisoformat(closed)
        except ValueError:
            raise ToolInputError(
                f"expected a close such as 14:00 or 2017-01-04T14:00 (UTC), found {closed[:40]!r}"
            ) from None
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        found = list(journal.cycles(1, instrument_id=instrument_id, since=at, until=at))
    if not found:
        when = f" on the bar that closed {closed}" if closed else ""
        raise ToolInputError(f"expected a cycle of {instrument_id}{when}, found none on record")
    return found[0].cycle_id


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


def _skill(chat: ChatCommands, words: list[str]) -> Found:
    found = voter_skills(chat.record.journal, *(_month(words[0]) if words else ()))
    rows = tuple((each.seat, _skill_words(each)) for each in found)
    never = f"none was asked in {words[0]}" if words else "none was ever asked"
    return Found(rows or (("seats", never),))


def _month(words: str) -> tuple[datetime, datetime]:
    """First and last moment of a month in UTC."""
    try:
        first = datetime.strptime(words, "%Y-%m").replace(tzinfo=UTC)
        following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    except ValueError:
        raise ToolInputError(f"expected a month such as 2017-03, found {words[:40]!r}") from None
    return first, following - timedelta(microseconds=1)


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
