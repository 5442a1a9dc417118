"""Alpha101 by alpha101v (MIT): pandas, one formula after the other, as its own registry runs them.

    .venv-peers/bin/python bench/peers/run_alpha101v.py PANEL.npz OUT --formulas all

The panel's `industry` stands for all three classifications, and `amount` for what its adv averages. Its
registry returns float32 unless asked; here it is asked for float64. It turns infinities into missing values
at the end of a formula, not inside. Its decay_linear counts a missing value as 0; `--decay dense` is its own
way to ask for complete windows. It runs on one thread whatever `--threads` says.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

# As a script, Python looks beside this file and not in the repository.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.peers.adapter import Peer, Request, Tally, first_line, main

FIELDS = {
    "Open": "open",
    "high": "high",
    "low": "low",
    "close": "close",
    "volume": "volume",
    "vwap": "vwap",
    "amount": "amount",
    "returns": "returns",
    "cap": "cap",
    "ind_sector": "industry",
    "ind_industry": "industry",
    "ind_subindustry": "industry",
}
"""Its names of the panel's fields."""


def names() -> Sequence[str]:
    """All 101."""
    return [f"alpha101_{number:03d}" for number in range(1, 102)]


def compute(request: Request, tally: Tally) -> None:
    """Each formula on its own: that is how the library computes."""
    from alpha101v import research_mode  # type: ignore[import-not-found]  # lives in .venv-peers

    with tally.timed("prepare"):
        frames = _frames(request)
    with research_mode(decay_dense=request.options.decay == "dense"):
        for name in request.wanted:
            _run(name, frames, tally)


def options(parser: argparse.ArgumentParser) -> None:
    """What only this peer asks."""
    parser.add_argument("--decay", choices=("sparse", "dense"), default="sparse")


def _run(name: str, frames: dict[str, pd.DataFrame], tally: Tally) -> None:
    from alpha101v.registry import REGISTRY, run_factor  # type: ignore[import-not-found]  # .venv-peers

    theirs = f"alpha{int(name[-3:])}"
    if missing := {FIELDS[field] for field in REGISTRY[theirs].params if field not in frames}:
        tally.failures[name] = f"the panel has no {', '.join(sorted(missing))}"
        return
    try:
        with tally.timed("compute", name):
            # Its formulas change no input, so the copies it makes by default cost time for nothing.
            frame = run_factor(theirs, frames, copy_inputs=False, dtype=np.float64)
    except (TypeError, ValueError) as error:
        tally.failures[name] = first_line(error)
        return
    tally.keep(name, frame.to_numpy())


def _frames(request: Request) -> dict[str, pd.DataFrame]:
    n_times, n_instruments = request.shape
    times = pd.date_range("2000-01-03", periods=n_times, freq="D")
    columns = [f"i{j:04d}" for j in range(n_instruments)]
    return {
        theirs: pd.DataFrame(request.panel[ours], index=times, columns=columns)
        for theirs, ours in FIELDS.items()
        if ours in request.panel
    }


if __name__ == "__main__":
    sys.exit(main(Peer("alpha101v", ("alpha101v", "numpy", "pandas", "scipy"), names, compute, options)))
