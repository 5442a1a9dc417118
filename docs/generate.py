"""Writes the sections of the documents that can be made from the code and from a real run.

    python docs/generate.py          write them
    python docs/generate.py --check  exit 1 and name each section that is not what the code makes

The pictures of the terminal, the charts and the pages of the tools' groups are whole files: `WHOLE`.
A section lies between `<!-- NAME:begin -->` and `<!-- NAME:end -->`; whatever stood there is replaced.
"""

import ast
import asyncio
import inspect
import io
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import groupby, pairwise
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
from desk.commands.formulas import as_written
from desk.commands.story import story, title
from desk.present import facts, gain, moment, quantity, short
from desk.settings import FeedSettings, Settings
from desk.wiring import Runner, open_desk
from docs.failures import HEAD, LAWS, measured
from docs.screens import take_pictures
from docs.tool_pages import page_link, tool_pages
from docs.tool_pictures import draw_charts
from graphs.cycle import compile_cycle
from graphs.stages import stage_records
from markets.replay_feed import ReplayFeedSettings
from tests.tui.snapshots import first_difference
from tools.formulas import conventions
from tools.formulas.catalogue import SETS, Formula, Note, published
from tools.formulas.conventions import DEFAULT, PRESETS, Conventions, choices_of
from tools.formulas.operators import FIELDS, GROUPS, OPERATORS
from tools.formulas.reach import reach_of
from tools.registry import groups

R = TypeVar("R", bound=StageRecord)

ROOT = Path(__file__).resolve().parent.parent
WHOLE = {"docs/pictures/.svg": take_pictures, "docs/charts/.svg": draw_charts, "docs/tools/.md": tool_pages}
"""Folders of whole files with their ending, and what makes all of one from those that are there."""
WIDTH = 100
MANY = 4
"""More formulas that share a note are named by the first and the last."""
BAR = r"\|"
"""A bar inside a table."""
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
    told = [f"{name} in {SECTIONS[name][0]}" for name in changed]
    told += [path for place in WHOLE for path in _changed_files(place, is_check=is_check)]
    for each in told:
        print(f"{'stale' if is_check else 'written'}: {each}")
    if is_check and told:
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
    rows = [(page_link(tool), tool.group, tool.unit, tool.summary) for tool in tools]
    return _table(("tool", "group", "unit", "what it says"), rows)


def list_words() -> str:
    """Every operator, then every field and group of a panel."""
    words = [
        (
            _code(as_written(word)),
            word.meaning,
            f"{word.min_window:g}" if "d" in word.takes else "",
            _codes(word.switches),
        )
        for word in OPERATORS.values()
    ]
    fields = [(_code(field.name), field.meaning, field.unit) for field in FIELDS.values()]
    fields += [(_code(name), meaning, "group") for name, meaning in GROUPS.items()]
    return "\n\n".join(
        (
            _table(("word", "meaning", "smallest d", "switches"), words),
            _table(("field", "meaning", "unit"), fields),
        )
    )


def list_conventions() -> str:
    """Every switch with its default and why, then the presets."""
    meanings, reasons = _meanings(), _reasons()
    rows = []
    for switch in Conventions.model_fields:
        default = str(getattr(DEFAULT, switch))
        others = [choice for choice in choices_of(switch) if choice != default]
        told = meanings.get(switch, ""), reasons.get(switch, "")
        rows.append((_code(switch), _code(default), _codes(others), *told))
    presets = [(_code(name), _differences(preset)) for name, preset in PRESETS.items()]
    return "\n\n".join(
        (
            _table(("switch", "default", "or", "what it decides", "why the default"), rows),
            _table(("preset", "what it switches"), presets),
        )
    )


def list_formulas(name: str) -> str:
    """Every formula of a set; one with a note links to it."""
    found = [formula for formula in published().values() if formula.name.startswith(f"{name}_")]
    rows = [row for pattern, members in groupby(found, _pattern) for row in _rows(pattern, list(members))]
    head = ("formula", "text", "unit", "reads", "bars")
    return f"Source: {found[0].source}\n\n{_table(head, rows)}"


def list_notes(name: str) -> str:
    """What is wrong with formulas of a set as printed, and how they are read here."""
    told = [
        f"### {_told_together(note)}\n\n"
        f"- **Printed.** {_prose(note.printed)}\n"
        f"- **Wrong.** {_prose(note.wrong)}\n"
        f"- **Here.** {_prose(note.chosen)}\n"
        f"- **Why.** {_prose(note.why)}"
        for note in _notes(name)
    ]
    return "\n\n".join(told) or "None: every formula of this set is computed as printed."


def list_failures() -> str:
    """What comes of every failure at every model; Lawless where one ends as it must not."""
    rows = measured()
    return f"{_table(HEAD, rows)}\n\n{LAWS}"


