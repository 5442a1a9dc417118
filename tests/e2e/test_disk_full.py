"""A journal that cannot be written stops the desk before its next act, and nothing is lost."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
RUN = ("run", "--desk", "full", "--from", "2017-01-04", "--to", "2017-01-06")
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
sys.argv = ["dualbrain", *sys.argv[1:]]
from desk.main import main
sys.exit(main())
"""


def _dualbrain(
    home: Path, *arguments: str, file_limit: int | None = None
) -> subprocess.CompletedProcess[str]:
    program = ("-m", "desk.main") if file_limit is None else ("-c", LIMITED.format(limit=file_limit))
    return subprocess.run(
        (sys.executable, *program, *arguments),
        cwd=home,
        env=os.environ | {"DUALBRAIN_HOME": str(home), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs RLIMIT_FSIZE, which Windows does not have")
@pytest.mark.parametrize("limit", [60_000, 150_000, 300_000])
def test_full_disk_stops_the_run_with_exit_4_and_the_next_run_goes_on(tmp_path: Path, limit: int) -> None:
    stopped = _dualbrain(tmp_path, *RUN, file_limit=limit)
    assert stopped.returncode == 4, stopped.stderr
    assert "journal" in stopped.stderr.lower()
    assert "Traceback" not in stopped.stderr
    verified = _dualbrain(tmp_path, "audit", "verify", "--desk", "full")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    resumed = _dualbrain(tmp_path, *RUN)
    assert resumed.returncode == 0, resumed.stderr
    assert _dualbrain(tmp_path, "audit", "verify", "--desk", "full").returncode == 0
    assert _dualbrain(tmp_path, "replay", "--all", "--desk", "full").returncode == 0
