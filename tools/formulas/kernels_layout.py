"""How the arrays of a kernel lie in memory, and in which order it goes over them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from contracts.market import Float1D, Float2D, Int1D
from tools.formulas.kernels_lanes import LANES

_SPAN_CELLS = 32_768
"""Cells of a window's rows that stay in the cache of a core; wider panels are taken in bands of columns."""

_TABLE_CELLS = 16_384
"""The same for kernels that keep tables of their own."""

Array = TypeVar("Array", bound=npt.NDArray[np.generic])


def check(out: Float2D, inputs: Sequence[Float2D]) -> None:
    """Refuse what a kernel, which checks nothing, would read or write beyond."""
    rows, n = inputs[0].shape
    for name, panel in (("out", out), *(("input", x) for x in inputs)):
        wanted = (len(panel), n) if panel is out else (rows, n)
        if panel.dtype != np.float64 or not panel.flags.c_contiguous or panel.shape != wanted:
            raise ValueError(
                f"expected a C-contiguous float64 {name} of shape {wanted}, found {panel.dtype} "
                f"{panel.shape}; pass np.ascontiguousarray(panel, dtype=np.float64)"
            )
    if len(out) > rows:
        raise ValueError(f"expected at most {rows} rows of out, found {len(out)}; align the ends")


def read_only(array: Array) -> Array:
    """The same memory, not to be written.

    Numba compiles a kernel apart for arrays that may be written and for others; so all are others.
    """
    view = array.view()
    view.flags.writeable = False
    return view


def flat(x: Float2D) -> Float1D:
    """Its cells, row after row, not to be written."""
    return read_only(x.reshape(-1))


def widened(x: Float2D) -> Float2D:
    """With columns of missing values, so that a row is as wide as one load."""
    wide = np.full((len(x), LANES), np.nan)
    wide[:, : x.shape[1]] = x
    return wide


@lru_cache(maxsize=32)
def cell_spans(rows: int, n: int, d: int) -> Int1D:
    """Where to begin and where to stop, by turns, in an array of `rows` times `n` cells."""
    columns = column_spans(n, d, _SPAN_CELLS).reshape(-1, 2)
    if len(columns) == 1:
        return read_only(np.array([0, rows * n]))
    return read_only((columns[:, np.newaxis, :] + np.arange(rows)[:, np.newaxis] * n).ravel())


@lru_cache(maxsize=256)
def column_spans(n: int, d: int, cells: int = _TABLE_CELLS) -> Int1D:
    """Where to begin and where to stop, by turns, among `n` columns of which a window has `d` rows."""
    bands = max(1, n // max(LANES, cells // d))
    edges = np.arange(bands + 1) * n // bands
    return read_only(np.column_stack((edges[:-1], edges[1:])).ravel())