SECTIONS: dict[str, tuple[str, Callable[[], str]]] = {
    "decision": ("README.md", tell_decision),
    "graph": ("docs/architecture.md", draw_graph),
    "tools": ("docs/tools.md", list_tools),
    "failures": ("docs/brains.md", list_failures),
    "words": ("docs/formulas.md", list_words),
    "conventions": ("docs/formulas.md", list_conventions),
    **{name: (f"docs/formulas/{name}.md", partial(list_formulas, name)) for name in SETS},
    **{f"{name}-notes": (f"docs/formulas/{name}.md", partial(list_notes, name)) for name in SETS},
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


def _changed_files(place: str, *, is_check: bool) -> list[str]:
    """Files that are not what the code makes; those that nothing makes any more are among them."""
    where, _, ending = place.rpartition("/")
    folder = ROOT / where
    kept = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob(f"*{ending}")}
    made = WHOLE[place](kept)
    changed = sorted(name for name in made | kept if made.get(name) != kept.get(name))
    for name in changed:
        path = folder / f"{name}{ending}"
        if is_check:
            told = first_difference(kept.get(name, ""), made.get(name, ""))
            print(f"{name} differs {told}", file=sys.stderr)
        elif name in made:
            folder.mkdir(exist_ok=True)
            path.write_text(made[name], encoding="utf-8", newline="\n")
        else:
            path.unlink()
    return [f"{where}/{name}{ending}" for name in changed]


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


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [tuple(head), ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', BAR) for cell in line)} |" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`"


def _codes(texts: Iterable[str]) -> str:
    return ", ".join(_code(text) for text in texts)


def _meanings() -> dict[str, str]:
    """What stands under each switch in the class."""
    (body,) = (
        node.body
        for node in ast.parse(inspect.getsource(conventions)).body
        if isinstance(node, ast.ClassDef) and node.name == Conventions.__name__
    )
    found = {}
    for field, text in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(text, ast.Expr)
            and isinstance(field.target, ast.Name)
        ):
            found[field.target.id] = " ".join(str(ast.literal_eval(text.value)).split())
    return found


def _reasons() -> dict[str, str]:
    """The points of the module's docstring: one or more switches, the default, why."""
    found: dict[str, str] = {}
    for point in re.split(r"^- ", conventions.__doc__ or "", flags=re.MULTILINE)[1:]:
        named, why = point.split(": ", 1)
        text = " ".join(why.split("\n\n")[0].split())
        found |= dict.fromkeys(re.findall(r"`(\w+)`", named), text)
    return found


def _differences(preset: Conventions) -> str:
    pairs = [
        f"{switch} = {value}"
        for switch, value in preset.model_dump().items()
        if value != getattr(DEFAULT, switch)
    ]
    return _codes(pairs) or "nothing"


def _rows(pattern: str, members: Sequence[Formula]) -> list[tuple[str, ...]]:
    """A row a formula; a row for all of one pattern where it has many."""
    if len(members) == 1 or not pattern:
        return [_row(formula) for formula in members]
    first, last = members[0], members[-1]
    numbers = " to ".join(re.findall(r"\d+$", one.name)[0] for one in (first, last))
    _, _, unit, reads, _ = _row(first)
    bars = " to ".join(str(reach_of(one.tree, DEFAULT).bars) for one in (first, last))
    names = f"{_code(first.name)} to {_code(last.name)}"
    return [(names, f"{_code(pattern)}, k = {numbers}", unit, reads, bars)]


def _pattern(formula: Formula) -> str:
    """The text with k for the number that ends the name, of the 360 that are six ideas."""
    number = re.findall(r"\d+$", formula.name)
    if not formula.name.startswith("alpha360_") or number == ["0"]:
        return ""
    return formula.text.replace(f", {number[0]})", ", k)")


def _row(formula: Formula) -> tuple[str, ...]:
    reach = reach_of(formula.tree, DEFAULT)
    reads = ", ".join(reach.fields) + ("; others" if reach.is_cross_sectional else "")
    bars = f"{reach.bars}, settled {reach.settled_bars}" if reach.is_recursive else str(reach.bars)
    name = _code(formula.name)
    if formula.note is not None:
        anchor = re.sub(r"[^\w-]", "", _told_together(formula.note).replace(" ", "-"))
        name = f"[{name}](#{anchor})"
    return name, _code(formula.text), formula.unit, reads, bars


def _notes(name: str) -> list[Note]:
    """Each once, in the order of the formulas."""
    notes = [formula.note for formula in published().values() if formula.name.startswith(f"{name}_")]
    return list(dict.fromkeys(note for note in notes if note is not None))


def _told_together(note: Note) -> str:
    """The formulas that share the note."""
    names = [formula.name for formula in published().values() if formula.note == note]
    return f"{names[0]} to {names[-1]}" if len(names) > MANY else ", ".join(names)


def _prose(text: str) -> str:
    """Signs that Markdown would take for its own are kept as they are."""
    return re.sub(r"([*_<>|])", r"\\\1", text)


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
