"""The formula engine beside other people's, in one run on the same panels: seconds, memory, the bound.

    python -m bench.formulas [--write] [--quick]

Two panels of random prices: 2,520 x 500 (ten years of daily bars, 500 stocks) and 5,000 x 28 (hourly bars, 28
pairs). Every implementation runs in a process of its own; what is compiled or loaded first is not counted. A
peer has its own environment (`bench/peers/`). `--quick` leaves out the peers and the large panel.

The bound is what memory alone would take: the fields read once, the results written once, at the speed
at which this machine copies.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.peers import environment
from bench.report import publish, table
from tests.tools.formulas.panels import random_panel
from tools.formulas.catalogue import published
from tools.formulas.engine import Panel, compute_formulas, iter_formulas

ROOT = Path(__file__).resolve().parent.parent
BIG, SMALL, TINY = (2520, 500), (5000, 28), (120, 8)
LIVE = (600, 28)
OURS = "dualbrain"
N_RUNS = 5
SETS = ("alpha101", "alpha191", "alpha158", "alpha360", "")
"""Beginnings of names; the empty one is all 810."""


@dataclass(frozen=True, slots=True)
class Timed:
    """One implementation on one set."""

    who: str
    names: tuple[str, ...]
    threads: int
    seconds: float
    rss_mib: float


@dataclass(frozen=True, slots=True)
class Rival:
    """A peer's adapter and the beginnings of the names that it is timed on."""

    script: str
    title: str
    sets: tuple[str, ...]
    threads: tuple[int, ...] = (1,)


@dataclass(frozen=True, slots=True)
class Summary:
    """What an adapter says of one run."""

    names: tuple[str, ...]
    seconds: float
    rss_mib: float


RIVALS = (
    Rival("run_kunquant.py", "KunQuant", ("alpha101", "alpha158"), (1, 2)),
    Rival("run_alpha101v.py", "alpha101v", ("alpha101",)),
    Rival("run_qlib.py", "Qlib", ("alpha158", "alpha360")),
    Rival("run_polars_ta.py", "polars_ta", ("alpha191",), (2,)),
)


def main(arguments: Sequence[str]) -> int:
    """Measure and publish, or, as a subprocess, time our engine and print JSON."""
    if arguments[:1] == ["--ours"]:
        _time_ours(Path(arguments[1]), arguments[2].split(","), int(arguments[3]))
        return 0
    is_quick = "--quick" in arguments
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        rivals = () if is_quick or environment.main() else RIVALS
        known = {rival: _names_of(rival, place) for rival in rivals}
        shapes = (SMALL,) if is_quick else (BIG, SMALL)
        parts = [_live(), *(_on(shape, known, place) for shape in shapes)]
    publish("formulas", "The formula engine beside other people's", "\n\n".join(parts))
    return 0


def _on(shape: tuple[int, int], known: dict[Rival, dict[str, tuple[str, ...]]], place: Path) -> str:
    path = _saved(shape, place)
    print(f"{shape[0]} x {shape[1]}", file=sys.stderr, flush=True)
    cores = os.cpu_count() or 1
    rows = []
    copy_bytes_s = _copy_speed()
    for begin in SETS:
        names = tuple(name for name in published() if name.startswith(begin))
        ours = _ours(path, names, cores)
        bound = _bound(names, shape, copy_bytes_s)
        rows.append(_row(_title(begin), ours, ours, bound))
    for rival, sets in known.items():
        for names in sets.values():
            for threads in rival.threads:
                theirs = _theirs(rival, path, names, threads, place)
                ours = _ours(path, names, threads)
                title = f"{len(names)} of {_title(names[0].split('_')[0])}"
                rows += [_row(title, theirs, ours, None), _row(title, ours, ours, None)]
    head = ("formulas", "by", "threads", "s", "over ours", "peak MiB", "memory bound s")
    return f"## {shape[0]:,} x {shape[1]}\n\n{table(head, rows)}"


def _title(begin: str) -> str:
    n = sum(name.startswith(begin) for name in published())
    return f"{begin.capitalize()} ({n})" if begin else f"all {n}"


def _row(title: str, timed: Timed, ours: Timed, bound: float | None) -> tuple[str, ...]:
    ratio = timed.seconds / ours.seconds
    return (
        title,
        timed.who,
        str(timed.threads),
        f"{timed.seconds:.2f}",
        f"{ratio:.1f}",
        f"{timed.rss_mib:,.0f}",
        "" if bound is None else f"{bound:.2f}",
    )


