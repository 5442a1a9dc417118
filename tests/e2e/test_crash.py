"""A desk killed between any two stages, and inside submit, loses nothing and sends nothing twice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork, which this system does not have")
def test_killed_at_every_boundary_the_desk_comes_to_the_same_records(tmp_path: Path) -> None:
    driver = [sys.executable, "-m", "tests.e2e.crash_driver", str(tmp_path)]
    run = subprocess.run(driver, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    results = [json.loads(line) for line in run.stdout.splitlines()]
    assert {r["stretch"] for r in results} == {"entry", "stop", "exit"}
    assert len(results) > 60
    for result in results:
        where = f"{result['stretch']}, {result['point']}: {result}"
        assert result["killed"] == "SIGKILL", where
        assert result["again"] == "exit 0", where
        assert result["problems"] == [], where
        assert result["unfinished"] == [], where
        assert not result["sent_twice"], where
        assert result["same"], where
