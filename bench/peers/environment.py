"""Make `.venv-peers`, where the peers live, from its lock; run inside the environment bootstrap.py made.

    python -m bench.peers.environment

The lock is made from locks/peers.in with what locks/peers-excluded.txt names left out: Qlib asks for mlflow,
jupyter, lightgbm and more, which its expression engine never imports.

    uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
        --no-annotate --excludes locks/peers-excluded.txt locks/peers.in -o locks/peers.txt

Nothing is written outside `.venv-peers`; nothing is done when it already matches the lock.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "locks" / "peers.txt"
VENV = ROOT / ".venv-peers"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

LICENCES = {
    "alpha101v": "MIT License",
    "expr_codegen": "BSD 3-Clause License",
    "kunquant": "Apache License",
    "polars_ta": "MIT License",
    "pyqlib": "MIT License",
}
"""What each installed peer must state, in its licence file or, without one, in its classifiers."""

_READ_LICENCES = """
import importlib.metadata, json, sys
found = {}
for name in json.loads(sys.argv[1]):
    package = importlib.metadata.distribution(name)
    texts = [f.locate().read_text(encoding="utf-8") for f in package.files or () if f.name == "LICENSE"]
    classifiers = [c for c in package.metadata.get_all("Classifier") or () if c.startswith("License")]
    found[name] = [package.version, " ".join(" ".join([*texts[:1], *classifiers]).split())[:200]]
print(json.dumps(found))
"""


def main() -> int:
    """Install; say what was installed under which licence; returns the exit status."""
    if not _is_current() and not _install():
        print("could not make .venv-peers; the lines above say why")
        return 1
    if shutil.which("g++") is None:
        print("expected g++, found none: run_kunquant.py compiles its formulas with it")
    return _check_licences()


def _install() -> bool:
    print(f"installing {VENV.name} from {LOCK.relative_to(ROOT)}")
    uv = (sys.executable, "-m", "uv", "--quiet", "--no-cache")
    steps = (
        (*uv, "venv", "--clear", "--python", sys.executable, str(VENV)),
        # sync, which resolves nothing: the lock lacks on purpose what Qlib asks for and does not need.
        (*uv, "pip", "sync", "--python", str(PYTHON), "--require-hashes", str(LOCK)),
    )
    if all(subprocess.run(step, check=False).returncode == 0 for step in steps):
        _stamp().write_text(_digest(), encoding="utf-8")
        return True
    return False


def _is_current() -> bool:
    return PYTHON.exists() and _stamp().exists() and _stamp().read_text(encoding="utf-8") == _digest()


def _stamp() -> Path:
    return VENV / "installed"


def _digest() -> str:
    digest = hashlib.sha256(LOCK.read_bytes() + Path(__file__).read_bytes())
    return f"{digest.hexdigest()} {sys.version_info[:2]} {ROOT}"


def _check_licences() -> int:
    command = (str(PYTHON), "-c", _READ_LICENCES, json.dumps(list(LICENCES)))
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    n_unexpected = 0
    for name, wanted in LICENCES.items():
        version, text = found[name]
        print(f"{name} {version}: {wanted}")
        if wanted not in text:
            print(
                f"expected the {wanted} in {name}'s metadata, found: {text or 'nothing'}; read it before use"
            )
            n_unexpected += 1
    return int(n_unexpected > 0)


if __name__ == "__main__":
    sys.exit(main())
