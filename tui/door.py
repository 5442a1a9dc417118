"""The door: all that the terminal knows of a desk, and all that a person may do through it.

    journal, kill switch, session <-> Door <-> screens

What is shown comes as words that the desk has already put together, so every face says a thing alike. Where
the desk runs, in this program or in another, only `Status` tells: reading and answering go the same way.
"""

from datetime import datetime
from typing import Literal, Protocol

from contracts.canonical import Real, Record, Sha256, Utc
from contracts.market import Side

Rows = tuple[tuple[str, str], ...]
"""Names and what they are."""


class Source(Record):
    """What an answer rests on, to be opened: a cycle's story, or what a tool said."""

    label: str
    cycle_id: Sha256 | None = None
    rows: Rows = ()
    """What is shown where it is no cycle."""


class Told(Record):
    """Something said to the person: a title and rows, or a mistake in one sentence."""

    title: str
    rows: Rows = ()
    sources: tuple[Source, ...] = ()
    is_mistake: bool = False


class Status(Record):
    """The line on top of every screen."""

    desk: str
    account_id: str
    is_paper: bool
    user: str
    is_own: bool
    """Whether this terminal runs the desk."""
    doing: str
    is_stopped: bool = False
    """Whether the desk has ended with an error; `doing` tells it."""
    halted_by: str | None


class CycleRow(Record):
    """One cycle in a list; `row` of the journal began it."""

    row: int
    cycle_id: Sha256
    instrument_id: str
    as_of: Utc
    came_to: str
    ended: str


class Question(Record):
    """A trade that waits, or waited, for a person: everything the answer binds, on one screen."""

    cycle_id: Sha256
    request_id: Sha256
    round: int
    title: str
    facts: Rows
    ballots: Rows
    evidence: Rows
    checks: Rows
    side: Side
    quantity: Real
    entry: Real
    stop: Real | None
    target: Real | None
    until: Utc
    """By the clock on the wall; afterwards no answer is taken."""
    asked_anew: str | None
    """Why the desk asks again what was answered before."""
    state: Literal["open", "said", "granted", "refused", "expired"]
    came_of_it: str
    """What became of it, in words; empty while it is open."""


class Stage(Record):
    """One stage of a cycle, in words."""

    name: str
    words: str
    took: str
    """How long it took to make; empty for what came from outside."""


class Step(Record):
    """One step of the path that every cycle takes, and how this one stands to it."""

    name: str
    state: Literal["done", "under way", "ended", "left out", "not reached"]
    """`ended`: the cycle stood aside here."""


class Story(Record):
    """One cycle as far as it has come."""

    title: str
    stages: tuple[Stage, ...]
    is_over: bool
    path: tuple[Step, ...] = ()
    under_way: str = ""
    """What is being done now; empty where it is over."""


class Candles(Record):
    """Closed bars for a chart, oldest first."""

    label: str
    times: tuple[Utc, ...]
    open: tuple[Real, ...]
    high: tuple[Real, ...]
    low: tuple[Real, ...]
    close: tuple[Real, ...]


class Overview(Record):
    """What the desk screen shows beside the chat, as of journal row `row`."""

    row: int
    account: Rows
    positions: tuple[str, ...]
    still_open: Rows
    """What is at work whether or not the desk decides: positions, orders, questions."""
    questions: tuple[Question, ...]
    cycles: tuple[CycleRow, ...]


class Sheet(Record):
    """A table in words; `cycles` names, row by row, the cycle that a row opens."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    cycles: tuple[Sha256 | None, ...] = ()


class Meter(Record):
    """One limit and what is used of it."""

    name: str
    words: str
    used: Real | None
    """Share of the limit, 1 is all of it; None where nothing of it is used up."""


class Curve(Record):
    """Equity over time, oldest first; `drawdown_pct` is how far it stood under its peak, 0 or more."""

    currency: str = ""
    times: tuple[Utc, ...] = ()
    equity: tuple[Real, ...] = ()
    drawdown_pct: tuple[Real, ...] = ()


class Health(Record):
    """Whether one thing outside the desk answers."""

    name: str
    state: Literal["good", "bad", "unknown"]
    words: str


class Watch(Record):
    """What the watch screen shows: the account, its trades, limits, voters, models, feed and broker."""

    account: Rows
    positions: Sheet
    orders: Sheet
    fills: Sheet
    curve: Curve
    limits: tuple[Meter, ...]
    seats: Sheet
    models: Sheet
    budgets: tuple[Meter, ...]
    health: tuple[Health, ...]


class Spoke(Record):
    """Words as a model says or thinks them, or what the desk did, gathered since the last look."""

    kind: Literal["says", "thinks", "desk"]
    who: str
    text: str
    cycle_id: Sha256 | None = None


class Command(Record):
    """One command a person may type."""

    name: str
    takes: str
    does: str


class Door(Protocol):
    """One desk. Methods that are not async may read a disk, so screens call them in a worker.

    Raises DualbrainError with a sentence for the person.
    """

    commands: tuple[Command, ...]

    def now(self) -> datetime:
        """The clock on the wall, UTC; questions run out by it."""
        ...

    def open(self) -> None:
        """Take the desk, or read beside the runner that holds it."""
        ...

    def status(self) -> Status: ...

    def overview(self) -> Overview: ...

    def watch(self) -> Watch: ...

    def heard(self) -> tuple[Spoke, ...]:
        """What was said since the last call, oldest first; at once."""
        ...

    def cycles(self, words: str, before: int | None = None) -> tuple[CycleRow, ...]:
        """A page of the newest cycles, of those that give a reason with these words where there are any.

        `before` is the row of the last one of the page before; an empty page is the end.
        """
        ...

    def story(self, cycle_id: str) -> Story: ...

    def candles(self, cycle_id: str) -> Candles | None:
        """The bars a cycle decided on; None where it saw none."""
        ...

    def question(self, cycle_id: str) -> Question | None:
        """The newest question of a cycle, whatever became of it."""
        ...

    def say(self, question: Question, *, is_granted: bool, quantity: float | None, reason: str) -> str:
        """Answer exactly this question; what was done about it, in words.

        Raises ToolInputError where it was answered, asked anew or has expired, for more than was asked, or
        for less than can be sent.
        """
        ...

    def command(self, line: str) -> Told:
        """What a line beginning with / comes to; a mistake is told, not raised."""
        ...

    def replay(self, cycle_id: str) -> Told: ...

    async def ask(self, question: str) -> Told:
        """The assistant's answer; its words come through `heard` meanwhile."""
        ...

    def halt(self, reason: str) -> str: ...

    def resume(self) -> str: ...

    def close(self) -> None:
        """Let go of everything; a desk of one's own ends in good order."""
        ...