def _live() -> str:
    """The newest row of everything, as a desk asks for it bar after bar."""
    panel = random_panel(*LIVE)
    names = tuple(published())
    compute_formulas(names, panel, last_only=True)
    took = []
    for _ in range(30):
        started = time.perf_counter()
        compute_formulas(names, panel, last_only=True)
        took.append(time.perf_counter() - started)
    return (
        f"The newest row of all {len(names)} on {LIVE[0]} x {LIVE[1]}: median "
        f"{statistics.median(took) * 1e3:.1f} ms, best {min(took) * 1e3:.1f} ms. A cold process, from its "
        f"start to the first value of one formula: {_cold_seconds():.2f} s (median of {N_RUNS})."
    )


def _cold_seconds() -> float:
    program = (
        "import numpy as np\n"
        "from tools.formulas.engine import compute_formulas\n"
        "close = np.linspace(1, 2, 600 * 28).reshape(600, 28)\n"
        "compute_formulas(['alpha101_009'], {'close': close}, last_only=True)\n"
    )
    took = []
    for _ in range(N_RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
        took.append(time.perf_counter() - started)
    return statistics.median(took)


def _ours(path: Path, names: Sequence[str], threads: int) -> Timed:
    command = [sys.executable, "-m", "bench.formulas", "--ours", str(path), ",".join(names), str(threads)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return Timed(OURS, tuple(names), threads, found["seconds"], found["rss_mib"])


def _time_ours(path: Path, names: Sequence[str], threads: int) -> None:
    panel = _loaded(path)
    for _ in iter_formulas(names, random_panel(*TINY), threads=1):
        pass
    took = []
    for _ in range(N_RUNS):
        started = time.perf_counter()
        for _ in iter_formulas(names, panel, threads=threads):
            pass
        took.append(time.perf_counter() - started)
    print(json.dumps({"seconds": statistics.median(took), "rss_mib": _peak_mib()}))


def _peak_mib() -> float:
    """Of this process alone: what getrusage says begins with the parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return float(status.split("VmHWM:")[1].split()[0]) / 1024


def _names_of(rival: Rival, place: Path) -> dict[str, tuple[str, ...]]:
    """What the peer has of each set, found on a panel that costs nothing."""
    summary = _adapt(rival, _saved(TINY, place), "all", 1, place)
    return {begin: tuple(n for n in summary.names if n.startswith(begin)) for begin in rival.sets}


def _theirs(rival: Rival, path: Path, names: Sequence[str], threads: int, place: Path) -> Timed:
    print(f"  {rival.title}, {len(names)}, {threads}", file=sys.stderr, flush=True)
    started = time.perf_counter()
    first = _adapt(rival, path, ",".join(names), threads, place)
    # One run of what takes long, compiling included; three of the others.
    took, n_more = [first.seconds], 0 if time.perf_counter() - started > 10 else 2
    took += [_adapt(rival, path, ",".join(names), threads, place).seconds for _ in range(n_more)]
    return Timed(rival.title, tuple(names), threads, statistics.median(took), first.rss_mib)


def _adapt(rival: Rival, path: Path, names: str, threads: int, place: Path) -> Summary:
    out = place / "peer"
    command = [str(environment.PYTHON), f"bench/peers/{rival.script}", str(path), str(out)]
    command += ["--formulas", names, "--threads", str(threads)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    found = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    for file in out.glob("*.npy"):
        file.unlink()
    return Summary(tuple(found["formulas"]), found["compute_s"], found["peak_rss_mib"])


def _saved(shape: tuple[int, int], place: Path) -> Path:
    path = place / f"{shape[0]}x{shape[1]}.npz"
    if not path.exists():
        np.savez(path, **random_panel(*shape))  # type: ignore[arg-type]  # numpy's stub mistakes names for flags
    return path


def _loaded(path: Path) -> Panel:
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _copy_speed() -> float:
    """Bytes a second that one core reads and writes again."""
    source, target = np.ones(32 * 2**20), np.empty(32 * 2**20)
    took = []
    for _ in range(5):
        started = time.perf_counter()
        np.copyto(target, source)
        took.append(time.perf_counter() - started)
    return 2 * source.nbytes / min(took)


def _bound(names: Sequence[str], shape: tuple[int, int], copy_bytes_s: float) -> float:
    n_fields = len({"open", "high", "low", "close", "volume", "vwap"})
    return 8 * shape[0] * shape[1] * (len(names) + n_fields) / copy_bytes_s


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
