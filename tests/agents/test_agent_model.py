"""What the pydantic-ai agents share, seen in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.desk.command_line import dualbrain
from tests.servers.answers import Completion
from tests.servers.scripted import ScriptedServer

ASK = """
import asyncio, sys
from pathlib import Path
from desk.asking import open_assistant
from desk.settings import load_settings

home = Path(sys.argv[1])
with open_assistant(load_settings({"desk": "d"}, home), home=home) as asking:
    print(asyncio.run(asking.assistant.ask("what waits?")).text)
"""
SILENT = ("PYDANTIC_AI_NO_BANNER", "CI", "PYTEST_VERSION")
"""Under which pydantic-ai 2.68 prints nothing by itself (its _display.py, read 2026-11)."""


@pytest.mark.slow
def test_the_first_answer_of_a_process_prints_nothing_of_the_librarys_own(
    tmp_path: Path, scripted: ScriptedServer
) -> None:
    window = ("--sample", "eurusd-2017", "--from", "2017-01-04T09:00", "--to", "2017-01-04T09:00")
    assert dualbrain(tmp_path, "run", *window, "--desk", "d").code == 0
    model = (
        f'provider = "openai-compatible"\nmodel = "m"\nbase_url = "{scripted.base_url}"\nability = "tools"\n'
    )
    (tmp_path / "dualbrain.toml").write_text(f'[assistant]\n{model}[budget]\nunpriced = "count_tokens"\n')
    scripted.always(Completion("Nothing waits."))
    # AI_AGENT has it greet a pipe as it greets a terminal.
    told = {name: value for name, value in os.environ.items() if name not in SILENT} | {"AI_AGENT": "test"}
    done = subprocess.run(
        (sys.executable, "-c", ASK, str(tmp_path)),
        cwd=tmp_path,
        env=told | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.stdout, done.stderr) == ("Nothing waits.\n", "")
