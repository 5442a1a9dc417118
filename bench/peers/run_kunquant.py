"""Alpha101 (82 of the 101) and Alpha158 by KunQuant (Apache-2.0): factors compiled to C++ and run in threads.

    .venv-peers/bin/python bench/peers/run_kunquant.py PANEL.npz OUT --formulas all --threads 2

Needs g++ and an x86-64 CPU with AVX2 and FMA. In double precision, with the panel's own vwap, in the memory
layout that it is fastest with; turning the panel into that is not compute time. The compute time is that of
a second run over the same memory: the first one also pays for its pages.

`--arithmetic exact` computes every window on its own and takes the C library's logarithm; `fast`, its own
default in double precision, keeps running sums and has logarithms good to 8 digits. Either way its
exponentials, and so all powers but constant ones, are good to 6.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

# As a script, Python looks beside this file and not in the repository.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.peers.adapter import Float2D, Peer, Request, Tally, first_line, main

LANES = 4
"""Instruments side by side in a block: what AVX2 holds in double precision."""
INPUTS = ("open", "high", "low", "close", "volume", "vwap")
ALPHA158 = {"kbar": {}, "rolling": {"windows": [5, 10, 20, 30, 60]}}
"""Qlib's default configuration, besides the four prices of the bar, which KunQuant wants as expressions."""
ARITHMETIC: dict[str, dict[str, object]] = {
    "exact": {"no_fast_stat": True, "fast_log": False},
    # "no_warn" is its way to say: yes, fast, and do not print a warning.
    "fast": {"no_fast_stat": "no_warn", "fast_log": True},
}

Expressions: TypeAlias = Callable[[], dict[str, object]]


class Library(Protocol):
    """What its compiler gives back."""

    def getModule(self, name: str) -> object: ...  # noqa: N802  # its name


def names() -> Sequence[str]:
    """What the two predefined modules hold, under our names."""
    return (*_alpha101(), *_alpha158())


def compute(request: Request, tally: Tally) -> None:
    """One library of C++ for each of the two sets."""
    for library, ours, expressions in (
        ("alpha101", _alpha101(), _alpha101_expressions),
        ("alpha158", _alpha158(), _alpha158_expressions),
    ):
        wanted = {
            theirs: name for theirs, name in zip(_theirs(ours), ours, strict=True) if name in request.wanted
        }
        if not wanted:
            continue
        try:
            _run(library, wanted, expressions, request, tally)
        except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
            tally.failures |= dict.fromkeys(wanted.values(), first_line(error))


def options(parser: argparse.ArgumentParser) -> None:
    """What only this peer asks."""
    parser.add_argument("--arithmetic", choices=("fast", "exact"), default="fast")


def _run(
    library: str, wanted: dict[str, str], expressions: Expressions, request: Request, tally: Tally
) -> None:
    from KunQuant.runner import KunRunner  # type: ignore[import-not-found]  # lives in .venv-peers

    with tally.timed("compile"):
        compiled = _compile(library, wanted, expressions, request, tally)
    n_times, n_instruments = request.shape
    with tally.timed("prepare"):
        inputs = {name: _blocks(request.panel[name]) for name in INPUTS if name in request.panel}
    outputs = {theirs: np.empty((-(-n_instruments // LANES), n_times, LANES)) for theirs in wanted}
    executor = (
        KunRunner.createSingleThreadExecutor()
        if request.threads == 1
        else KunRunner.createMultiThreadExecutor(request.threads)
    )
    module = compiled.getModule(library)
    for what in ("prepare", "compute"):
        with tally.timed(what):
            KunRunner.runGraph(executor, module, inputs, 0, n_times, outputs, num_stocks=n_instruments)
    for theirs, name in wanted.items():
        tally.keep(name, outputs[theirs].transpose(1, 0, 2).reshape(n_times, -1)[:, :n_instruments])


def _compile(
    library: str, wanted: dict[str, str], expressions: Expressions, request: Request, tally: Tally
) -> "Library":
    from KunQuant.Driver import KunCompilerConfig  # type: ignore[import-not-found]  # lives in .venv-peers
    from KunQuant.jit import cfake  # type: ignore[import-not-found]  # lives in .venv-peers
    from KunQuant.Op import Builder, Output  # type: ignore[import-not-found]  # lives in .venv-peers
    from KunQuant.Stage import Function  # type: ignore[import-not-found]  # lives in .venv-peers

    builder = Builder()
    with builder:
        for theirs, expression in expressions().items():
            if theirs in wanted:
                Output(expression, theirs)
    config = KunCompilerConfig(
        dtype="double",
        blocking_len=LANES,
        input_layout="STs",
        output_layout="STs",
        split_source=12,
        options={"opt_reduce": True} | ARITHMETIC[request.options.arithmetic],
    )
    compiled: Library = cfake.compileit(
        [(library, Function(builder.ops), config)],
        library,
        cfake.CppCompilerConfig(machine=cfake.X64CPUFlags()),
        tempdir=str(tally.outdir),
    )
    return compiled


def _blocks(rows: Float2D) -> npt.NDArray[np.float64]:
    n_times, n_instruments = rows.shape
    filled = np.pad(rows, ((0, 0), (0, -n_instruments % LANES)), constant_values=np.nan)
    return np.ascontiguousarray(filled.reshape(n_times, -1, LANES).transpose(1, 0, 2))


def _alpha101_expressions() -> dict[str, object]:
    from KunQuant.Op import Input
    from KunQuant.predefined import Alpha101  # type: ignore[import-not-found]  # lives in .venv-peers

    data = Alpha101.AllData(**{name: Input(name) for name in INPUTS})
    return {alpha.__name__: alpha(data) for alpha in Alpha101.all_alpha}


def _alpha158_expressions() -> dict[str, object]:
    from KunQuant.Op import Input
    from KunQuant.predefined import Alpha158

    data = Alpha158.AllData(**{name: Input(name) for name in INPUTS})
    # Its constructor forgets a vwap that it is given.
    data.vwap = Input("vwap")
    prices = [(field.upper(), getattr(data, field)) for field in ("open", "high", "low", "vwap")]
    expressions, theirs = data.build(ALPHA158 | {"price": {"windows": [0], "feature": prices}})
    return dict(zip(theirs, expressions, strict=True))


def _alpha101() -> tuple[str, ...]:
    from KunQuant.predefined import Alpha101

    return tuple(f"alpha101_{alpha.__name__.removeprefix('alpha')}" for alpha in Alpha101.all_alpha)


def _alpha158() -> tuple[str, ...]:
    from KunQuant.Op import Builder

    with Builder():
        return tuple(f"alpha158_{name.lower()}" for name in _alpha158_expressions())


def _theirs(ours: Sequence[str]) -> list[str]:
    return [
        f"alpha{name[-3:]}" if name.startswith("alpha101_") else name.removeprefix("alpha158_").upper()
        for name in ours
    ]


if __name__ == "__main__":
    sys.exit(main(Peer("KunQuant", ("kunquant", "numpy"), names, compute, options)))
