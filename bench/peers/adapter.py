"""What every adapter shares: its command line, the panel, the result files and the summary.

    run_X.py PANEL.npz OUTDIR --formulas all|name,name [--threads K]

The panel is an .npz of float64 arrays (time, instruments), one for each field, NaN where a value is missing.
OUTDIR gets one .npy of the panel's shape for each formula computed, and summary.json. The values are the
peer's own, infinities included; only a missing value of the peer's library (null, None) becomes NaN.
"""

import argparse
import importlib.metadata
import json
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Float2D: TypeAlias = npt.NDArray[np.float64]
Panel: TypeAlias = Mapping[str, Float2D]


@dataclass(frozen=True, slots=True)
class Peer:
    """One implementation: what it is made of, what it has, how it is asked."""

    name: str
    packages: tuple[str, ...]
    """Distributions whose versions go into the summary."""
    names: Callable[[], Sequence[str]]
    """Our names of the formulas it has; importing the peer is left to this and to `compute`."""
    compute: "Compute"
    options: Callable[[argparse.ArgumentParser], None] | None = None
    """Adds what only this peer asks."""


@dataclass(frozen=True, slots=True)
class Request:
    """One run."""

    panel: Panel
    wanted: tuple[str, ...]
    threads: int
    options: argparse.Namespace

    @property
    def shape(self) -> tuple[int, int]:
        n_times, n_instruments = next(iter(self.panel.values())).shape
        return n_times, n_instruments


@dataclass(slots=True)
class Tally:
    """Writes results as they come, so that hundreds of formulas need not lie in memory; counts and times."""

    outdir: Path
    shape: tuple[int, int]
    kept: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(
        default_factory=lambda: {"compute": 0.0, "compile": 0.0, "prepare": 0.0}
    )
    seconds_of: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def keep(self, name: str, values: npt.ArrayLike) -> None:
        """Write one formula's values; a wrong shape is a failure of that formula alone."""
        array = np.ascontiguousarray(values, dtype=np.float64)
        if array.shape != self.shape:
            self.failures[name] = f"expected values of shape {self.shape}, found {array.shape}"
            return
        np.save(self.outdir / f"{name}.npy", array)
        self.kept.append(name)

    @contextmanager
    def timed(self, what: str, name: str | None = None) -> Iterator[None]:
        """Add to the seconds of compute, compile or prepare, and to the formula's own when it has a name."""
        started = time.perf_counter()
        try:
            yield
        finally:
            elapsed = time.perf_counter() - started
            self.seconds[what] += elapsed
            if name is not None:
                self.seconds_of[name] = self.seconds_of.get(name, 0.0) + elapsed


class Compute(Protocol):
    """Computes what is wanted, into the tally."""

    def __call__(self, request: Request, tally: Tally) -> None: ...


def main(peer: Peer) -> int:
    """The whole of an adapter; returns the exit status, 1 when nothing could be computed."""
    request, outdir = _read(peer)
    outdir.mkdir(parents=True, exist_ok=True)
    tally = Tally(outdir, request.shape)
    peer.compute(request, tally)
    summary = _summary(peer, request, tally)
    (outdir / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(
        f"{peer.name}: {len(tally.kept)} formulas on {request.shape[0]} x {request.shape[1]}, "
        f"{len(tally.failures)} failed, {tally.seconds['compute']:.2f} s of compute"
    )
    return int(not tally.kept)


def first_line(error: BaseException) -> str:
    """An error as a reason that fits a table."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}"[:300]


def _read(peer: Peer) -> tuple[Request, Path]:
    parser = argparse.ArgumentParser(description=f"Formulas by {peer.name}.")
    parser.add_argument("panel", type=Path, help="an .npz of float64 arrays (time, instruments) by field")
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--formulas", default="all", help="all, or our names joined by commas")
    parser.add_argument("--threads", type=int, default=1)
    if peer.options is not None:
        peer.options(parser)
    options = parser.parse_args()
    known = tuple(peer.names())
    asked = known if options.formulas == "all" else tuple(options.formulas.split(","))
    if unknown := [name for name in asked if name not in known]:
        parser.error(f"expected formulas that {peer.name} has, found {', '.join(unknown)}")
    return Request(_load(options.panel), asked, options.threads, options), options.outdir


def _load(path: Path) -> Panel:
    with np.load(path) as arrays:
        panel = {name: np.ascontiguousarray(arrays[name], dtype=np.float64) for name in arrays.files}
    shapes = {array.shape for array in panel.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2:
        sys.exit(f"expected fields of one shape (time, instruments) in {path.name}, found {sorted(shapes)}")
    return panel


def _summary(peer: Peer, request: Request, tally: Tally) -> dict[str, object]:
    failed = {name: reason for name, reason in tally.failures.items() if name not in tally.kept}
    return {
        "peer": peer.name,
        "versions": {name: importlib.metadata.version(name) for name in peer.packages},
        "python": platform.python_version(),
        "options": {
            key: str(value) for key, value in vars(request.options).items() if key not in ("panel", "outdir")
        },
        "shape": list(request.shape),
        "n_formulas": len(tally.kept),
        "failures": failed,
        "compute_s": round(tally.seconds["compute"], 4),
        "compile_s": round(tally.seconds["compile"], 4),
        "prepare_s": round(tally.seconds["prepare"], 4),
        "formula_s": {name: round(seconds, 5) for name, seconds in tally.seconds_of.items()},
        "peak_rss_mib": _peak_rss_mib(),
        "notes": tally.notes,
        "formulas": tally.kept,
    }


def _peak_rss_mib() -> float:
    # Of this process alone. What getrusage says on Linux begins with the memory of whoever started it.
    status = Path("/proc/self/status")
    if status.exists():
        return round(float(status.read_text(encoding="ascii").split("VmHWM:")[1].split()[0]) / 2**10, 1)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 1)
