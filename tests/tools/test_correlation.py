"""Correlation matrices, the clusters cut from them, and the tools of a pair."""

import math
import statistics
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ToolInputError
from contracts.market import Float2D
from tests.tools.paired_bars import kept, oanda_hours, of_returns, tied_returns, with_other
from tests.tools.price_paths import closes_only, random_bars, scaled, with_missing
from tools.correlation import (
    CorrelationMatrix,
    ReturnPanel,
    correlation_shrinkage,
    correlations,
    entry_errors,
    ewma_correlations,
    return_panel,
    rolling_correlations,
    shrunk_correlations,
)
from tools.correlation_clusters import correlation_clusters
from tools.regime import return_correlation
from tools.registry import get_tool

SCIKIT_LEARN = (
    (1, 40, 2, 0.3587517470265675, 0.34893939025435095),
    (2, 60, 5, 0.17734831507633833, 0.15795900321932407),
    (3, 35, 28, 0.0886167691562562, 0.07537219145633382),
    (1, 500, 10, 0.008749320878638443, 0.007573811255725584),
)
"""Of scikit-learn 1.9.1: `ledoit_wolf_shrinkage` (assume_centered) of the standardised `waves`, and of the
waves less their means."""
Method: TypeAlias = Callable[[ReturnPanel], CorrelationMatrix]
every_method = pytest.mark.parametrize(
    "method", [correlations, shrunk_correlations, ewma_correlations], ids=["plain", "shrunk", "weighted"]
)


def waves(seed: int, n: int, k: int) -> Float2D:
    """Sums of sines, the same on every machine."""
    t, j = np.arange(1, n + 1)[:, None], np.arange(1, k + 1)[None, :]
    common = np.sin(t * 0.7) + np.sin(t * t * 0.013 * seed)
    columns: Float2D = common * (0.5 + 0.1 * j) + np.sin(t * j * 1.3 + j * j * seed) + np.cos(t * t * 0.1 * j)
    return columns


def panel_of(values: Float2D) -> ReturnPanel:
    n, k = values.shape
    return ReturnPanel(tuple(f"i{at}" for at in range(k)), np.arange(n), values)


def random_panel(seed: int, n: int = 80, k: int = 5) -> ReturnPanel:
    rng = np.random.default_rng(seed)
    common = rng.normal(0, 1e-3, (n, 1))
    return panel_of(common * rng.uniform(-1, 1, k) + rng.normal(0, 1e-3, (n, k)) * rng.uniform(0.2, 5, k))


# -- against plain twins and against scikit-learn


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_matrices_are_their_definitions_entry_by_entry(seed: int) -> None:
    panel = random_panel(seed)
    columns = panel.values.T.tolist()
    plain, weighted = correlations(panel), ewma_correlations(panel, decay=0.9)
    ages = range(len(columns[0]) - 1, -1, -1)
    for i, j in combinations(range(5), 2):
        x, y = columns[i], columns[j]
        assert plain.values[i, j] == pytest.approx(statistics.correlation(x, y), rel=1e-9)
        xy, xx, yy = (
            sum(0.9**age * a * b for age, a, b in zip(ages, one, other, strict=True))
            for one, other in ((x, y), (x, x), (y, y))
        )
        assert weighted.values[i, j] == pytest.approx(xy / math.sqrt(xx * yy), rel=1e-9)
    assert plain.n_obs == weighted.n_obs == 80


def plain_shrinkage(rows: list[list[float]]) -> float:
    n, k = len(rows), len(rows[0])
    error, distance = 0.0, 0.0
    for i, j in combinations(range(k), 2):
        products = [row[i] * row[j] for row in rows]
        mean = sum(products) / n
        error += sum((product - mean) ** 2 for product in products) / n**2
        distance += mean**2
    return min(error / distance, 1.0)


@pytest.mark.parametrize("k", [2, 3, 7])
def test_shrinkage_is_the_spread_of_products_over_their_means(k: int) -> None:
    values = random_panel(4, 40, k).values
    z = (values - values.mean(axis=0)) / values.std(axis=0)
    weight = plain_shrinkage(z.tolist())
    assert correlation_shrinkage(z) == pytest.approx(weight, rel=1e-9)
    found = shrunk_correlations(panel_of(values))
    assert found.shrinkage == pytest.approx(weight, rel=1e-9)
    kept_of_it = (1 - weight) * correlations(panel_of(values)).values
    off = ~np.eye(k, dtype=bool)
    np.testing.assert_allclose(found.values[off], kept_of_it[off], rtol=1e-9)


