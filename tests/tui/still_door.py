"""A door to a desk that stands still: fixed records and a fixed clock, for pictures of screens.

Words and numbers are those of a real desk on the bundled sample, about the hour of EURUSD that closed
2017-01-04 10:00.
"""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from contracts.errors import DataUnavailable
from contracts.market import Side
from desk.terminal.chat_commands import COMMANDS
from tests.tui.still_story import CYCLE, EARLIER, still_story
from tests.tui.still_watch import still_watch
from tui.door import (
    Candles,
    Command,
    CycleRow,
    Overview,
    Question,
    Rows,
    Spoke,
    Status,
    Story,
    Told,
    Watch,
)

LOST = "expected a journal that can be read, found: disk I/O error"
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
_PIPETTES = """
105236 105253 105221 105227 105227 105426 105226 105282 105283 105283 105268 105281
105282 105286 105225 105240 105239 105240 105164 105220 105219 105244 105184 105226
105226 105232 105181 105193 105195 105197 105136 105161 105163 105176 105113 105172
105171 105243 105129 105162 105159 105188 104878 104899 104899 104932 104779 104877
104879 104899 104786 104815 104815 104818 104774 104790 104792 104792 104653 104663
104662 104697 104617 104666 104672 104763 104653 104738 104738 104745 104647 104725
104726 104800 104691 104705 104705 104705 104627 104668 104667 104678 104610 104619
104620 104652 104604 104610 104610 104620 104575 104610 104609 104609 104505 104552
104556 104739 104555 104637 104641 104722 104566 104579 104578 104714 104574 104665
104664 104810 104647 104760 104760 104784 104709 104722 104723 104850 104714 104850
104850 104900 104819 104886 104884 104903 104817 104823 104823 104894 104814 104883
104884 104889 104537 104604 104609 104659 104206 104353 104354 104364 104004 104018
104016 104167 103961 103967 103966 103998 103814 103942 103942 103945 103752 103893
103894 103920 103820 103917 103917 104082 103850 103897 103892 103905 103405 103846
103848 104339 103787 104154 104152 104285 104101 104272 104273 104319 104136 104152
104150 104151 104055 104109 104108 104175 104021 104021 104018 104072 104018 104063
104061 104134 104046 104100 104100 104245 104100 104179 104179 104181 103923 103947
103948 104025 103902 103936 103936 104065 103934 104059 104057 104082 103980 104056
104056 104097 104027 104028 104028 104095 104019 104068 104067 104148 103995 104064
104065 104216 104058 104174 104173 104403 104154 104340 104338 104457 104285 104386
"""
"""Open, high, low, close of the sixty hours to 2017-01-04 10:00, ask; SOURCES.md says whose they are."""
_ACCOUNT = (
    ("equity", "100,000.00 USD"),
    ("balance", "100,000.00 USD"),
    ("today", "+0.00 USD"),
    ("drawdown", "0.00 % from the peak"),
    ("as of", "2017-01-04 10:00 UTC"),
)
_FACTS = (
    ("entry", "SELL 287,436 (2.8744 lots) EURUSD"),
    ("at", "1.04371, stop 1.04702, target 1.03874"),
    ("at risk", "951.41 USD, 0.95 % of equity, target pays 1.50 R"),
    ("expires", "2017-01-04 10:15 UTC"),
    ("worth", "299,999.83 USD"),
)
_EVIDENCE = (
    ("score", "buy 2, sell 3, needs 2.5"),
    ("macd", "buy 2: MACD -0.00046414379 over its signal -0.0011145732"),
    ("ema", "sell 1.5: fast EMA 1.0417094 under slow EMA 1.0444729"),
    ("bollinger", "sell 1.5: %B 1.04677 over 1: close over the upper band"),
)
_CHECKS = (
    ("kill switch", "passes: 0 halts"),
    ("account", "passes: 0 differences"),
    ("quote age", "passes: 0 of 3,600 s, 0 % used"),
    ("conversion", "passes: 1 rate"),
    ("stop distance", "passes: 0.00316 price"),
    ("one net position", "passes: 0 found"),
    ("daily loss", "passes: 0 of 3 %, 0 % used"),
    ("drawdown", "passes: 0 of 10 %, 0 % used"),
    ("risk per trade", "passes: 0.999997 of 1 % of equity, 100 % used"),
    ("position notional", "shrinks: 315.319 of 300 % of equity, 105 % used"),
    ("market leverage", "passes: 3.15319 of 5 x equity, 63 % used"),
    ("gross leverage", "passes: 3.15319 of 10 x equity, 32 % used"),
)
_ENDED = (
    ("gate", "filtered hour"),
    ("propose", "already positioned"),
    ("gate", "below minimum"),
    ("gate", "below minimum"),
    ("gate", "below minimum"),
    ("gate", "below minimum"),
    ("outcome", "filled"),
    ("observe", "too few"),
)


def still_status(**changes: object) -> Status:
    """A paper desk that this terminal runs."""
    facts: dict[str, object] = {
        "desk": "first",
        "account_id": "paper-first",
        "is_paper": True,
        "user": "trader",
        "is_own": True,
        "doing": "waiting for an answer",
        "halted_by": None,
    }
    return Status.model_validate(facts | changes)


