"""`dualbrain doctor`: what is in force, where each value came from, and what is missing."""

import json
import re
import sys
from functools import partial
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import DualbrainError, SettingsError
from desk.commands.options import DeskOption, JsonOption, footer

if TYPE_CHECKING:
    from desk.commands.doctor_models import ModelsState
    from desk.folder import DeskFolder
    from desk.settings import InForce, Settings

SettingsOption = Annotated[
    str | None, typer.Option("--only", metavar="TEXT", help="Only settings whose name contains this.")
]
ProbeOption = Annotated[
    bool, typer.Option("--probe", help="Ask every model that has a key what it can do, and keep the answers.")
]
EPILOG = footer(
    "dualbrain doctor",
    "dualbrain doctor --only limits",
    "dualbrain doctor --probe",
    "dualbrain doctor --json",
)
_SECRET = re.compile(r"key|token|secret|password", re.IGNORECASE)
_MASK = "********"


def doctor(
    desk: DeskOption = None,
    only: SettingsOption = None,
    probe: ProbeOption = False,
    is_json: JsonOption = False,
) -> None:
    """Show what is in force and who set it, the models, and what is missing.

    Exits 2 where the settings are refused, and says why. Only --probe asks
    models: three short questions each, at most 600 tokens an answer.
    """
    from desk.commands.files import check_desk_name
    from desk.settings import in_force, merge, sources, validate

    overrides = {} if desk is None else {"desk": check_desk_name(desk)}
    rows: list[InForce] = []
    settings: Settings | None = None
    refusal: DualbrainError | None = None
    try:
        found = sources(overrides)
        settings = validate(merge(found))
        rows = in_force(settings, found)
    except SettingsError as error:
        refusal = error
    name = check_desk_name(settings.desk if settings is not None else desk or "main")
    examined = machine_facts() + desk_facts(name, settings)
    missing = what_is_missing(settings)
    models = None if settings is None else _models(settings, probe=probe)
    shown = [row for row in rows if only is None or only.lower() in row.name.lower()]
    if is_json:
        told = _as_json(examined, missing, shown, refusal)
        told["models"] = None if models is None else models.model_dump(mode="json")
        typer.echo(json.dumps(told, indent=2))
    else:
        _print(examined, missing, models, shown, refusal)
    if refusal is not None:
        raise typer.Exit(refusal.exit_code)


def machine_facts() -> list[tuple[str, str]]:
    """Python and packages."""
    packages = ", ".join(f"{name} {found or 'MISSING'}" for name, found in _packages().items())
    return [("python", f"{sys.version.split()[0]} at {sys.executable}"), ("packages", packages)]


def desk_facts(name: str, settings: "Settings | None") -> list[tuple[str, str]]:
    """Home, desk, account, journal and kill switch."""
    from desk.folder import DeskFolder
    from desk.kill_switch import FileKillSwitch
    from desk.settings import desk_home

    folder = DeskFolder(desk_home() / name)
    account = "unknown, settings are refused" if settings is None else f"{settings.account_id}, PAPER"
    return [
        ("home", str(desk_home())),
        ("desk", name),
        ("account", account),
        ("journal", _journal_state(folder)),
        ("kill switch", FileKillSwitch(folder.path).halted_by() or "off"),
    ]


def what_is_missing(settings: "Settings | None") -> list[str]:
    """What would keep a desk from starting, one sentence each."""
    from desk.settings import desk_home

    missing = [f"package {name} is not installed" for name, found in _packages().items() if found is None]
    if not _is_writable(desk_home()):
        missing.append(f"the home {desk_home()} cannot be written; set DUALBRAIN_HOME to a folder that can")
    if settings is not None:
        files = (Path(file.path) for file in settings.feed.files)
        missing += [f"the feed file {path} does not exist" for path in files if not path.is_file()]
    return missing


def _models(settings: "Settings", *, probe: bool) -> "ModelsState":
    from desk.commands.doctor_models import examine_models
    from desk.commands.progress import ProgressReport
    from desk.keys import key_of, ollama_host
    from desk.present import to_stderr
    from desk.settings import desk_home

    examine = partial(examine_models, settings, home=desk_home(), host=ollama_host(), key_of=key_of)
    if not probe:
        return examine()
    with ProgressReport(to_stderr(), "asking") as report:
        return examine(on_probe=report.update)


def mask(name: str, value: object) -> str:
    """The value as text, or stars where the name says it is a secret."""
    return _MASK if _SECRET.search(name) and value not in (None, "") else str(value)


def _packages() -> dict[str, str | None]:
    """Every package this program declares, with the version found."""
    try:
        declared = [line for line in requires("dualbrain") or () if "extra ==" not in line]
    except PackageNotFoundError:
        return {"dualbrain": None}
    names = [re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in declared]
    return {name: _version(name) for name in sorted(names)}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _journal_state(folder: "DeskFolder") -> str:
    from contracts.records import DeskState, SessionEnded, SessionStarted
    from desk.present import moment
    from memory.journal import open_for_reading

    if not folder.journal.is_file():
        return f"none yet at {folder.journal}"
    try:
        journal = open_for_reading(folder.journal)
        try:
            tip, started = journal.tip(), journal.last(SessionStarted)
            ended, state = journal.last(SessionEnded), journal.last(DeskState)
            n_unfinished = len(journal.unfinished_cycles())
        finally:
            journal.close()
    except DualbrainError as error:
        return f"{folder.journal}\nnot readable: {error}"
    lines = [str(folder.journal), f"{tip.n_rows:,} rows, {folder.journal.stat().st_size / 1e6:,.1f} MB"]
    if state is not None:
        lines.append(f"decided through {moment(state.as_of)}, {n_unfinished:,} cycles unfinished")
    if started is not None:
        is_closed = ended is not None and ended.session_id == started.session_id
        end = f"ended: {ended.why}" if ended is not None and is_closed else "running now, or cut short"
        lines.append(f"last session began {moment(started.started_at)}, {end}")
    return "\n".join(lines)


def _is_writable(folder: Path) -> bool:
    import tempfile

    existing = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        # Asking for permission is not enough: a full or read-only disk grants it and then refuses.
        with tempfile.TemporaryFile(dir=existing):
            return True
    except OSError:
        return False


def _print(
    examined: list[tuple[str, str]],
    missing: list[str],
    models: "ModelsState | None",
    rows: "list[InForce]",
    refusal: DualbrainError | None,
) -> None:
    from desk.present import facts, plain_table, to_stdout

    out = to_stdout()
    out.print(facts([*examined, ("missing", "\n".join(missing) or "nothing")]))
    out.print()
    if models is not None:
        from desk.commands.doctor_models import model_lines

        out.print(facts(model_lines(models)))
        out.print()
    if refusal is not None:
        out.print(f"settings refused\n{refusal}")
        return
    lines = [(row.name, mask(row.name, row.value), row.source) for row in rows]
    out.print(plain_table(("setting", "value", "from"), lines))


def _as_json(
    examined: list[tuple[str, str]],
    missing: list[str],
    rows: "list[InForce]",
    refusal: DualbrainError | None,
) -> dict[str, object]:
    secret = {row.name: mask(row.name, row.value) for row in rows if _SECRET.search(row.name)}
    return {
        **dict(examined),
        "missing": missing,
        "settings": [
            {"name": row.name, "value": secret.get(row.name, row.value), "from": row.source} for row in rows
        ],
        "settings_refused": None if refusal is None else str(refusal),
    }
