"""Writes the sections of the documents that can be made from the code and from a real run.

    python docs/generate.py          write them
    python docs/generate.py --check  exit 1 and name each section that is not what the code makes

A section lies between `<!-- NAME:begin -->` and `<!-- NAME:end -->`; whatever stood there is replaced.
"""

import asyncio
import io
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from rich.console import Console

from contracts.records import (
    DeskState,
    FormulaReport,
    Outcome,
    RiskVerdict,
    StageRecord,
    TradeProposal,
)
from desk.commands.story import story, title
from desk.present import facts, gain, moment, quantity, short
from desk.settings import FeedSettings, Settings
from desk.wiring import Runner, open_desk
from graphs.cycle import compile_cycle
from graphs.stages import stage_records
from markets.replay_feed import ReplayFeedSettings
from tools.formulas.catalogue import SETS
from tools.registry import groups

R = TypeVar("R", bound=StageRecord)

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 100
DESK, SAMPLE = "readme", "eurusd-2017"
FIRST, DECIDED, LAST = (datetime(2017, 1, 4, hour, tzinfo=UTC) for hour in (9, 10, 17))
"""First and last close of the run, and the close of the decision that is told."""


def main(arguments: Sequence[str]) -> int:
    """Write or check every section; returns the exit status."""
    if list(arguments) not in ([], ["--check"]):
        print(f"expected --check or nothing, found {' '.join(arguments)}")
        return 2
    is_check = bool(arguments)
    changed = [name for name in SECTIONS if _is_changed(name, is_check=is_check)]
    for name in changed:
        print(f"{'stale' if is_check else 'written'}: {name} in {SECTIONS[name][0]}")
    if is_check and changed:
        print("run python docs/generate.py")
        return 1
    return 0


def draw_graph() -> str:
    """The compiled graph as a Mermaid flowchart, its edges in the order of the path."""
    graph = compile_cycle().get_graph()
    order = list(graph.nodes)
    names = {name: name for name in order} | {"__start__": "START", "__end__": "END"}
    edges = sorted(graph.edges, key=lambda edge: (order.index(edge.source), order.index(edge.target)))
    lines = [
        f"    {names[edge.source]} {'-.->' if edge.conditional else '-->'} {names[edge.target]}"
        for edge in edges
    ]
    return _fenced("mermaid", "\n".join(["flowchart TD", *lines]))


def tell_decision() -> str:
    """One decision of the bundled hours: what happened in a few sentences, then its records."""
    records = _play()
    cycle = short(records[0].cycle_id)
    window = f"--from {FIRST:%Y-%m-%dT%H:%M} --to {LAST:%Y-%m-%dT%H:%M}"
    commands = (
        f".venv/bin/dualbrain run --sample {SAMPLE} {window} --desk {DESK}\n"
        f".venv/bin/dualbrain audit show {cycle} --desk {DESK}"
    )
    parts = (
        textwrap.fill(_sentences(records), WIDTH),
        "Anyone can make it again:",
        _fenced("", commands),
        "The second command prints:",
        _fenced("text", _printed(records)),
    )
    return "\n\n".join(parts)


def list_tools() -> str:
    """Every registered tool, by group; the formulas have a page of their own."""
    tools = [tool for name, members in groups().items() for tool in members if name not in SETS]
    rows = [(f"`{tool.name}`", tool.group, tool.unit, tool.summary) for tool in tools]
    lines = [("tool", "group", "unit", "what it says"), ("---",) * 4, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


SECTIONS: dict[str, tuple[str, Callable[[], str]]] = {
    "decision": ("README.md", tell_decision),
    "graph": ("docs/architecture.md", draw_graph),
    "tools": ("docs/tools.md", list_tools),
}


def fill(text: str, name: str, body: str) -> str:
    """`text` with `body` between the markers of section `name`; SystemExit where they are not there once."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    head, found_begin, rest = text.partition(begin)
    _, found_end, tail = rest.partition(end)
    if not (found_begin and found_end) or text.count(begin) + text.count(end) != 2:
        raise SystemExit(f"expected {begin} and then {end}, once each, found otherwise; put the markers back")
    return f"{head}{begin}\n\n{body}\n\n{end}{tail}"


def _is_changed(name: str, *, is_check: bool) -> bool:
    file, make = SECTIONS[name]
    path = ROOT / file
    text = path.read_text(encoding="utf-8")
    filled = fill(text, name, make())
    if filled != text and not is_check:
        path.write_text(filled, encoding="utf-8", newline="\n")
    return filled != text


def _play() -> list[StageRecord]:
    """The told cycle's records, from a desk in a temporary home with nothing but defaults."""
    window = ReplayFeedSettings(start=FIRST, end=LAST)
    settings = Settings(desk=DESK, feed=FeedSettings(samples=(SAMPLE,), replay=window))
    with TemporaryDirectory() as home, open_desk(settings, command="docs", home=Path(home)) as runner:
        asyncio.run(_to_the_end(runner))
        states = runner.journal.find_all(DeskState)
        cycle_id = next(state.cycle_id for state in states if state.as_of == DECIDED)
        return [record for record, _ in stage_records(runner.journal.rows(cycle_id=cycle_id))]


async def _to_the_end(runner: Runner) -> None:
    await runner.start()
    await runner.session.run()


def _sentences(records: Sequence[StageRecord]) -> str:
    score, proposal = _of(FormulaReport, records).score, _of(TradeProposal, records)
    verdict, outcome = _of(RiskVerdict, records), _of(Outcome, records)
    for_it, against_it = (score.sell, score.buy) if proposal.side == "SELL" else (score.buy, score.sell)
    limits = [check.name.replace("_", " ") for check in verdict.checks if check.effect == "shrinks"]
    held_back = f", because of the limit on {' and '.join(limits)}" if limits else ""
    return (
        f"At {moment(proposal.as_of)} an hour of {proposal.instrument_id} closes. Fixed rules give "
        f"{for_it:g} points to {proposal.side} and {against_it:g} to the other side. The larger score needs "
        f"{score.minimum:g}, so the desk proposes {quantity(proposal.quantity)} units with a stop and a "
        f"target. The risk guard lets {quantity(verdict.quantity)} through{held_back}. The order is written "
        f"down, then sent. Its {outcome.exit_leg} closes the trade {outcome.bars_held} bars later: "
        f"{gain(outcome.net_pnl, outcome.currency)}."
    )


def _of(kind: type[R], records: Iterable[StageRecord]) -> R:
    return next(record for record in records if isinstance(record, kind))


def _printed(records: Sequence[StageRecord]) -> str:
    """What `dualbrain audit show` prints, at a width that fits a page."""
    page = io.StringIO()
    out = Console(file=page, width=WIDTH, color_system=None, highlight=False, markup=False)
    out.print(title(records))
    out.print(facts(story(records)))
    return "\n".join(line.rstrip() for line in page.getvalue().rstrip().splitlines())


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