@pytest.mark.parametrize(("seed", "n", "k", "of_standardised", "of_centred"), SCIKIT_LEARN)
def test_errors_of_all_entries_give_the_weight_of_scikit_learn(
    seed: int, n: int, k: int, of_standardised: float, of_centred: float
) -> None:
    centred = waves(seed, n, k) - waves(seed, n, k).mean(axis=0)
    for x, weight in ((centred / centred.std(axis=0), of_standardised), (centred, of_centred)):
        sample = x.T @ x / n
        distance = np.square(sample - np.trace(sample) / k * np.eye(k)).sum()
        assert entry_errors(x).sum() / distance == pytest.approx(weight, rel=1e-9)


def test_shrinkage_of_the_target_itself_is_whole() -> None:
    assert correlation_shrinkage(np.array([[1.0, 1.0], [1.0, -1.0]] * 20)) == 1.0


def test_rolling_matrices_are_those_of_each_window_alone() -> None:
    panel = random_panel(5, 90, 4)
    found = rolling_correlations(panel, window=40)
    assert np.isnan(found[:39]).all()
    for row in range(39, 90):
        alone = correlations(panel_of(panel.values[row - 39 : row + 1]))
        np.testing.assert_allclose(found[row], alone.values, rtol=1e-9, atol=1e-12)
    assert rolling_correlations(panel_of(panel.values[:20]), window=40).shape == (20, 4, 4)


# -- what holds for each of them


@every_method
@given(seed=st.integers(0, 2**32 - 1), order=st.permutations(range(5)))
def test_the_order_of_instruments_orders_the_matrix_and_no_more(
    method: Method, seed: int, order: list[int]
) -> None:
    panel = random_panel(seed, 40)
    turned = replace(panel, names=tuple(panel.names[i] for i in order), values=panel.values[:, order])
    found, expected = method(turned), method(panel)
    assert found.names == turned.names
    np.testing.assert_allclose(found.values, expected.values[np.ix_(order, order)], atol=1e-12)


@every_method
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(30, 60), k=st.integers(2, 40))
def test_a_matrix_is_symmetric_with_ones_and_no_negative_eigenvalue(
    method: Method, seed: int, n: int, k: int
) -> None:
    panel = random_panel(seed, n, k)
    factors = np.logspace(-6, 6, k)
    found, moved = method(panel), method(replace(panel, values=panel.values * factors))
    np.testing.assert_allclose(moved.values, found.values, atol=1e-9)
    np.testing.assert_array_equal(np.diag(found.values), 1)
    np.testing.assert_allclose(found.values, found.values.T, atol=1e-14)
    assert np.abs(found.values).max() <= 1
    assert np.linalg.eigvalsh(found.values).min() > -1e-9


@every_method
def test_rows_with_a_missing_return_are_left_out_and_counted(method: Method) -> None:
    panel = random_panel(6, 60)
    holed = panel.values.copy()
    holed[[3, 30], [0, 4]] = np.nan
    found = method(replace(panel, values=holed))
    expected = method(panel_of(np.delete(panel.values, [3, 30], axis=0)))
    assert found.n_obs == 58
    np.testing.assert_array_equal(found.values, expected.values)


@every_method
def test_too_few_rows_or_an_instrument_that_stands_still_is_refused(method: Method) -> None:
    panel = random_panel(7, 60)
    with pytest.raises(ToolInputError, match="expected 30 returns that all instruments have, found 29"):
        method(panel_of(panel.values[:29]))
    still = panel.values.copy()
    still[:, 2] = 0.0
    with pytest.raises(ToolInputError, match="found i2 still"):
        method(panel_of(still))


def test_rolling_matrices_do_not_know_the_future_nor_read_over_a_gap() -> None:
    panel = random_panel(8, 120, 3)
    found = rolling_correlations(panel, window=30)
    later = panel.values.copy()
    later[70:] *= -5
    np.testing.assert_array_equal(rolling_correlations(panel_of(later), window=30)[:70], found[:70])
    holed = panel.values.copy()
    holed[50, 1] = np.nan
    gapped = rolling_correlations(panel_of(holed), window=30)
    assert np.isnan(gapped[50:80, 1]).all()
    np.testing.assert_allclose(gapped[50:80, 0, 2], found[50:80, 0, 2], rtol=1e-12)
    np.testing.assert_allclose(gapped[80:], found[80:], rtol=1e-12)
    still = panel.values.copy()
    still[:40, 1] = 0.0
    assert np.isnan(rolling_correlations(panel_of(still), window=30)[29:40, 1]).all()
    with pytest.raises(ToolInputError, match="expected window of 30 or more"):
        rolling_correlations(panel, window=29)


