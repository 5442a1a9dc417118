"""Every check of the repository, one after the other; run inside the environment bootstrap.py made.

python check.py            all: format, lint, types, layers, tests, docs
python check.py --fast     the half that takes seconds
python check.py --verify   the long half: fuzz, soak, benchmarks; rewrites docs/measured/
"""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
PYTEST = (sys.executable, "-m", "pytest", "-q")

STATIC: dict[str, tuple[str, ...]] = {
    "format": (str(BIN / "ruff"), "format", "--check", "."),
    "lint": (str(BIN / "ruff"), "check", "."),
    "types": (sys.executable, "-m", "mypy"),
    "layers": (str(BIN / "lint-imports"),),
}
FULL = STATIC | {"tests and docs": (*PYTEST, "-n", "2")}
FAST = STATIC | {"fast tests": (*PYTEST, "-n", "2", "-m", "not slow")}
VERIFY: dict[str, tuple[str, ...]] = {
    "fuzz": (*PYTEST, "-n", "2", "-m", "hypothesis", "--hypothesis-profile", "fuzz", "--timeout", "1800"),
    "cycle": (sys.executable, "-m", "bench.cycle", "--write"),
    "brains": (sys.executable, "-m", "bench.brains", "--write"),
    "soak": (sys.executable, "-m", "bench.soak", "--write"),
    "demo": (sys.executable, "-m", "bench.demo", "--write"),
    "terminal": (sys.executable, "-m", "bench.tui", "--write"),
    "grounding": (sys.executable, "-m", "bench.grounding", "--write"),
    "cost": (sys.executable, "-m", "bench.cost", "--write"),
    "mutation": (sys.executable, "-m", "bench.mutation", "--write"),
    "agreement": (sys.executable, "-m", "bench.agreement", "--write"),
    "strength": (sys.executable, "-m", "bench.strength", "--write"),
    "formulas": (sys.executable, "-m", "bench.formulas", "--write"),
    "tools": (sys.executable, "-m", "bench.tools", "--write"),
}
CHOICES = {(): FULL, ("--fast",): FAST, ("--verify",): VERIFY}


def main(arguments: list[str]) -> int:
    """Run the chosen checks to the end; returns 1 when any failed."""
    steps = CHOICES.get(tuple(arguments))
    if steps is None:
        print(f"expected nothing, --fast or --verify, found {' '.join(arguments)}")
        return 2
    failed = [name for name, command in steps.items() if not _passes(name, command)]
    print(f"\nfailed: {', '.join(failed)}" if failed else f"\nall {len(steps)} checks passed")
    return 1 if failed else 0


def _passes(name: str, command: tuple[str, ...]) -> bool:
    print(f"\n== {name}", flush=True)
    started = time.monotonic()
    is_good = subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    print(f"== {name}: {'passed' if is_good else 'FAILED'} in {time.monotonic() - started:.1f} s", flush=True)
    return is_good


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
