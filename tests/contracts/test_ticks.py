"""Columns of ticks: cut together, and cut at a moment."""

import numpy as np

from contracts.ticks import Trades


def trades() -> Trades:
    times = np.array([10, 20, 20, 30], dtype=np.int64)
    return Trades(times, np.arange(1.0, 5.0), np.ones(4), np.ones(4, dtype=np.int64))


def test_a_slice_cuts_every_column() -> None:
    cut = trades()[1:3]
    assert len(cut) == 2
    assert (cut.time.tolist(), cut.price.tolist(), cut.aggressor.tolist()) == ([20, 20], [2.0, 3.0], [1, 1])


def test_what_is_known_by_a_moment_includes_all_rows_of_that_moment_and_none_after() -> None:
    assert [len(trades().known_by(at)) for at in (9, 10, 19, 20, 29, 30, 99)] == [0, 1, 1, 3, 3, 4, 4]
