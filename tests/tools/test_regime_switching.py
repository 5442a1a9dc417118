"""Two volatility regimes: the filter against plain sums and statsmodels, the fit on paths of known states."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.market import Float1D, Int1D
from tests.tools.paired_bars import of_returns
from tests.tools.price_paths import closes_only
from tools.regime_kernels import climb, leaving, smooth_states
from tools.regime_switching import Regimes, filtered_stress, fit_regimes
from tools.registry import get_tool

STAY = (0.98, 0.95)


def switching(
    seed: int, n: int, ratio: float = 2.5, stay: tuple[float, float] = STAY
) -> tuple[Int1D, Float1D]:
    """States, 1 the stressed one, and returns of volatility 1e-3 and `ratio` times that."""
    rng = np.random.default_rng(seed)
    states = np.zeros(n, dtype=np.int64)
    for i, draw in enumerate(rng.random(n - 1), start=1):
        before = states[i - 1]
        states[i] = before if draw < stay[before] else 1 - before
    return states, rng.normal(2e-5, 1e-3, n) * np.where(states == 1, ratio, 1.0)


def known(mean: float = 2e-5, ratio: float = 2.5) -> Regimes:
    return Regimes(mean, (1e-3, ratio * 1e-3), STAY, 0.0, 0.0, 0, 0)


def fitted(returns: Float1D) -> Regimes:
    found = fit_regimes(returns)
    assert found is not None
    return found


def density(x: float, mean: float, volatility: float) -> float:
    return math.exp(-0.5 * ((x - mean) / volatility) ** 2) / volatility / math.sqrt(2 * math.pi)


def path_chances(returns: list[float], regimes: Regimes) -> dict[tuple[int, ...], float]:
    """Joint density of the returns and of every path of states."""
    leave = [1 - each for each in regimes.stay]
    begin = [leave[1] / sum(leave), leave[0] / sum(leave)]
    out = {}
    for path in product((0, 1), repeat=len(returns)):
        chance = begin[path[0]]
        for before, now in pairwise(path):
            chance *= regimes.stay[before] if now == before else leave[before]
        for x, state in zip(returns, path, strict=True):
            chance *= density(x, regimes.mean, regimes.volatility[state])
        out[path] = chance
    return out


def test_filter_is_the_sum_over_all_paths_of_states() -> None:
    returns = switching(61, 10)[1]
    found = filtered_stress(returns, known())
    for t in range(10):
        chances = path_chances(returns[: t + 1].tolist(), known())
        stressed = sum(chance for path, chance in chances.items() if path[-1] == 1)
        assert found[t] == pytest.approx(stressed / sum(chances.values()), rel=1e-9)


def test_smoothing_and_counts_of_moves_are_sums_over_all_paths() -> None:
    from tools.regime_kernels import filter_states

    returns, regimes = switching(62, 9)[1], known()
    predicted, filtered, smoothed = (np.empty((9, 2)) for _ in range(3))
    moves, stay = np.empty((2, 2)), np.array(STAY)
    total = filter_states(returns, regimes.mean, np.square(regimes.volatility), stay, predicted, filtered)
    smooth_states(stay, predicted, filtered, smoothed, moves)
    chances = path_chances(returns.tolist(), regimes)
    evidence = sum(chances.values())
    assert total == pytest.approx(math.log(evidence), rel=1e-12)
    for t in range(9):
        expected = sum(chance for path, chance in chances.items() if path[t] == 1) / evidence
        assert smoothed[t, 1] == pytest.approx(expected, rel=1e-9)
    for i, j in product((0, 1), repeat=2):
        counts = sum(
            chance * sum(pair == (i, j) for pair in pairwise(path)) for path, chance in chances.items()
        )
        assert moves[i, j] == pytest.approx(counts / evidence, rel=1e-9)


@given(n_left=st.floats(1e-6, 1e4), n_stayed=st.floats(1e-6, 1e4), leave=st.floats(1e-6, 2.0))
def test_step_of_the_chain_is_the_root_it_names(n_left: float, n_stayed: float, leave: float) -> None:
    a = leaving(n_left, n_stayed, leave)
    assert 0 < a < 1
    size = n_left / a + n_stayed / (1 - a) + 1 / leave
    assert n_left / a - n_stayed / (1 - a) - 1 / leave == pytest.approx(0, abs=1e-6 * size)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(1, 40))
def test_no_step_of_em_lowers_the_likelihood(seed: int, steps: int) -> None:
    returns = switching(seed, 80)[1] * 1e3
    short, long = np.array([0.0, 0.5, 4.0, 0.6, 0.7]), np.array([0.0, 0.5, 4.0, 0.6, 0.7])
    # What `climb` returns belongs to the parameters before its last step.
    before = climb(returns, short, steps, -1.0)[0]
    assert climb(returns, long, steps + 1, -1.0)[0] >= before - 1e-9


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fit_is_the_maximum_that_statsmodels_finds_and_its_filter_at_these_parameters(seed: int) -> None:
    from statsmodels.tsa.regime_switching.markov_regression import (  # type: ignore[import-untyped]  # no types
        MarkovRegression,
    )

    returns = switching(seed, 500)[1]
    found = fitted(returns)
    model = MarkovRegression(
        returns * 1e3, k_regimes=2, trend="c", switching_trend=False, switching_variance=True
    )
    theirs = model.fit(disp=0)
    height = found.log_likelihood - 500 * math.log(1e3)
    assert height == pytest.approx(theirs.llf, abs=1e-4)
    variance = np.square(found.volatility) * 1e6
    parameters = np.array([found.stay[0], 1 - found.stay[1], found.mean * 1e3, *variance])
    assert model.loglike(parameters) == pytest.approx(height, abs=1e-9)
    filtered = model.filter(parameters).filtered_marginal_probabilities[:, 1]
    np.testing.assert_allclose(filtered_stress(returns, found), filtered, atol=1e-10)
    order = np.argsort(theirs.params[-2:])
    np.testing.assert_allclose(variance, theirs.params[-2:][order], rtol=0.01)


def test_known_states_are_told_apart_on_bars_the_fit_has_not_seen() -> None:
    right = []
    for seed in range(20):
        states, returns = switching(100 + seed, 1000)
        found = filtered_stress(returns, fitted(returns[:500]))
        right.append(np.mean((found > 0.5) == (states == 1), where=np.arange(1000) >= 500))
        best = np.mean((filtered_stress(returns, known()) > 0.5) == (states == 1))
        assert best > 0.85
    # With the true parameters it is 0.91.
    assert 0.86 < np.mean(right) < 0.95


def test_known_parameters_are_recovered() -> None:
    fits = [fitted(switching(200 + seed, 1000)[1]) for seed in range(40)]
    for values, truth, slack in (
        ([fit.volatility[0] for fit in fits], 1e-3, 3e-5),
        ([fit.volatility[1] for fit in fits], 2.5e-3, 1e-4),
        ([fit.stay[0] for fit in fits], STAY[0], 0.01),
        ([fit.stay[1] for fit in fits], STAY[1], 0.015),
    ):
        error = float(np.std(values)) / math.sqrt(len(values))
        assert np.median(values) == pytest.approx(truth, abs=4 * error + slack / 2)
        assert error < slack
    assert not any(fit.warnings for fit in fits)


def test_filter_does_not_know_the_future() -> None:
    returns = switching(63, 300)[1]
    regimes = fitted(returns[:200])
    whole = filtered_stress(returns, regimes)
    later = returns.copy()
    later[250:] *= -20
    np.testing.assert_array_equal(filtered_stress(later, regimes)[:250], whole[:250])
    np.testing.assert_array_equal(filtered_stress(returns[:250], regimes), whole[:250])


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), factor=st.floats(1e-6, 1e6))
def test_unit_of_the_returns_scales_the_fit(seed: int, factor: float) -> None:
    returns = switching(seed, 300)[1]
    plain, moved = fitted(returns), fitted(returns * factor)
    assert moved.volatility[1] >= moved.volatility[0]
    assert moved.log_likelihood + 300 * math.log(factor) == pytest.approx(plain.log_likelihood, abs=1e-3)


def test_tool_is_the_newest_filtered_value_of_the_newest_returns() -> None:
    calm, storm = (
        np.random.default_rng(64).normal(0, 1e-3, 480),
        np.random.default_rng(65).normal(0, 3e-3, 40),
    )
    entry = get_tool("stressed_probability")
    stormy, calmed = np.r_[calm, storm], np.r_[storm, storm, calm]
    found = entry.call(of_returns(stormy))
    assert found.value == pytest.approx(filtered_stress(stormy[-500:], fitted(stormy[-500:]))[-1], rel=1e-6)
    assert (found.value or 0) > 0.9
    assert (found.warnings, found.n_obs) == ((), 501)
    assert (entry.call(of_returns(calmed)).value or 0) < 0.1


def test_market_of_one_volatility_is_warned_of() -> None:
    rng = np.random.default_rng(66)
    # One of these draws leads the best search onto a few returns; the next best is taken.
    warned = [fitted(rng.normal(0, 1e-3, 500)).warnings for _ in range(40)]
    assert (
        sum(warnings == ("two states fit these returns no better than one (BIC)",) for warnings in warned)
        >= 38
    )


def test_lone_outliers_are_no_regime() -> None:
    returns = np.random.default_rng(67).normal(0, 1e-3, 500)
    returns[::25] *= 8
    (warning,) = fitted(returns).warnings
    assert warning.startswith("the stressed state lasts 1.")
    assert warning.endswith("bars: outliers and no regime")


def test_state_that_shrinks_onto_equal_returns_is_refused() -> None:
    returns = np.random.default_rng(68).normal(0, 1e-3, 500)
    returns[100:300] = 0.0
    assert fit_regimes(returns) is None
    found = get_tool("stressed_probability").call(of_returns(returns))
    assert found.reason == "the fit failed: one state shrank onto returns that are all equal"
    assert fit_regimes(np.zeros(300)) is None
    assert get_tool("stressed_probability").call(closes_only(np.full(501, 1.1))).value is None


def test_far_outlier_does_not_break_the_filter() -> None:
    returns = switching(69, 300)[1]
    returns[200] = 1.0
    found = filtered_stress(returns, known())
    assert np.isfinite(found).all()
    assert found[200] == pytest.approx(1.0)
