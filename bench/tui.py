"""How quick the terminal is, as a person has it: the real command on a real pseudo-terminal.

    start -> first paint -> a desk that can be used        seconds, from the start of the process
    a key -> its letter drawn                              idle, under a replay, under a model's words, hung
    a desk that does nothing                               share of one core

Each is measured beside a bare Textual application with one line to type in: what Textual itself costs.
Nothing is drawn by a terminal here: what one adds to show the bytes comes on top, on both sides.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bench.pseudo_terminal import PseudoTerminal
from bench.report import publish, table
from contracts.exchange import Exchange
from contracts.records import DeskState
from memory.reader import JournalReader
from tests.servers.answers import Completion, Delivery, Silence
from tests.servers.scripted import ScriptedServer

ROOT = Path(__file__).resolve().parent.parent
N_STARTS, N_FIRST = 7, 3
N_KEYS = 200
IDLE_S = 20.0
SETTLED_S = 3.0
AIM_FIRST_S, AIM_KEY_MS, AIM_IDLE_PCT = 1.0, 50, 2.0
TOKENS_A_SECOND, CHARACTERS_A_TOKEN = 100, 4

BARE = """
from textual.app import App
from textual.widgets import Input, Static

class Bare(App):
    def compose(self):
        yield Static("ready")
        yield Input()

Bare().run()
"""
HUNG_FEED = """
import time
from markets.replay_feed import ReplayFeed

async def events(self, timeframe):
    time.sleep(3600)
    yield ()

