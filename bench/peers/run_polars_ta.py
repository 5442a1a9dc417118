"""Alpha101 and Alpha191 by polars_ta (MIT) and expr_codegen (BSD): polars expressions made from formula text.

    .venv-peers/bin/python bench/peers/run_polars_ta.py PANEL.npz OUT --formulas all --threads 2

Neither package holds these formulas. What is run is OUR catalogue text in their notation, so this checks our
operators against theirs and says nothing about our reading of the papers. Where our text leaves a choice
(adv in shares, windows rounded down), the translation takes our default; everything else is as they have it.

Their code generator wants to be told what a bar without a value does to windows; `--over-null` passes it on:
none (the default here: the window is missing) or partition_by (their examples: the bar is skipped).

Numba kernels and the generated code are compiled on a few bars before the clock runs. Of the generator one
search is replaced: it orders the groups of expressions by trying every order, which for a batch of nested
formulas does not end; see `_in_line`.
"""

import argparse
import math
import os
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np

# As a script, Python looks beside this file and not in the repository.
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bench.peers.adapter import Panel, Peer, Request, Tally, first_line, main  # noqa: E402
from tools.formulas.operators import OPERATORS  # noqa: E402
from tools.formulas.parse import kind_of, parse  # noqa: E402
from tools.formulas.tree import INFIX, Call, Field, Node, Number, walk  # noqa: E402

if TYPE_CHECKING:
    import polars as pl

_T = TypeVar("_T")
_Group: TypeAlias = tuple[str, ...]

SETS = ("alpha101", "alpha191")
AT_ONCE = 30
"""Formulas generated together; their intermediate columns lie in memory at the same time."""
WARM_UP_BARS = 40

INFIXES = {operator: sign for operator, (sign, _) in INFIX.items()} | {"and": "&", "or": "|"}
FUNCTIONS = {
    "power": "power",
    "min": "min_",
    "max": "max_",
    "abs": "abs_",
    "sign": "sign",
    "log": "log",
    "signed_power": "signed_power",
    "delay": "ts_delay",
    "delta": "ts_delta",
    "ts_sum": "ts_sum",
    "ts_mean": "ts_mean",
    "ts_product": "ts_product",
    "ts_std": "ts_std_dev",
    "ts_min": "ts_min",
    "ts_max": "ts_max",
    "ts_argmin": "ts_arg_min",
    "ts_argmax": "ts_arg_max",
    "ts_rank": "ts_rank",
    "ts_quantile": "ts_percentage",
    "ts_corr": "ts_corr",
    "ts_cov": "ts_covariance",
    "decay_linear": "ts_decay_linear",
    "decay_power": "ts_decay_exp_window",
    "sma": "ts_SMA_CN",
    "ts_beta": "ts_regression_slope",
    "rank": "cs_rank",
    "scale": "cs_scale",
}
"""Their function with the same arguments in the same order."""

TEMPLATES: Mapping[str, Callable[..., str]] = {
    "negate": lambda x: f"(-1 * {x})",
    "not": lambda c: f"(~{c})",
    "where": lambda c, x, y: f"if_else({c}, {x}, {y})",
    "adv": lambda d: f"ts_mean(VOLUME, {d})",
    "neutralize": lambda x, _: f"gp_demean(INDUSTRY, {x})",
    # Their slope of a line is TA-Lib's; a column that counts bars gives the same by their regression.
    "ts_slope": lambda x, d: f"ts_regression_slope({x}, BAR, {d})",
    "ts_residual": lambda x, d: f"ts_regression_resid({x}, BAR, {d})",
}


def names() -> Sequence[str]:
    """What our catalogues hold."""
    return tuple(_texts())


def compute(request: Request, tally: Tally) -> None:
    """Batches of formulas; a batch that fails is run again one by one, to know which one it was."""
    os.environ["POLARS_MAX_THREADS"] = str(request.threads)
    import expr_codegen.model  # type: ignore[import-not-found]  # lives in .venv-peers
    from loguru import logger  # type: ignore[import-not-found]  # lives in .venv-peers

    logger.remove()
    expr_codegen.model.chain_create = _in_line
    sources = _sources(request, tally)
    with tally.timed("prepare"):
        frames = _long(request.panel, WARM_UP_BARS), _long(request.panel, request.shape[0])
    for batch in _batches(sources, AT_ONCE):
        try:
            _run(batch, frames, request, tally)
        except Exception:  # noqa: BLE001  # polars, sympy, numba and black all raise their own here
            for single in _batches(batch, 1):
                _run_alone(single, frames, request, tally)


def options(parser: argparse.ArgumentParser) -> None:
    """What only this peer asks."""
    parser.add_argument("--over-null", choices=("none", "partition_by", "order_by"), default="none")