@pytest.mark.parametrize("decay", [0.0, 1.0, -0.5, math.nan])
def test_a_decay_that_forgets_nothing_or_all_is_refused(decay: float) -> None:
    with pytest.raises(ToolInputError, match="expected decay over 0 and under 1"):
        ewma_correlations(random_panel(1), decay=decay)


def test_a_panel_holds_the_returns_between_moments_that_all_have() -> None:
    one, other = random_bars(1, 100), with_missing(random_bars(2, 100), "close", 41)
    mask = np.arange(100) % 5 != 0
    panel = return_panel({"EURUSD": one, "GBPUSD": kept(other, mask)})
    assert panel.names == ("EURUSD", "GBPUSD")
    np.testing.assert_array_equal(panel.close_time, one.close_time[mask][1:])
    np.testing.assert_allclose(panel.values[:, 0], np.diff(np.log(one.close[mask])))
    holes = panel.close_time[np.isnan(panel.values[:, 1])]
    np.testing.assert_array_equal(holes, one.close_time[[41, 42]])
    with pytest.raises(ToolInputError, match="expected bars of two instruments or more, found 1"):
        return_panel({"EURUSD": one})


def test_a_known_correlation_is_recovered_within_its_error() -> None:
    rng = np.random.default_rng(9)
    found = []
    for _ in range(300):
        one, other = tied_returns(rng, 120, 0.6)
        found.append(correlations(panel_of(np.column_stack((one, other)))).values[0, 1])
    error = (1 - 0.6**2) / math.sqrt(120)
    assert np.mean(found) == pytest.approx(0.6, abs=4 * error / math.sqrt(300))
    assert np.std(found) == pytest.approx(error, rel=0.15)


def test_shrinking_brings_a_short_sample_nearer_to_the_truth() -> None:
    rng = np.random.default_rng(10)
    k = 20
    truth = 0.1 + 0.9 * np.eye(k)
    root = np.linalg.cholesky(truth)
    misses = []
    for _ in range(50):
        panel = panel_of(rng.normal(size=(40, k)) @ root.T)
        misses.append([np.linalg.norm(f(panel).values - truth) for f in (correlations, shrunk_correlations)])
    plain, shrunk = np.mean(misses, axis=0)
    assert shrunk < 0.9 * plain


# -- clusters


def block_matrix() -> CorrelationMatrix:
    values = np.eye(5)
    for i, j, r in ((0, 3, 0.9), (1, 4, 0.8), (1, 2, 0.6), (2, 4, 0.5), (0, 1, 0.1), (3, 4, 0.2)):
        values[i, j] = values[j, i] = r
    return CorrelationMatrix(("AUD", "EUR", "CHF", "NZD", "GBP"), values, 100)


def plain_groups(matrix: CorrelationMatrix, correlation: float) -> set[frozenset[str]]:
    """Average linkage by hand: the two groups nearest to each other are joined while they are near enough."""
    groups = [[i] for i in range(len(matrix.names))]
    while len(groups) > 1:
        mean = {
            (a, b): statistics.mean(
                math.sqrt((1 - matrix.values[i, j]) / 2) for i in groups[a] for j in groups[b]
            )
            for a, b in combinations(range(len(groups)), 2)
        }
        (a, b), nearest = min(mean.items(), key=lambda item: item[1])
        if nearest > math.sqrt((1 - correlation) / 2) + 1e-12:
            break
        groups[a] += groups.pop(b)
    return {frozenset(matrix.names[i] for i in group) for group in groups}


def test_clusters_of_a_matrix_with_two_blocks() -> None:
    found = correlation_clusters(block_matrix())
    assert found.groups == (("CHF", "EUR", "GBP"), ("AUD", "NZD"))
    assert sorted(found.order) == ["AUD", "CHF", "EUR", "GBP", "NZD"]
    assert abs(found.order.index("AUD") - found.order.index("NZD")) == 1
    assert correlation_clusters(block_matrix(), correlation=-1).groups == (
        ("AUD", "CHF", "EUR", "GBP", "NZD"),
    )
    assert len(correlation_clusters(block_matrix(), correlation=1).groups) == 5


@given(seed=st.integers(0, 2**32 - 1), correlation=st.floats(-0.5, 0.9))
def test_clusters_are_those_of_joining_by_hand_in_whatever_order(seed: int, correlation: float) -> None:
    matrix = shrunk_correlations(random_panel(seed, 60, 6))
    found = correlation_clusters(matrix, correlation=correlation)
    assert {frozenset(group) for group in found.groups} == plain_groups(matrix, correlation)
    turned = CorrelationMatrix(matrix.names[::-1], matrix.values[::-1, ::-1], matrix.n_obs)
    assert correlation_clusters(turned, correlation=correlation).groups == found.groups


