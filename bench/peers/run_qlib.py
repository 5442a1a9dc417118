"""Alpha158 and Alpha360 by Qlib (pyqlib, MIT): its own expression texts, parser, operators and cache.

    .venv-peers/bin/python bench/peers/run_qlib.py PANEL.npz OUT --formulas all [--data files --threads 2]

Two ways in:

- `--data memory` (default) for values: its expressions load each field from the panel in float64, in this
  process. Its own files and its own results are float32, which hides what formulas of differences do.
- `--data files` for times: a data folder as its users have it (float32, one file a field and instrument)
  and `D.features` in `--threads` processes.

Qlib is set up without its experiment recorder, which alone needs mlflow.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

# As a script, Python looks beside this file and not in the repository.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.peers.adapter import Float2D, Panel, Peer, Request, Tally, first_line, main

FIELDS = ("open", "high", "low", "close", "volume", "vwap")
AT_ONCE = 80
"""Formulas held in memory together."""


def names() -> Sequence[str]:
    """All of both sets."""
    return tuple(_expressions())


def compute(request: Request, tally: Tally) -> None:
    """A batch of formulas after the other, in each of them an instrument after the other."""
    texts = {name: text for name, text in _expressions().items() if name in request.wanted}
    with tempfile.TemporaryDirectory(dir=tally.outdir) as folder:
        with tally.timed("prepare"):
            if request.options.data == "files":
                _write_files(request.panel, Path(folder))
            _set_up(Path(folder), request.threads)
        for batch in _batches(list(texts)):
            try:
                if request.options.data == "files":
                    _by_files({name: texts[name] for name in batch}, request, tally)
                else:
                    _by_memory({name: texts[name] for name in batch}, request, tally)
            except (KeyError, TypeError, ValueError) as error:
                tally.failures |= dict.fromkeys(batch, first_line(error))


def options(parser: argparse.ArgumentParser) -> None:
    """What only this peer asks."""
    parser.add_argument("--data", choices=("memory", "files"), default="memory")


class _PanelFeatures:
    """What Qlib asks a feature provider for, from the panel in memory."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    def feature(
        self, instrument: str, field: str, start_index: int, end_index: int, freq: str
    ) -> "pd.Series[float]":
        del freq
        values = self._panel[field.removeprefix("$")][start_index : end_index + 1, int(instrument)]
        return pd.Series(values, index=pd.RangeIndex(start_index, start_index + len(values)))


def _by_memory(texts: dict[str, str], request: Request, tally: Tally) -> None:
    from qlib.data.cache import H  # type: ignore[import-not-found]  # lives in .venv-peers
    from qlib.data.data import ExpressionD, FeatureD  # type: ignore[import-not-found]  # lives in .venv-peers

    FeatureD.register(_PanelFeatures(request.panel))
    H.clear()
    n_times, n_instruments = request.shape
    values: dict[str, Float2D] = {name: np.empty(request.shape) for name in texts}
    with tally.timed("compute"):
        expressions = {name: ExpressionD.get_expression_instance(text) for name, text in texts.items()}
        for column in range(n_instruments):
            for name, expression in expressions.items():
                values[name][:, column] = expression.load(str(column), 0, n_times - 1, "day")
    for name, array in values.items():
        tally.keep(name, array)


def _by_files(texts: dict[str, str], request: Request, tally: Tally) -> None:
    from qlib.data import D  # type: ignore[import-not-found]  # lives in .venv-peers
    from qlib.data.cache import H

    H.clear()
    instruments = [_code(column) for column in range(request.shape[1])]
    with tally.timed("compute"):
        frame = D.features(instruments, list(texts.values()), freq="day", disk_cache=0)
    for (name, _), column in zip(texts.items(), frame.columns, strict=True):
        tally.keep(name, frame[column].unstack(level=0)[instruments].to_numpy())


def _set_up(folder: Path, processes: int) -> None:
    from qlib.config import C  # type: ignore[import-not-found]  # lives in .venv-peers
    from qlib.data.data import register_all_wrappers
    from qlib.data.ops import register_all_ops  # type: ignore[import-not-found]  # lives in .venv-peers

    C.set("client", provider_uri=str(folder), kernels=processes, logging_level=30)
    register_all_ops(C)
    register_all_wrappers(C)
    # Else each of its processes sets up everything again, and with it the recorder.
    C["_registered"] = True


def _write_files(panel: Panel, folder: Path) -> None:
    n_times, n_instruments = panel["close"].shape
    days = [f"{day:%Y-%m-%d}" for day in pd.date_range("2000-01-03", periods=n_times, freq="D")]
    for part in ("calendars", "instruments", "features"):
        (folder / part).mkdir()
    (folder / "calendars" / "day.txt").write_text("\n".join(days) + "\n", encoding="utf-8")
    spans = [f"{_code(column)}\t{days[0]}\t{days[-1]}" for column in range(n_instruments)]
    (folder / "instruments" / "all.txt").write_text("\n".join(spans) + "\n", encoding="utf-8")
    for column in range(n_instruments):
        home = folder / "features" / _code(column).lower()
        home.mkdir()
        for field in FIELDS:
            # The first number of such a file is the calendar index of its first value.
            series = np.concatenate(([0.0], panel[field][:, column])).astype("<f4")
            series.tofile(home / f"{field}.day.bin")


def _expressions() -> dict[str, str]:
    from qlib.contrib.data.loader import Alpha158DL, Alpha360DL  # type: ignore[import-not-found]  # .venv-peers

    found: dict[str, str] = {}
    for prefix, loader in (("alpha158", Alpha158DL), ("alpha360", Alpha360DL)):
        texts, theirs = loader.get_feature_config()
        found |= {f"{prefix}_{name.lower()}": text for name, text in zip(theirs, texts, strict=True)}
    return found


def _batches(ours: Sequence[str]) -> Iterator[Iterable[str]]:
    for start in range(0, len(ours), AT_ONCE):
        yield ours[start : start + AT_ONCE]


def _code(column: int) -> str:
    return f"I{column:05d}"


if __name__ == "__main__":
    sys.exit(main(Peer("Qlib", ("pyqlib", "numpy", "pandas"), names, compute, options)))
