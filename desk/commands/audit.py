"""`dualbrain audit`: list cycles, tell the story of one, verify the journal, export it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import SettingsError
from desk.commands.options import DeskOption, JsonOption, footer

if TYPE_CHECKING:
    from contracts.exchange import Tokens
    from contracts.ports import JournalRow
    from memory.reader import CycleSummary, JournalReader

app = typer.Typer(no_args_is_help=True, help="Read, verify and export what a desk has written down.")

CycleArgument = Annotated[
    str, typer.Argument(metavar="CYCLE", help="Cycle id, or its beginning where that is unique.")
]
ExchangeArgument = Annotated[
    str, typer.Argument(metavar="ID", help="Exchange id, or its beginning where that is unique.")
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="How many cycles at most.")]
EndedAtOption = Annotated[
    str | None,
    typer.Option("--ended-at", metavar="STAGE", help="Only cycles whose newest record is of this stage."),
]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Where to write; made anew or replaced.")]

_PAGE = 200


@app.command("ls", epilog=footer("dualbrain audit ls", "dualbrain audit ls --ended-at outcome --limit 5"))
def list_cycles(
    limit: LimitOption = 20,
    ended_at: EndedAtOption = None,
    desk: DeskOption = None,
    is_json: JsonOption = False,
) -> None:
    """List the newest cycles and how each ended."""
    from desk.commands.files import reading
    from desk.present import moment, plain_table, short, to_stdout
    from graphs.differences import STAGE_NAMES

    stages = list(STAGE_NAMES.values())
    if ended_at is not None and ended_at not in stages:
        raise SettingsError(f"expected --ended-at among {', '.join(stages)}, found {ended_at!r}")
    with reading(desk) as on_file:
        found = _newest(on_file.journal, limit, ended_at, STAGE_NAMES)
    if is_json:
        typer.echo(json.dumps([_as_json(cycle, STAGE_NAMES) for cycle in found], indent=2))
        return
    rows = [
        (short(c.cycle_id), c.instrument_id, moment(c.as_of), STAGE_NAMES[c.last_kind], _end_words(c.end))
        for c in found
    ]
    to_stdout().print(plain_table(("cycle", "instrument", "decided on", "came to", "ended"), rows))


@app.command(epilog=footer("dualbrain audit show 3f2a91c0"))
def show(cycle: CycleArgument, desk: DeskOption = None, is_json: JsonOption = False) -> None:
    """Tell the story of one cycle from its records, in the order they were made."""
    from desk.commands.files import find_cycle, reading
    from desk.commands.story import story, title
    from desk.present import facts, to_stdout
    from desk.saying import who_wanted
    from graphs.stages import stage_records

    with reading(desk) as on_file:
        cycle_id = find_cycle(on_file.journal, cycle)
        rows = list(on_file.journal.rows(cycle_id=cycle_id))
        wanted = who_wanted(on_file.journal, cycle_id)
    if is_json:
        told = [
            {"seq": r.seq, "kind": r.kind, "ordinal": r.ordinal, "record": json.loads(r.body)} for r in rows
        ]
        typer.echo(json.dumps(told, indent=2))
        return
    records = [record for record, _ in stage_records(rows)]
    out = to_stdout()
    out.print(title(records), style="bold")
    out.print(facts([*wanted, *story(records), *_asked(rows)]))


@app.command(epilog=footer("dualbrain audit exchange 35914323"))
def exchange(exchange_id: ExchangeArgument, desk: DeskOption = None, is_json: JsonOption = False) -> None:
    """Show one request to a model and what came back, byte for byte as they were sent."""
    from desk.commands.files import find_exchange, reading
    from desk.present import facts, to_stdout

    with reading(desk) as on_file:
        found = find_exchange(on_file.journal, exchange_id)
        bodies = {
            name: on_file.blobs.get(blob).decode("utf-8", "replace")
            for name, blob in (("request", found.request), ("response", found.response))
            if blob is not None
        }
    record = found.model_dump(mode="json") | {"record_id": found.record_id}
    if is_json:
        typer.echo(json.dumps({"exchange": record, **bodies}, indent=2))
        return
    told = {name: value for name, value in record.items() if value not in (None, "") and name not in bodies}
    to_stdout().print(facts([(name.replace("_", " "), str(value)) for name, value in told.items()]))
    for name, body in bodies.items():
        typer.echo(f"\n{name}\n{body}")


def _asked(rows: list["JournalRow"]) -> list[tuple[str, str]]:
    """Every request to a model in a cycle, a line each; those of later counterfactuals apart."""
    from contracts.exchange import Exchange

    exchanges = [(row, Exchange.from_canonical(row.body)) for row in rows if row.kind == Exchange.__name__]
    lines: dict[str, list[str]] = {"asked": [], "what if": []}
    for row, asked in exchanges:
        used = "" if asked.tokens is None else f", {_used(asked.tokens)}"
        took = "" if row.latency_ms is None else f", {row.latency_ms / 1000:.1f} s"
        cost = "" if asked.cost_usd is None else f", {asked.cost_usd:f} USD"
        why = f": {asked.error}" if asked.error else ""
        heading = "what if" if asked.role == "what_if" else "asked"
        lines[heading].append(f"{asked.record_id[:12]} {asked.seat} {asked.outcome}{why}{used}{took}{cost}")
    return [(heading, "\n".join(told)) for heading, told in lines.items() if told]


def _used(tokens: "Tokens") -> str:
    cached = f" ({tokens.cached:,} cached)" if tokens.cached else ""
    thinking = f" ({tokens.thinking:,} thinking)" if tokens.thinking else ""
    return f"{tokens.input:,} tokens in{cached}, {tokens.output:,} out{thinking}"


@app.command(epilog=footer("dualbrain audit verify", "dualbrain audit verify --json", exits=(0, 1, 2, 4, 5)))
def verify(desk: DeskOption = None, is_json: JsonOption = False) -> None:
    """Check every row, blob, the chain and its anchor; exits 1 on any problem."""
    from desk.commands.files import find_desk, show_banner
    from memory import audit
    from memory.blobs import FileBlobStore

    name, folder = find_desk(desk)
    show_banner(name, folder)
    report = audit.verify(folder.journal, FileBlobStore(folder.blobs))
    if is_json:
        tree = {"is_sound": report.is_sound, "rows": report.n_rows, "blobs": report.n_blobs}
        head = {"count": report.head.n_rows, "hash": report.head.row_hash}
        typer.echo(json.dumps(tree | {"head": head, "problems": list(report.problems)}, indent=2))
    else:
        for problem in report.problems:
            typer.echo(problem)
        verdict = "sound" if report.is_sound else f"NOT sound, {len(report.problems):,} problems"
        typer.echo(f"{verdict}: {report.n_rows:,} rows and {report.n_blobs:,} blobs checked")
        typer.echo(f"head: row {report.head.n_rows:,}, {report.head.row_hash}")
    if not report.is_sound:
        raise typer.Exit(1)


@app.command(epilog=footer("dualbrain audit export journal.jsonl"))
def export(file: FileArgument, desk: DeskOption = None) -> None:
    """Write every row as a line of JSON, and the head of the chain last."""
    from desk.commands.files import reading
    from memory import audit

    with reading(desk) as on_file:
        head = audit.export(on_file.journal, file)
    typer.echo(f"{file}: {head.n_rows:,} rows, head {head.row_hash}")


def _newest(
    journal: "JournalReader", limit: int, ended_at: str | None, names: dict[str, str]
) -> list["CycleSummary"]:
    if ended_at is None:
        return list(journal.cycles(limit))
    found: list[CycleSummary] = []
    before = None
    while page := journal.cycles(_PAGE, before=before):
        found += [cycle for cycle in page if names[cycle.last_kind] == ended_at]
        if len(found) >= limit:
            break
        before = page[-1].first_seq
    return found[:limit]


def _end_words(end: str) -> str:
    return end.lower() if end.isupper() else end.replace("_", " ")


def _as_json(cycle: "CycleSummary", names: dict[str, str]) -> dict[str, object]:
    return {
        "cycle_id": cycle.cycle_id,
        "instrument_id": cycle.instrument_id,
        "as_of": cycle.as_of.isoformat(),
        "came_to": names[cycle.last_kind],
        "ended": cycle.end,
        "first_seq": cycle.first_seq,
    }