def test_clusters_of_what_is_no_whole_matrix_are_refused() -> None:
    matrix = block_matrix()
    missing = replace(matrix, values=np.where(matrix.values == 0.9, np.nan, matrix.values))
    alone = CorrelationMatrix(("EUR",), np.ones((1, 1)), 100)
    for bad, correlation in ((missing, 0.5), (alone, 0.5), (matrix, 1.5), (matrix, math.nan)):
        with pytest.raises(ToolInputError, match="expected a whole matrix of two instruments or more"):
            correlation_clusters(bad, correlation=correlation)


# -- tools of a pair


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_tools_of_a_pair_are_entries_of_the_matrices(seed: int) -> None:
    one, other = (of_returns(each) for each in tied_returns(np.random.default_rng(seed), 200, 0.5))
    bars, panel = with_other(one, other), return_panel({"one": one, "other": other})
    newest = replace(panel, values=panel.values[-50:])
    for name, matrix in (("pair_correlation", correlations), ("shrunk_correlation", shrunk_correlations)):
        found = get_tool(name).call(bars, period=50)
        assert found.value == pytest.approx(matrix(newest).values[0, 1], rel=1e-12)
    weighted = ewma_correlations(replace(panel, values=panel.values[-44:]), decay=0.9).values[0, 1]
    assert get_tool("ewma_correlation").call(bars, decay=0.9).value == pytest.approx(weighted, rel=1e-12)
    expected = statistics.correlation(*newest.values.T.tolist())
    assert return_correlation(one, other, window=50).value == pytest.approx(expected, rel=1e-9)
    assert correlations(newest).values[0, 1] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_beta_is_the_slope_of_the_line_of_least_squares(seed: int) -> None:
    one, other = tied_returns(np.random.default_rng(seed), 120, 0.5)
    found = get_tool("beta").call(with_other(of_returns(one * 3), of_returns(other)))
    assert found.value == pytest.approx(statistics.linear_regression(other, one * 3).slope, rel=1e-6)
    assert found.warnings == ()
    free = get_tool("beta").call(with_other(of_returns(one), of_returns(np.roll(one, 1))))
    plain = statistics.linear_regression(np.roll(one, 1), one)
    left = one - plain.slope * np.roll(one, 1) - plain.intercept
    error = math.sqrt(float(left @ left) / 118 / float(np.var(np.roll(one, 1))) / 120)
    assert free.warnings == (f"not told from zero: standard error {error:.3g}",)


@given(seed=st.integers(0, 2**32 - 1))
def test_of_a_pair_the_two_may_change_places_and_a_mirror_changes_the_sign(seed: int) -> None:
    one, other = random_bars(seed, 200), random_bars(seed + 1, 200)
    mirror = closes_only(1 / other.close)
    for name in ("pair_correlation", "shrunk_correlation", "ewma_correlation"):
        entry = get_tool(name)
        value = entry.call(with_other(one, other)).value
        assert value == pytest.approx(entry.call(with_other(other, one)).value, abs=1e-12)
        assert value == pytest.approx(-(entry.call(with_other(one, mirror)).value or 0.0), abs=1e-9)
        assert value == pytest.approx(entry.call(with_other(scaled(one, 8), other)).value, abs=1e-9)


def test_an_instrument_is_wholly_tied_to_itself() -> None:
    bars = random_bars(11, 200)
    for name in ("pair_correlation", "ewma_correlation", "beta"):
        assert get_tool(name).call(with_other(bars, bars)).value == pytest.approx(1)


def test_euro_and_new_zealand_dollar_move_together_but_are_two_bets(shared_data: Path) -> None:
    pairs = ("eurusd", "nzdusd")
    one, other = (oanda_hours(shared_data, pair, "20140401", "20140530") for pair in pairs)
    plain = get_tool("pair_correlation").call(with_other(one, other), period=600)
    assert plain.value is not None
    assert 0.1 < plain.value < 0.7
    panel = return_panel({"EURUSD": one, "NZDUSD": other})
    whole = correlations(panel)
    assert 0.1 < whole.values[0, 1] < 0.7
    assert whole.n_obs == len(np.intersect1d(one.close_time, other.close_time)) - 1 > 900
    assert correlation_clusters(whole, correlation=0.9).groups == (("EURUSD",), ("NZDUSD",))