ReplayFeed.events = events
from desk.main import main
main()
"""
CHAT = ("-m", "desk.main", "chat", "--desk", "d")
SAMPLE = ("--sample", "eurusd-2017")
QUIET = (*SAMPLE, "--from", "2017-01-04T09:00", "--to", "2017-01-04T09:00")
ASKING = (*SAMPLE, "--from", "2017-01-04T09:00", "--to", "2017-01-04T10:00")
ALONE = ("--set", "approval.policy=autonomous")
PROSE = (
    "The desk sold because two of five rules spoke for it, and **one** spoke against.\n\n"
    "- the average is under the slow one\n- the close is over the upper band\n\n"
    "Nothing else weighed enough to matter, and the limit on position size made it smaller. "
) * 40


@dataclass(frozen=True)
class Keys:
    """How long keys took, and what went on meanwhile."""

    what: str
    seconds: Sequence[float]
    meanwhile: str = ""


def main() -> int:
    """Measure and publish."""
    if os.name != "posix":
        print("expected a pseudo-terminal to draw on, found Windows, whose Python has none")
        return 2
    load = os.getloadavg()[0]
    starts, keys, idle = _starts(), _keys(), _idle()
    told = [
        "Seconds from the start of the process:",
        table(("start", "n", "first paint", "worst", "usable", "worst"), starts),
        f"Milliseconds from a key to its letter, {N_KEYS} keys at random moments:",
        table(("while", "median", "p95", "worst", "meanwhile"), [_key_row(each) for each in keys]),
        f"Share of one core over {IDLE_S:g} s of doing nothing:",
        table(("desk", "processor"), idle),
        f"Aims: first paint {AIM_FIRST_S:g} s, a key {AIM_KEY_MS} ms, idle {AIM_IDLE_PCT:g} %. "
        f"Load of the machine before: {load:.1f}.",
    ]
    publish("tui", "How quick the terminal is", "\n\n".join(told), "terminal")
    return 0


def _starts() -> list[tuple[str, ...]]:
    with _home() as home, _home() as used:
        _make_desk(used, QUIET)
        return [
            _only("python -c pass", partial(_run, home, ("-c", "pass"))),
            _only("python -c 'import textual.app'", partial(_run, home, ("-c", "import textual.app"))),
            _row(
                "bare Textual application", N_STARTS, lambda _n: _paint(home, ("-c", BARE), "ready", "ready")
            ),
            _row("new desk, nothing compiled yet", N_FIRST, lambda n: _start_uncompiled(home / f"u{n}")),
            _row("new desk", N_STARTS, lambda n: _start(home / f"n{n}", QUIET)),
            _row("desk with a record", N_STARTS, lambda _n: _start(used, QUIET)),
            _row("attached", N_STARTS, lambda _n: _start(used, ("--attach",))),
        ]


def _only(what: str, seconds_of: Callable[[], float]) -> tuple[str, ...]:
    found = [seconds_of() for _ in range(N_STARTS)]
    return what, str(N_STARTS), f"{statistics.median(found):.2f}", f"{max(found):.2f}", "-", "-"


def _row(what: str, n: int, timed: Callable[[int], tuple[float, float]]) -> tuple[str, ...]:
    firsts, usable = zip(*(timed(each) for each in range(n)), strict=True)
    figures = (statistics.median(firsts), max(firsts), statistics.median(usable), max(usable))
    return what, str(n), *(f"{each:.2f}" for each in figures)


def _start(
    home: Path, options: Sequence[str], environment: Sequence[tuple[str, str]] = ()
) -> tuple[float, float]:
    home.mkdir(exist_ok=True)
    return _paint(home, (*CHAT, *options), "opening the desk", "equity", environment)


def _start_uncompiled(home: Path) -> tuple[float, float]:
    return _start(home, QUIET, (("PYTHONPYCACHEPREFIX", str(home / "compiled")),))


def _paint(
    home: Path, command: Sequence[str], first: str, usable: str, environment: Sequence[tuple[str, str]] = ()
) -> tuple[float, float]:
    with _terminal(home, command, environment) as terminal:
        return terminal.until(first), terminal.until(usable)


def _run(home: Path, command: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run(
        (sys.executable, *command), cwd=home, env=_environment(home), stdout=subprocess.DEVNULL, check=True
    )
    return time.perf_counter() - started


def _keys() -> list[Keys]:
    return [
        _keys_bare(),
        _keys_idle(),
        _keys_replaying(),
        _keys_hearing(),
        _keys_of_hung_model(),
        _keys_of_hung_feed(),
    ]


def _keys_bare() -> Keys:
    with _home() as home, _terminal(home, ("-c", BARE)) as terminal:
        terminal.until("ready")
        terminal.rest(SETTLED_S)
        return Keys("bare Textual application", terminal.echoes(N_KEYS))


def _keys_idle() -> Keys:
    with _home() as home, _terminal(home, (*CHAT, *QUIET)) as terminal:
        terminal.until("equity", "the feed ended")
        terminal.rest(SETTLED_S)
        return Keys("idle desk", terminal.echoes(N_KEYS))


def _keys_replaying() -> Keys:
    with _home() as home, _terminal(home, (*CHAT, *SAMPLE, *ALONE)) as terminal:
        terminal.until("equity", "running")
        terminal.rest(SETTLED_S)
        began = datetime.now(UTC)
        seconds = terminal.echoes(N_KEYS)
        ended = datetime.now(UTC)
        rate = _decided(home, began, ended) / (ended - began).total_seconds()
        return Keys("replay at full speed", seconds, f"{rate:.0f} bars with their quotes decided on a second")


def _keys_hearing() -> Keys:
    said = Delivery(Completion(PROSE, piece=CHARACTERS_A_TOKEN), between_s=1 / TOKENS_A_SECOND)
    with _asking(said) as (terminal, home):
        terminal.until("assistant says")
        terminal.rest(1)
        seconds = terminal.echoes(N_KEYS)
        if _said_in(home) is not None:
            raise AssertionError(
                "expected words during all of the keys, found the answer over; make it longer"
            )
        while (took := _said_in(home)) is None:
            terminal.rest(1)
        return Keys(
            "a model speaks", seconds, f"{len(PROSE) / CHARACTERS_A_TOKEN / took:.0f} tokens a second"
        )


def _keys_of_hung_model() -> Keys:
    with _asking(Silence(then="stall")) as (terminal, _):
        terminal.until("you: why?")
        terminal.rest(SETTLED_S)
        return Keys("a model hangs", terminal.echoes(N_KEYS))


def _keys_of_hung_feed() -> Keys:
    with _home() as home, _terminal(home, ("-c", HUNG_FEED, *CHAT[2:], *QUIET)) as terminal:
        terminal.until("no cycle on record yet")
        terminal.rest(SETTLED_S)
        return Keys("the feed hangs", terminal.echoes(N_KEYS))


def _key_row(keys: Keys) -> tuple[str, ...]:
    p95 = statistics.quantiles(keys.seconds, n=20)[-1]
    figures = (statistics.median(keys.seconds), p95, max(keys.seconds))
    return keys.what, *(f"{each * 1e3:.0f}" for each in figures), keys.meanwhile or "-"


def _idle() -> list[tuple[str, ...]]:
    with _home() as home, _home() as used, _home() as asked:
        _make_desk(used, QUIET)
        _make_desk(asked, ASKING)
        cases = (
            ("bare Textual application", home, ("-c", BARE), ("ready",)),
            ("own desk", home, (*CHAT, *QUIET), ("equity", "the feed ended")),
            ("own desk, an open question", home, (*CHAT, *ASKING, "--desk", "e"), ("equity", "waiting")),
            ("attached", used, (*CHAT, "--attach"), ("equity",)),
            ("attached, an open question", asked, (*CHAT, "--attach"), ("equity", "287,436")),
        )
        return [(what, _share(place, command, settled)) for what, place, command, settled in cases]


def _share(home: Path, command: Sequence[str], settled: Sequence[str]) -> str:
    with _terminal(home, command) as terminal:
        terminal.until(*settled)
        terminal.rest(SETTLED_S)
        used, began = _processor_s(terminal.pid), time.perf_counter()
        terminal.rest(IDLE_S)
        if used is None or (ended := _processor_s(terminal.pid)) is None:
            return "not known: this system has no /proc"
        return f"{(ended - used) / (time.perf_counter() - began):.1%}"


def _processor_s(pid: int) -> float | None:
    """Of all threads, by the kernel's count."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.is_file():
        return None
    # The name before the bracket may hold spaces.
    fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _decided(home: Path, began: datetime, ended: datetime) -> int:
    journal = JournalReader(home / "d" / "journal.db")
    try:
        return sum(began <= row.written_at <= ended for row in journal.newest(DeskState, 100_000))
    finally:
        journal.close()


