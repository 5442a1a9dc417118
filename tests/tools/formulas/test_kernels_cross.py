"""Kernels across instruments against plain loops."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.market import Float2D
from tools.formulas import kernels_cross

TIES = ("average", "min", "max", "first")


def panel(rows: int, columns: int, *, decimals: int = 1, seed: int = 2) -> Float2D:
    draw = np.random.default_rng(seed)
    x = np.round(draw.normal(0, 1, (rows, columns)), decimals)
    x[draw.random((rows, columns)) < 0.1] = np.nan
    return x


def ranked(x: Float2D, rows: int | None = None, *, scale: str = "fraction", ties: str = "average") -> Float2D:
    out = np.full((len(x) if rows is None else rows, x.shape[1]), 7.0)
    kernels_cross.rank(x, out, scale=scale, ties=ties)  # type: ignore[arg-type]  # plain words
    return out


def plain_rank(x: Float2D, *, scale: str = "fraction", ties: str = "average") -> Float2D:
    ranks = pd.DataFrame(x).rank(axis=1, method=ties).to_numpy()  # type: ignore[arg-type]  # a plain word
    shift = 0.0 if scale == "fraction" else 1.0
    with np.errstate(invalid="ignore"):
        return np.asarray((ranks - shift) / ((~np.isnan(x)).sum(axis=1, keepdims=True) - shift))


@pytest.mark.parametrize("scale", ["fraction", "zero_to_one"])
@pytest.mark.parametrize("ties", TIES)
def test_rank_is_that_of_pandas(scale: str, ties: str) -> None:
    for rows, columns in ((17, 9), (8, 1), (3, 2), (1, 40), (9, 129), (2, 500)):
        for decimals in (0, 1, 15):
            x = panel(rows, columns, decimals=decimals)
            expected = plain_rank(x, scale=scale, ties=ties)
            np.testing.assert_array_equal(ranked(x, scale=scale, ties=ties), expected)
            np.testing.assert_array_equal(ranked(x, 1, scale=scale, ties=ties), expected[-1:])


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("level", [1.0, -1.0, 1e300, -3e-300, 5e-324])
def test_rank_tells_neighbouring_numbers_apart_and_equal_ones_not(level: float, ties: str) -> None:
    near = [level]
    for _ in range(200):
        near.append(math.nextafter(near[-1], math.inf))
    x = np.random.default_rng(1).choice(near, (10, 300))
    np.testing.assert_array_equal(ranked(x, ties=ties), plain_rank(x, ties=ties))


def test_rank_of_both_zeros_is_one_and_the_largest_numbers_have_theirs() -> None:
    largest = np.finfo(np.float64).max
    x = np.array([[0.0, -0.0, largest, -largest, np.nan, math.nextafter(largest, 0), np.inf, -np.inf]])
    expected = [[3.5 / 7, 3.5 / 7, 6 / 7, 2 / 7, np.nan, 5 / 7, 1.0, 1 / 7]]
    np.testing.assert_array_equal(ranked(x), expected)


_rows = st.lists(st.one_of(st.floats(), st.integers(-3, 3).map(float)), min_size=1, max_size=70)


@given(_rows, st.sampled_from(TIES))
def test_rank_of_any_row_is_that_of_pandas(row: list[float], ties: str) -> None:
    x = np.array([row])
    np.testing.assert_array_equal(ranked(x, ties=ties), plain_rank(x, ties=ties))


def test_rank_of_a_row_does_not_depend_on_its_neighbours() -> None:
    x = panel(21, 33)
    whole = ranked(x)
    for row in range(21):
        np.testing.assert_array_equal(ranked(x[row : row + 1]), whole[row : row + 1])


def test_scale_is_the_share_of_the_total() -> None:
    x = panel(30, 9)
    x[3], x[4], x[5] = np.nan, 0.0, 1.7e308
    out = np.full((20, 9), 7.0)
    kernels_cross.scale(x, out)
    np.testing.assert_allclose(np.nansum(np.abs(out), axis=1), 1.0)
    out = np.full((30, 9), 7.0)
    kernels_cross.scale(x, out)
    x[4:6] = np.nan  # No total, and none that is a finite number.
    total = np.where(np.isnan(x).all(axis=1), np.nan, np.nansum(np.abs(x), axis=1))
    np.testing.assert_allclose(out, x / total[:, np.newaxis], rtol=1e-14)


@pytest.mark.parametrize("changes", [False, True])
def test_neutral_is_less_the_mean_of_the_group(changes: bool) -> None:
    draw = np.random.default_rng(6)
    x = panel(25, 40)
    g = draw.choice([-3.5, -0.0, 0.0, 1.0, 1e300, 7.0, np.nan], (25, 40))
    if not changes:
        g[:] = g[0]
    expected = np.full(x.shape, np.nan)
    for row in range(25):
        for label in set(g[row]):
            members = (g[row] == label) & ~np.isnan(x[row])
            if members.any():
                expected[row, members] = x[row, members] - x[row, members].mean()
    for rows in (25, 24, 1):
        out = np.full((rows, 40), 7.0)
        kernels_cross.neutralize(x, g, out)
        np.testing.assert_allclose(out, expected[25 - rows :], rtol=1e-11, atol=1e-14)


def test_members_that_are_equal_or_alone_have_no_distance_from_their_group() -> None:
    x = np.array([[0.1, 0.1, 0.1, 1 / 3, 1e9 + 0.1, 1e9 + 0.1, 1e9 + 0.1]])
    out = np.empty_like(x)
    kernels_cross.neutralize(x, np.array([[1.0, 1, 1, 2, 3, 3, 3]]), out)
    assert (out == 0.0).all()


def test_distance_too_large_for_a_number_is_missing() -> None:
    x = np.array([[1.7e308, -1.7e308, 1.0]])
    out = np.empty_like(x)
    kernels_cross.neutralize(x, np.array([[1.0, 1, 2]]), out)
    np.testing.assert_array_equal(out, [[np.nan, np.nan, 0.0]])


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"out of shape \(4, 9\), found float64 \(4, 8\)"):
        kernels_cross.rank(np.ones((4, 9)), np.ones((4, 8)))
    with pytest.raises(ValueError, match=r"found float64 \(4, 8\)"):
        kernels_cross.neutralize(np.ones((4, 9)), np.ones((4, 8)), np.ones((4, 9)))


def test_panel_without_columns_or_rows_stays_empty() -> None:
    for shape in ((4, 0), (0, 9)):
        for kernel in (kernels_cross.rank, kernels_cross.scale):
            kernel(np.ones(shape), np.empty(shape))
        kernels_cross.neutralize(np.ones(shape), np.ones(shape), np.empty(shape))