def still_question(**changes: object) -> Question:
    """A trade that waits, with a little more than nine minutes left."""
    facts: dict[str, object] = {
        "cycle_id": CYCLE,
        "request_id": "a4a4aa49" * 8,
        "round": 0,
        "title": "SELL 287,436 (2.8744 lots) EURUSD",
        "facts": _FACTS,
        "ballots": (("decision", "rule technical: 100.00 % of the proposal, no seat asked"),),
        "evidence": _EVIDENCE,
        "checks": _CHECKS,
        "side": Side.SELL,
        "quantity": 287_436,
        "entry": 1.04371,
        "stop": 1.04702,
        "target": 1.03874,
        "until": NOW + timedelta(minutes=9, seconds=42),
        "asked_anew": None,
        "state": "open",
        "came_of_it": "",
    }
    return Question.model_validate(facts | changes)


def still_overview(**changes: object) -> Overview:
    """The desk as its question came up."""
    facts: dict[str, object] = {
        "row": 13,
        "account": _ACCOUNT,
        "positions": (),
        "still_open": (("question", still_question().title),),
        "questions": (still_question(),),
        "cycles": (_cycle(CYCLE, 10, "ask", "unfinished"), _cycle(EARLIER, 9, "observe", "too few")),
    }
    return Overview.model_validate(facts | changes)


def day_of_cycles() -> tuple[CycleRow, ...]:
    """Eight hours of a desk, newest first."""
    ids = [f"{n:x}9{n:x}5e85{n:x}" * 8 for n in range(len(_ENDED))]
    return tuple(_cycle(ids[n], 16 - n, *_ENDED[n]) for n in range(len(_ENDED)))


def still_candles() -> Candles:
    """The sixty hours that were decided on."""
    prices = [int(each) / 100_000 for each in _PIPETTES.split()]
    first = datetime(2017, 1, 1, 22, tzinfo=UTC)
    return Candles(
        label="EURUSD 1h, ask",
        times=tuple(first + timedelta(hours=n) for n in range(len(prices) // 4)),
        open=tuple(prices[0::4]),
        high=tuple(prices[1::4]),
        low=tuple(prices[2::4]),
        close=tuple(prices[3::4]),
    )


_IDENTICAL, _NOTHING = Told(title="replayed: identical"), Told(title="no answer")


@dataclass
class StillDoor:
    """Satisfies `tui.door.Door`; `fails` names the methods that raise, each with its sentence."""

    is_now: Status = field(default_factory=still_status)
    seen: Overview = field(default_factory=still_overview)
    asked: Question | None = field(default_factory=still_question)
    told: Story = field(default_factory=still_story)
    found: tuple[CycleRow, ...] = field(default_factory=day_of_cycles)
    bars: Candles | None = field(default_factory=still_candles)
    watched: Watch | Exception = field(default_factory=still_watch)
    """An exception is raised."""
    looks_until_lost: int | None = None
    """Looks at the watch after which the journal cannot be read any more."""
    n_looks: int = 0
    at: datetime = NOW
    again: Told = _IDENTICAL
    answer: Told = _NOTHING
    assistant: Told | None = None
    """What the assistant answers; without it, it goes on thinking."""
    spoken: tuple[Spoke, ...] = ()
    fails: Mapping[str, str] = field(default_factory=dict)
    is_shut: bool = False
    """Opening it never ends."""
    commands: tuple[Command, ...] = COMMANDS
    _is_left: threading.Event = field(default_factory=threading.Event, repr=False)

    def now(self) -> datetime:
        return self.at

    def open(self) -> None:
        if self.is_shut:
            self._is_left.wait()

    def status(self) -> Status:
        self._fail("status")
        return self.is_now

    def overview(self) -> Overview:
        self._fail("overview")
        return self.seen

    def watch(self) -> Watch:
        self._fail("watch")
        self.n_looks += 1
        if self.looks_until_lost is not None and self.n_looks > self.looks_until_lost:
            raise DataUnavailable(LOST)
        if isinstance(self.watched, Exception):
            raise self.watched
        return self.watched

    def heard(self) -> tuple[Spoke, ...]:
        found, self.spoken = self.spoken, ()
        return found

    def cycles(self, words: str, before: int | None = None) -> tuple[CycleRow, ...]:
        self._fail("cycles")
        return () if words or before is not None else self.found

    def story(self, cycle_id: str) -> Story:
        self._fail("story")
        return self.told

    def candles(self, cycle_id: str) -> Candles | None:
        return self.bars

    def question(self, cycle_id: str) -> Question | None:
        return self.asked

    def say(self, question: Question, *, is_granted: bool, quantity: float | None, reason: str) -> str:
        raise DataUnavailable("expected a desk that hears answers, found one that stands still")

    def command(self, line: str) -> Told:
        return self.answer

    def replay(self, cycle_id: str) -> Told:
        return self.again

    async def ask(self, question: str) -> Told:
        if self.assistant is None:
            await asyncio.Event().wait()
            return self.answer
        return self.assistant

    def halt(self, reason: str) -> str:
        self._fail("halt")
        return "halted"

    def resume(self) -> str:
        self._fail("resume")
        return "the desk runs again"

    def close(self) -> None:
        self._is_left.set()

    def _fail(self, name: str) -> None:
        if name in self.fails:
            raise DataUnavailable(self.fails[name])


def _cycle(cycle_id: str, hour: int, came_to: str, ended: str) -> CycleRow:
    at = datetime(2017, 1, 4, hour, tzinfo=UTC)
    return CycleRow(
        row=hour, cycle_id=cycle_id, instrument_id="EURUSD", as_of=at, came_to=came_to, ended=ended
    )


def with_decision(*ballots: tuple[str, str], decision: str) -> Rows:
    """Ballots and what they came to, as the question shows them."""
    return (*ballots, ("decision", decision))