def _said_in(home: Path) -> float | None:
    """Seconds that the model's answer took; None while it goes on."""
    journal = JournalReader(home / "d" / "journal.db")
    try:
        asked = journal.newest(Exchange, 1)
        return None if not asked or asked[0].latency_ms is None else asked[0].latency_ms / 1e3
    finally:
        journal.close()


def _make_desk(home: Path, options: Sequence[str]) -> None:
    _run(home, ("-m", "desk.main", "run", "--desk", "d", "--ask", *options))


@contextmanager
def _asking(step: Delivery | Silence) -> Iterator[tuple[PseudoTerminal, Path]]:
    """A desk whose model was asked something and says this."""
    with ScriptedServer() as server, _home() as home:
        server.always(step)
        model = {
            "provider": "openai-compatible",
            "model": "m",
            "base_url": server.base_url,
            "ability": "single",
        }
        options = [f"assistant.{name}={value}" for name, value in (model | {"max_tokens": "32000"}).items()]
        changes = [
            part for option in (*options, "budget.unpriced=count_tokens") for part in ("--set", option)
        ]
        with _terminal(home, (*CHAT, *QUIET, *changes)) as terminal:
            terminal.until("equity", "the feed ended")
            terminal.type(b"why?\r")
            yield terminal, home


@contextmanager
def _home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _terminal(
    home: Path, command: Sequence[str], environment: Sequence[tuple[str, str]] = ()
) -> PseudoTerminal:
    return PseudoTerminal((sys.executable, *command), _environment(home) | dict(environment), home)


def _environment(home: Path) -> dict[str, str]:
    """As a person's: our settings and what keeps Python from keeping bytecode left out."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("DUALBRAIN_", "PYTHON"))
    }
    return kept | {"DUALBRAIN_HOME": str(home), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}


if __name__ == "__main__":
    sys.exit(main())
