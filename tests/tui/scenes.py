"""Every screen in every state that matters: the desk behind it, the keys that lead there, what shows then.

A new state is one entry; its pictures are taken by the command in `snapshots.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.tui.still_door import (
    LOST,
    StillDoor,
    day_of_cycles,
    still_overview,
    still_question,
    still_status,
    with_decision,
)
from tests.tui.still_story import CYCLE, HEARD, left_alone, still_story, stood_aside, voting, wanted
from tests.tui.still_watch import BROKEN, EMPTY, FINE, still_orders, still_watch
from tui.door import Health, Source, Spoke, Told, Watch
from tui.theme import DEFAULT

HALTED = (
    "halted: trader at 2026-11-21 09:28:00 UTC: payrolls in two minutes "
    "(`dualbrain resume`, or removing the file HALT, ends it)"
)
UNWRITABLE = "expected to write first/HALT, found: [Errno 30] Read-only file system; the desk is NOT halted"
ANEW = (
    "asked anew, round 2: expected the entry within 33.1 ticks of what was approved, found 41 from 1.04371 "
    "to 1.0433"
)
FOR_IT = "APPROVE, confidence 0.7, size at most 100.00 %\n"
PANEL = with_decision(
    ("deepseek", f"{FOR_IT}Four hours point down and the fast average stays under the slow one."),
    ("kimi", f"{FOR_IT}Momentum speaks against it, but weakly; the stop is wide enough."),
    ("minimax", "REDUCE, confidence 0.55, size at most 50.00 %\nThe close over the upper band may run on."),
    decision="rule majority: 50.00 % of the proposal, 3 of 3 seats for it\n"
    "half size: half the size: not every seat approves",
)
NO_KEY = "no key: expected {name}, found none; set it in the environment or in .env"
ABSENT = with_decision(
    ("deepseek", "abstains: the server answered 500: overloaded"),
    ("kimi", f"abstains: {NO_KEY.format(name='MOONSHOT_API_KEY')}"),
    ("minimax", "abstains: no answer in the time of one request"),
    decision="rule majority: 50.00 % of the proposal, 0 of 3 seats for it\n"
    "no quorum: expected 2 valid ballots of 3 seats, found 0",
)
LONG = with_decision(
    ("deepseek", f"{FOR_IT}{'The trend on four hours points down and nothing here speaks against it. ' * 6}"),
    (
        "kimi",
        f"{FOR_IT}[red]Words[/red] of a model are words: [bold]not[/] markup. 欧元下跌, \x1b[2J, {'x' * 150}",
    ),
    ("a seat with a name that is longer than its column", f"{FOR_IT}Short."),
    decision="rule majority: 100.00 % of the proposal, 3 of 3 seats for it",
)
WORDS = (
    Spoke(kind="thinks", who="kimi", text="Is 1.04702 beyond the last high?"),
    Spoke(kind="says", who="kimi", text="Four hours point **down**, and the"),
    Spoke(kind="desk", who="order", text="ACCEPTED at 2017-01-04 10:00 UTC"),
    Spoke(kind="says", who="assistant", text="One trade waits: SELL 287,436"),
)
"""Few enough for the small terminal: how far what does not fit is followed is chance."""
IN_THE_CYCLE = tuple(
    Spoke(kind=kind, who=who, text=text, cycle_id=CYCLE)
    for kind, who, text in (
        ("says", "kimi", f'{{"vote": "APPROVE", "confidence": 0.7,\n"reason": "{HEARD}"}}'),
        ("thinks", "minimax", "Is 1.04702 beyond the last high? It was 1.04457, so yes, by 24 pips."),
        ("says", "minimax", "The close over the upper band may"),
    )
)
SAID = Told(
    title="One trade **waits** in 1f79ceb05a5a: SELL 287,436 EURUSD at 1.04371. It risks 0.95 % of equity.",
    sources=(
        Source(label="cycle 1f79ceb05a5a EURUSD 2017-01-04 10:00", cycle_id=CYCLE),
        Source(
            label="tool risk EURUSD SELL 0.5",
            rows=(
                ("tool", "risk"),
                ("instrument", "EURUSD"),
                ("side", "SELL"),
                ("risk_pct", "0.5"),
                ("said", '{"entry": 1.04371, "stop": 1.04702,\n "quantity": 151057.0, "at_risk": 500.0}'),
            ),
        ),
        Source(label="tool cycle [b]zzzz, refused", rows=(("tool", "cycle"), ("refused", "no such cycle"))),
    ),
)
WHY = Told(
    title="/why",
    rows=(("decision", still_story().title), *((each.name, each.words) for each in still_story().stages[:4])),
)


@dataclass(frozen=True)
class Scene:
    """Each step is keys to press, with spaces between, and words that show once they have worked."""

    door: Callable[[], StillDoor]
    steps: tuple[tuple[str, str], ...]
    toasts: bool = False
    theme: str = DEFAULT


def _typed(text: str) -> str:
    names = {" ": "space", "/": "slash", "?": "question_mark"}
    return " ".join(names.get(each, each) for each in text)


def _quiet(**changes: object) -> StillDoor:
    """A desk with nothing open."""
    return StillDoor(is_now=still_status(doing="running"), seen=still_overview(questions=(), **changes))


def _asked(**changes: object) -> Scene:
    question = still_question(**changes)
    return Scene(lambda: StillDoor(asked=question), (READY, ("f3", question.came_of_it[:20] or "Approve?")))


def _watched(watched: Watch, words: str = "equity 99,037.09", **changes: object) -> Scene:
    status = still_status(**changes)
    return Scene(lambda: StillDoor(watched=watched, is_now=status), (READY, ("f4", words)))


READY = ("", "left")
CALM = ("", "none open")
JOURNAL = ("f2", "8 cycles, the newest")
STORY = (READY, JOURNAL, ("enter", "last 1.04386"))
ASKED = (READY, (f"{_typed('what waits?')} enter", "rests on"), ("ctrl+o", "tool risk"))
WATCH = (READY, ("f4", "equity 99,037.09"))
THROWN = Health(name="kill switch", state="bad", words=HALTED)
LIVE_BROKER = Health(
    name="broker",
    state="good",
    words="account live-7, LIVE; answered at 09:30:00 UTC on the wall, in 41.3 ms",
)
REJECTED = still_orders(
    states=("rejected", "rejected", "filled"), why="the venue refused it: 10016 invalid stops, too close"
)

SCENES: dict[str, Scene] = {
    "desk-opening": Scene(lambda: StillDoor(is_shut=True), (("", "Loading"),)),
    "desk-empty": Scene(
        lambda: _quiet(row=0, account=(("account", "no cycle on record yet"),), cycles=()), (CALM,)
    ),
    "desk-question": Scene(StillDoor, (("", "F3 opens the question"),), toasts=True),
    "desk-busy": Scene(
        lambda: StillDoor(
            spoken=WORDS,
            seen=still_overview(
                cycles=day_of_cycles(), positions=("-287,436 EURUSD at 1.04368, +244.32 USD",)
            ),
        ),
        (("", "One trade waits"), (f"{_typed('what waits?')} enter", "you: what waits?")),
    ),
    "desk-commands": Scene(StillDoor, (READY, ("slash", "and 7 more"))),
    "desk-answer": Scene(
        lambda: StillDoor(answer=WHY), (READY, (f"{_typed('/why')} enter", "desk first, mode"))
    ),
    "desk-mistake": Scene(
        lambda: StillDoor(
            answer=Told(
                title="expected a command such as /why, found '/sell'; /help lists them", is_mistake=True
            )
        ),
        (READY, (f"{_typed('/sell')} enter", "! expected a command")),
    ),
    "desk-error": Scene(lambda: StillDoor(fails={"overview": LOST}), (("", "found: disk"),), toasts=True),
    "desk-halted": Scene(
        lambda: StillDoor(is_now=still_status(halted_by=HALTED, doing="running")), (READY, ("", "HALTED"))
    ),
    "desk-attached": Scene(
        lambda: StillDoor(
            is_now=still_status(is_own=False, doing="nobody runs it: an answer waits for a runner")
        ),
        (READY, ("", "attached: nobody runs it")),
    ),
    "desk-live": Scene(
        lambda: StillDoor(is_now=still_status(is_paper=False, account_id="live-7")), (READY, ("", "LIVE"))
    ),
    "question-open": _asked(),
    "question-panel": _asked(ballots=PANEL),
    "question-anew": _asked(round=1, asked_anew=ANEW),
    "question-answered": _asked(
        state="granted", came_of_it="yes to 287,436, by trader; order ACCEPTED at 2017-01-04 10:00 UTC"
    ),
    "question-expired": _asked(
        state="expired", came_of_it="its time is over: the desk refuses it at its next step"
    ),
    "question-absent": _asked(ballots=ABSENT),
    "question-long": _asked(ballots=LONG),
    "story-finished": Scene(StillDoor, STORY),
    "story-aside": Scene(lambda: StillDoor(told=stood_aside(), asked=None), STORY),
    "story-identical": Scene(StillDoor, (*STORY, ("r", "replayed: identical"))),
    "story-drifted": Scene(
        lambda: StillDoor(
            again=Told(
                title="replayed: drifted from stage risk guard on",
                rows=(
                    ("risk guard", "quantity: 287436.0 -> 191624.0"),
                    ("question", "the record: made -> not made"),
                ),
            )
        ),
        (*STORY, ("r", "replayed: drifted")),
    ),
    "story-unknown": Scene(
        lambda: StillDoor(
            fails={"story": "expected cycle 1f79 on record, found none; list cycles to see ids"}
        ),
        (READY, JOURNAL, ("enter", "found none")),
    ),
    "journal-full": Scene(StillDoor, (READY, JOURNAL)),
    "journal-empty": Scene(lambda: StillDoor(found=()), (READY, ("f2", "no cycle on record yet"))),
    "journal-nothing": Scene(
        StillDoor, (READY, JOURNAL, ("slash", ""), (f"{_typed('daily loss')} enter", "no cycle says"))
    ),
    "journal-replayed": Scene(StillDoor, (READY, JOURNAL, ("r", "replayed: identical"))),
    "journal-error": Scene(lambda: StillDoor(fails={"cycles": LOST}), (READY, ("f2", "disk I/O error"))),
    "halt-confirm": Scene(StillDoor, (READY, ("f9", "Halt desk first?"))),
    "halt-halted": Scene(
        lambda: StillDoor(is_now=still_status(halted_by=HALTED, doing="running")),
        (READY, ("", "HALTED"), ("f9", "Let it go on?")),
    ),
    "halt-unwritable": Scene(
        lambda: StillDoor(fails={"halt": UNWRITABLE}),
        (READY, ("f9", "Halt desk first?"), (f"{_typed('news')} enter", "NOT halted")),
    ),
    "desk-sources": Scene(lambda: StillDoor(assistant=SAID), ASKED),
    "source": Scene(lambda: StillDoor(assistant=SAID), (*ASKED, ("down enter", "at_risk"))),
    "story-running": Scene(
        lambda: StillDoor(told=voting(), asked=None, spoken=IN_THE_CYCLE),
        (READY, ("f5", "1 of 3 have voted"), ("", "upper band")),
    ),
    "story-left": Scene(
        lambda: StillDoor(told=left_alone()),
        (READY, ("f5", "last 1.04386"), ("end", "nobody runs")),
    ),
    "story-asked-for": Scene(
        lambda: StillDoor(told=wanted()), (READY, JOURNAL, ("enter", "asked for by trader"))
    ),
    "watch-empty": _watched(EMPTY, "no position"),
    "watch-busy": _watched(still_watch()),
    "watch-error": Scene(lambda: StillDoor(fails={"watch": LOST}), (READY, ("f4", "disk I/O error"))),
    "watch-old": Scene(lambda: StillDoor(looks_until_lost=1), (*WATCH, ("", "is old, of 09:30:00"))),
    "watch-halted": _watched(
        still_watch(health=(FINE[0], THROWN, *FINE[2:])), halted_by=HALTED, doing="running"
    ),
    "watch-live": _watched(
        still_watch(orders=REJECTED, health=(*FINE[:3], LIVE_BROKER, FINE[4], BROKEN)),
        is_paper=False,
        account_id="live-7",
        doing="running",
    ),
    "watch-light": Scene(StillDoor, WATCH, theme=f"{DEFAULT}-light"),
    "watch-ansi": Scene(StillDoor, WATCH, theme="ansi-dark"),
    "help": Scene(StillDoor, (READY, ("f1", "F4 everything at one glance"))),
    "help-question": Scene(StillDoor, (READY, ("f3", "Approve?"), ("f1", "Keys here"))),
    "help-journal": Scene(StillDoor, (READY, JOURNAL, ("f1", "Keys here"))),
}
