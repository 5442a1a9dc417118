"""`dualbrain models`: the local models of an Ollama server, and what they can really do.

Nothing here goes on record: a journal belongs to a desk, and these commands run without one.
"""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from desk.commands.options import JsonOption, footer

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.abilities import Abilities
    from agents.local_models import CheckResult, LocalModelDetail

app = typer.Typer(no_args_is_help=True, help="List, fetch and try the local models of an Ollama server.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the model, such as qwen3:4b.")]
MaybeNameArgument = Annotated[
    str | None, typer.Argument(metavar="NAME", help="Name of the model; default: each one, in turn.")
]
ContextOption = Annotated[
    int | None,
    typer.Option("--context", metavar="TOKENS", min=1, help="Estimate memory for so many; default: 4096."),
]
_MODEL_FOLDERS = ("~/.ollama/models", "/usr/share/ollama/.ollama/models")
"""Of a server somebody started, and of the service on Linux (Ollama's FAQ)."""
_LEAVE_FREE = 1_000_000_000
_BRAINLESS = 1
_CHECK_EPILOG = footer(
    "dualbrain models check", "dualbrain models check qwen3:4b --json", exits=(0, 2)
).replace("0 fine;", "0 fine; 1 a model cannot serve the formula brain, or could not be asked;")


@app.command("ls", epilog=footer("dualbrain models ls", "dualbrain models ls --json", exits=(0, 2)))
def list_stored(is_json: JsonOption = False) -> None:
    """List the models on the server's disk."""
    from agents.local_models import list_models
    from desk.keys import ollama_host
    from desk.present import moment, plain_table, to_stdout

    found = list_models(ollama_host())
    if is_json:
        typer.echo(json.dumps([info.model_dump(mode="json") for info in found], indent=2))
        return
    if not found:
        typer.echo("no model yet; `dualbrain models pull NAME` fetches one")
        return
    lines = [
        (
            info.name,
            _gigabytes(info.size_bytes),
            info.digest[:12],
            "" if info.modified_at is None else moment(info.modified_at),
            info.family or "",
            info.parameters or "",
            info.quantization or "",
        )
        for info in found
    ]
    columns = ("model", "size", "digest", "modified", "family", "parameters", "quantisation")
    to_stdout().print(plain_table(columns, lines, right=("size", "parameters")))


@app.command(
    epilog=footer("dualbrain models show qwen3:4b", "dualbrain models show qwen3:4b --json", exits=(0, 2))
)
def show(name: NameArgument, context: ContextOption = None, is_json: JsonOption = False) -> None:
    """Show what the server declares of a model, and the memory it needs.

    What it declares is not always what the model does: `dualbrain models check` asks the model.
    """
    from agents.local_models import show_model
    from desk.keys import ollama_host
    from desk.present import facts, to_stdout

    found = show_model(ollama_host(), name, context)
    if is_json:
        memory = {**found.memory.model_dump(mode="json"), "total_bytes": found.memory.total_bytes}
        typer.echo(json.dumps({**found.model_dump(mode="json"), "memory": memory}, indent=2))
        return
    to_stdout().print(facts(_shown(found)))


@app.command(
    epilog=footer("dualbrain models pull qwen3:4b", "dualbrain models pull qwen3:4b --json", exits=(0, 2))
)
def pull(name: NameArgument, is_json: JsonOption = False) -> None:
    """Have the server fetch a model, if its disk has the room.

    Broken off, it goes on from there the next time. The disk can only be
    looked at where the server runs on this machine.
    """
    from agents.local_models import model_digest, pull_model
    from desk.commands.progress import ProgressReport
    from desk.keys import ollama_host
    from desk.present import to_stderr

    host = ollama_host()
    free = _free_bytes(host)
    err = to_stderr()
    size = 0
    with ProgressReport(err, f"pulling {name}") as report:
        for step in pull_model(host, name, free):
            if step.total_bytes and not size:
                err.print(f"needs {_gigabytes(step.total_bytes)}, {_left(free())}", style="dim")
            size = step.total_bytes
            report.update(step.completed_bytes, step.total_bytes, step.status)
    digest = model_digest(host, name, timeout_s=15)
    if is_json:
        typer.echo(json.dumps({"name": name, "digest": digest, "size_bytes": size}, indent=2))
    else:
        typer.echo(f"{name} is there, digest {digest or 'not told'}")