def translate(node: Node) -> str:
    """Our tree in their notation; a LookupError names what they lack."""
    match node:
        case Number(value):
            return f"{value:.17g}" if value >= 0 else f"({value:.17g})"
        case Field(name):
            return name.upper()
        case Call(operator, args):
            return _call(operator, [_argument(operator, place, arg) for place, arg in enumerate(args)])


def _call(operator: str, args: Sequence[str]) -> str:
    if operator in TEMPLATES:
        return TEMPLATES[operator](*args)
    if operator in FUNCTIONS:
        return f"{FUNCTIONS[operator]}({', '.join(args)})"
    if operator in INFIXES:
        return f"({args[0]} {INFIXES[operator]} {args[1]})"
    # For ts_factor_residual it has ts_resid, whose window is a keyword, which their notation cannot write.
    raise LookupError(f"no {operator} in their notation")


def _argument(operator: str, place: int, node: Node) -> str:
    wants = OPERATORS[operator].takes[place]
    if wants == "d" and isinstance(node, Number):
        return str(math.floor(node.value))
    if wants == "x" and kind_of(node) == "condition":
        return f"int_({translate(node)})"
    return translate(node)


def _in_line(layers: Sequence[Mapping[_Group, _T]]) -> list[dict[_Group, _T]]:
    # Each layer begins, where it can, with the kind of group that the layer before ended with: the two then
    # run as one. The order within a layer changes nothing else.
    ordered: list[dict[_Group, _T]] = []
    last: _Group | None = None
    for layer in layers:
        groups = sorted(layer, key=lambda group: group != last)
        ordered.append({group: layer[group] for group in groups})
        last = groups[-1] if groups else last
    return ordered


def _sources(request: Request, tally: Tally) -> dict[str, str]:
    sources: dict[str, str] = {}
    for name in request.wanted:
        tree = parse(_texts()[name])
        try:
            sources[name] = translate(tree)
        except LookupError as error:
            tally.failures[name] = first_line(error)
            continue
        fields = {leaf.name for leaf in walk(tree) if isinstance(leaf, Field)}
        if missing := sorted({_stand_in(field) for field in fields} - request.panel.keys()):
            tally.failures[name] = f"the panel has no {', '.join(missing)}"
            del sources[name]
    return sources


def _stand_in(field: str) -> str:
    return "industry" if field in ("sector", "subindustry") else field


def _run_alone(
    single: dict[str, str], frames: "tuple[pl.DataFrame, pl.DataFrame]", request: Request, tally: Tally
) -> None:
    try:
        _run(single, frames, request, tally)
    except Exception as error:  # noqa: BLE001  # as above
        tally.failures |= dict.fromkeys(single, first_line(error))


def _run(
    sources: dict[str, str], frames: "tuple[pl.DataFrame, pl.DataFrame]", request: Request, tally: Tally
) -> None:
    import polars as pl
    from expr_codegen import codegen_exec

    over_null = None if request.options.over_null == "none" else request.options.over_null
    text = "\n".join(f"{name} = {source}" for name, source in sources.items())

    def run(frame: pl.DataFrame) -> pl.DataFrame:
        # Unsimplified: sympy would rearrange sums, and with them their rounding.
        found: pl.DataFrame = codegen_exec(frame, text, over_null=over_null, skip_simplify=True)
        return found

    with tally.timed("compile"):
        run(frames[0])
    with tally.timed("compute"):
        result = run(frames[1])
    ordered = result.select("date", "asset", *sources).sort("date", "asset")
    for name in sources:
        tally.keep(name, ordered[name].cast(pl.Float64).to_numpy().reshape(request.shape))


def _long(panel: Panel, n_bars: int) -> "pl.DataFrame":
    import polars as pl

    n_times, n_instruments = next(iter(panel.values()))[:n_bars].shape
    columns: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {
        "date": np.repeat(np.arange(n_times), n_instruments),
        "asset": np.tile(np.arange(n_instruments), n_times),
        "BAR": np.repeat(np.arange(n_times, dtype=np.float64), n_instruments),
    }
    columns |= {name.upper(): values[:n_bars].ravel() for name, values in panel.items()}
    return pl.DataFrame(columns).with_columns(pl.selectors.float().fill_nan(None))


def _batches(sources: dict[str, str], size: int) -> Iterator[dict[str, str]]:
    ours = list(sources)
    for start in range(0, len(ours), size):
        yield {name: sources[name] for name in ours[start : start + size]}


@cache
def _texts() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name in SETS:
        path = ROOT / "tools" / "formulas" / "catalogues" / f"{name}.toml"
        found |= tomllib.loads(path.read_text(encoding="utf-8"))["formulas"]
    return found


if __name__ == "__main__":
    sys.exit(
        main(Peer("polars_ta", ("polars_ta", "expr_codegen", "polars", "numba"), names, compute, options))
    )
