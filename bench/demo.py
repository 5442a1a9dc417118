"""How long a newcomer waits: `make demo` on a fresh clone, and again when everything is installed.

Clones this checkout's last commit into a temporary folder and follows the README. The first run makes
the environment and installs from the package index this machine is set up with.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.report import publish, table

ROOT = Path(__file__).resolve().parent.parent
N_AGAIN = 3


def main() -> int:
    """Measure and publish; the exit status of the first `make demo` that failed."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(("git", "clone", "--quiet", str(ROOT), str(clone)), check=True)
        env = {name: value for name, value in os.environ.items() if not name.startswith("DUALBRAIN_")}
        seconds = []
        for _ in range(1 + N_AGAIN):
            started = time.monotonic()
            status = subprocess.run(
                ("make", "demo"), cwd=clone, env=env, stdout=subprocess.DEVNULL, check=False
            ).returncode
            if status != 0:
                return status
            seconds.append(time.monotonic() - started)
    rows = [
        ("fresh clone, environment and all", f"{seconds[0]:.1f}"),
        (f"installed, median of {N_AGAIN}", f"{statistics.median(seconds[1:]):.1f}"),
    ]
    publish("demo", "Time of make demo", table(("make demo", "seconds"), rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