@app.command(epilog=_CHECK_EPILOG)
def check(name: MaybeNameArgument = None, is_json: JsonOption = False) -> None:
    """Ask a model whether it streams, thinks, keeps to a schema and calls tools.

    Three short questions, at most 600 tokens each. A large model may take
    minutes to load before it answers the first.
    """
    from agents.local_models import check_model, list_models
    from desk.commands.progress import ProgressReport
    from desk.keys import ollama_host
    from desk.present import to_stderr

    host = ollama_host()
    names = [info.name for info in list_models(host)] if name is None else [name]
    results = []
    with ProgressReport(to_stderr(), "asking") as report:
        for place, each in enumerate(names):
            report.update(place, len(names), each)
            results.append(check_model(host, each, lambda: datetime.now(UTC)))
    if is_json:
        typer.echo(json.dumps([_checked_json(result) for result in results], indent=2))
    else:
        _print_checked(results)
    asked = [result.abilities for result in results if result.abilities is not None]
    if any(found.brain not in ("tools", "schema") for found in asked):
        raise typer.Exit(_BRAINLESS)


def ability_words(found: "Abilities") -> list[tuple[str, str, str, str]]:
    """A line an ability: name, answer, seconds, how it went."""
    return [
        (
            ability.name.replace("_", " "),
            ability.answer,
            "" if ability.seconds is None else f"{ability.seconds:.1f} s",
            ability.how,
        )
        for ability in found.found
    ]


def _free_bytes(host: str | None) -> "Callable[[], int | None]":
    """Room on the server's disk, less what should stay free; None where that is not to be seen from here."""
    from agents.local_models import server_url
    from agents.providers import LOCAL_HOSTS
    from desk.keys import variable

    def free() -> int | None:
        named = variable("OLLAMA_MODELS")
        folders = [Path(each).expanduser() for each in ((named,) if named else _MODEL_FOLDERS)]
        if urlsplit(server_url(host)).hostname not in (*LOCAL_HOSTS, "::1"):
            return None
        # Where both kinds of server have a folder, nothing tells which one answers.
        rooms = [shutil.disk_usage(folder).free for folder in folders if folder.is_dir()]
        return max(0, min(rooms) - _LEAVE_FREE) if rooms else None

    return free


def _left(free: int | None) -> str:
    return "room on its disk not known" if free is None else f"room for {_gigabytes(free)}"


def _gigabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:,.2f} GB"


def _shown(found: "LocalModelDetail") -> list[tuple[str, str]]:
    memory = found.memory
    for_context = f"for {memory.context_tokens:,} tokens of context"
    if memory.cache_bytes is None or memory.total_bytes is None:
        needs = f"{_gigabytes(memory.weights_bytes)} of weights; what {for_context} is not to be told"
    else:
        needs = (
            f"about {_gigabytes(memory.total_bytes)}: weights {_gigabytes(memory.weights_bytes)} (the file), "
            f"keys and values {_gigabytes(memory.cache_bytes)} (16 bits) {for_context}; buffers on top"
        )
    longest = "not told" if found.context_tokens is None else f"up to {found.context_tokens:,} tokens"
    return [
        ("model", found.info.name),
        ("digest", found.info.digest),
        ("declares", ", ".join(found.capabilities) or "nothing"),
        ("context", longest),
        ("template", "there" if found.has_template else "missing: it gets the bare text"),
        ("memory", needs),
        ("licence", found.license_line or "not told"),
    ]


def _print_checked(results: "list[CheckResult]") -> None:
    from agents.abilities import BRAIN_WORDS
    from desk.present import plain_table, to_stdout

    out = to_stdout()
    if not results:
        out.print("the server answers and has no model yet; `dualbrain models pull NAME` fetches one")
    for result in results:
        out.print(f"{result.info.name} · {result.info.digest[:12]}", style="bold")
        out.print(f"declares {', '.join(result.capabilities) or 'nothing'}")
        if result.abilities is None:
            out.print("not asked: it does not chat\n")
            continue
        columns = ("ability", "really", "took", "how")
        out.print(plain_table(columns, ability_words(result.abilities), right=("took",)))
        out.print(f"formula brain: {BRAIN_WORDS[result.abilities.brain]}\n")


def _checked_json(result: "CheckResult") -> dict[str, object]:
    from agents.abilities import BRAIN_WORDS

    found = result.abilities
    brain = None if found is None else {"mode": found.brain, "means": BRAIN_WORDS[found.brain]}
    return {**result.model_dump(mode="json"), "brain": brain}
