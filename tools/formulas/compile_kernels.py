"""Compiles every kernel and keeps it on disk, so that nobody waits later.

Installing runs `python -m tools.formulas.compile_kernels` once. A kernel that is kept is only loaded.
"""

import multiprocessing
import os
from collections.abc import Callable
from functools import partial

import numpy as np

from tools import regime_kernels
from tools.formulas import kernels_bar, kernels_cross
from tools.formulas import kernels_window as window
from tools.order_book_kernels import apply_levels, drop_empty, fill_frame

LANES = 8


def jobs() -> list[Callable[[], object]]:
    """One call for every kernel and each of its two readings of a window, the longest to compile first."""
    x, out = np.ones((6, LANES)), np.empty((6, LANES))
    whole: list[Callable[..., None]] = [
        partial(window.ts_factor_residual, x, x, x, x, 5, out),
        partial(window.ts_beta_where, x, x, x, 5, out),
        partial(window.ts_corr, x, x, 5, out),
        partial(window.ts_quantile, x, 5, 0.5, out),
        partial(window.ts_argmax, x, 5, out),
        partial(window.ts_rsquare, x, 5, out),
        partial(window.ts_residual, x, 5, out),
        partial(window.ts_cov, x, x, 5, out),
        partial(window.ts_beta, x, x, 5, out),
        partial(window.ts_max, x, 5, out),
        partial(window.ts_slope, x, 5, out),
        partial(window.ts_std, x, 5, out),
        partial(window.ts_rank, x, 5, out),
        partial(window.ts_product, x, 5, out),
        partial(window.ts_cumsum_max, x, 5, out),
        partial(window.ts_mean, x, 5, out),
        partial(window.ts_sum, x, 5, out),
    ]
    state, begin = np.ones(2), np.array([0.0, 1.0, 2.0, 0.5, 0.5])
    others: list[Callable[[], object]] = [
        partial(regime_kernels.climb, state, begin, 1, 0.0),
        partial(regime_kernels.filter_states, state, 0.0, state, state / 2, np.ones((2, 2)), np.ones((2, 2))),
        partial(kernels_cross.rank, x, out),
        partial(kernels_cross.rank, x, out, ties="dense"),
        partial(kernels_bar.binary, kernels_bar.ADD, x, x, out),
        partial(kernels_bar.unary, kernels_bar.ABS, x, out),
        partial(kernels_bar.where, x, x, x, out),
        partial(kernels_cross.neutralize, x, x, out),
        partial(kernels_cross.scale, x, out),
        partial(window.sma, x, 5, 1.0, out),
    ]
    others.append(order_book)
    return [*others, *(partial(job, partial=is_partial) for job in whole for is_partial in (False, True))]


def order_book() -> None:
    """The kernels of the order book and of its frames, on a book with one level a side."""
    ticks, quantities = np.array([[1, 0], [-2, 0]]), np.ones((2, 2))
    counts, edges, none = np.ones(2, np.int64), np.array([0, -9]), np.empty(0, np.int64)
    rows = (np.empty(1), np.empty(1))
    apply_levels(ticks, quantities, counts, none, np.empty(0), none, np.empty(0))
    drop_empty(ticks[0], quantities[0], 1)
    fill_frame(ticks, quantities, counts, edges, np.ones(2), 2, rows, rows)


def compile_share(share: int, n_shares: int) -> None:
    """Every n-th job."""
    for job in jobs()[share::n_shares]:
        job()


def compile_all() -> None:
    """All of them, on every core; processes, since Numba compiles one kernel at a time in each."""
    n_shares = min(os.cpu_count() or 1, 8)
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=compile_share, args=(share, n_shares)) for share in range(n_shares)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    compile_all()
