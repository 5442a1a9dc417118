"""What `--help` really loads, seen in a process of its own."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from desk.main import app

HEAVY = ("ccxt", "langgraph", "numpy", "pandas", "polars", "sqlite_utils", "talib", "textual", "torch")
COMMANDS = (
    "demo",
    "run",
    "chat",
    "questions",
    "answer",
    "replay",
    "ask",
    "doctor",
    "halt",
    "resume",
    "reset-kelly",
    "audit ls",
    "audit show",
    "audit verify",
    "audit export",
    "audit exchange",
    "tools ls",
    "tools show",
    "tools call",
    "tools explain",
    "tools features",
    "tools words",
    "models ls",
    "models show",
    "models pull",
    "models check",
)


@pytest.mark.parametrize("command", [(), ("run",), ("chat",), ("ask",), ("audit",), ("tools", "call")])
def test_help_loads_nothing_heavy(command: tuple[str, ...]) -> None:
    program = (
        "import json, sys\n"
        "from desk.main import main\n"
        f"sys.argv = ['dualbrain', *{list(command)!r}, '--help']\n"
        "try:\n    main()\nexcept SystemExit as stopped:\n    code = stopped.code\n"
        "rooms = sorted({name.partition('.')[0] for name in sys.modules})\n"
        "print(json.dumps([code, rooms]), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    code, loaded = json.loads(done.stderr.splitlines()[-1])
    assert code == 0
    assert set(loaded).isdisjoint(HEAVY), sorted(set(loaded) & set(HEAVY))
    assert "desk" in loaded


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example_and_its_exit_codes(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert f"dualbrain {command}" in result.stdout.split("Examples:")[1]
    assert "Exit codes: 0 fine;" in " ".join(result.stdout.split())


def test_no_command_is_missing_from_the_list_above() -> None:
    import typer

    root = typer.main.get_command(app)
    names = set()
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        names |= {f"{name} {each}" for each in inner} if inner else {name}
    assert names == set(COMMANDS)
