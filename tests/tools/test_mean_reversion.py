"""Half-life of mean reversion: against plain regressions, and on autoregressions of known half-life."""

import math
import statistics

import numpy as np
import pytest

from tests.tools.noises import autoregression
from tests.tools.price_paths import closes_only
from tools.mean_reversion import NO_REVERSION, critical_dickey_fuller, fit_reversion
from tools.registry import get_tool


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fit_is_the_line_of_least_squares_and_its_t(seed: int) -> None:
    x = autoregression(np.random.default_rng(seed), 120, 0.7)
    found = fit_reversion(x)
    assert found is not None
    plain = statistics.linear_regression(x[:-1], x[1:])
    left = x[1:] - plain.slope * x[:-1] - plain.intercept
    error = math.sqrt(float(left @ left) / 117 / (statistics.pvariance(x[:-1]) * 119))
    assert found.phi == pytest.approx(plain.slope, rel=1e-9)
    assert found.dickey_fuller == pytest.approx((plain.slope - 1) / error, rel=1e-9)
    assert found.n_obs == 119
    assert found.corrected_phi == pytest.approx((119 * plain.slope + 1) / 116)


@pytest.mark.parametrize("seed", [1, 2])
def test_statistic_and_its_point_are_those_of_statsmodels_without_lags(seed: int) -> None:
    from statsmodels.tsa.stattools import adfuller  # type: ignore[import-untyped]  # has no types

    x = autoregression(np.random.default_rng(seed), 200, 0.95)
    theirs, found = adfuller(x, maxlag=0, autolag=None, result_object=True), fit_reversion(x)
    assert found is not None
    assert found.dickey_fuller == pytest.approx(theirs.statistic, rel=1e-9)
    assert critical_dickey_fuller(199) == pytest.approx(theirs.critical_values["5%"], rel=1e-9)


@pytest.mark.parametrize(("half_life", "n"), [(2, 250), (5, 250), (20, 500), (20, 250)])
def test_known_half_life_is_the_median_of_what_is_found(half_life: float, n: int) -> None:
    rng, phi, n_paths = np.random.default_rng(31), 0.5 ** (1 / half_life), 300
    fits = [fit_reversion(autoregression(rng, n, phi)) for _ in range(n_paths)]
    found = sorted(math.inf if fit is None or fit.half_life is None else fit.half_life for fit in fits)
    # The true median lies between these order statistics 99.7 % of the time, were the fit without bias.
    margin = round(1.5 * math.sqrt(n_paths))
    assert found[n_paths // 2 - margin] < half_life < found[n_paths // 2 + margin]


def test_walks_have_no_half_life_in_half_of_all_samples_and_a_warning_in_most_others() -> None:
    rng, entry = np.random.default_rng(32), get_tool("half_life")
    answers = [entry.call(closes_only(np.exp(1e-3 * autoregression(rng, 250, 1.0)))) for _ in range(300)]
    none = [found for found in answers if found.value is None]
    assert 0.38 < len(none) / 300 < 0.62
    assert {found.reason for found in none} == {NO_REVERSION}
    trusted = [found for found in answers if found.value is not None and not found.warnings]
    # One in twenty; 300 of them give 3 to 28 with a chance of 99.9 %.
    assert 3 <= len(trusted) <= 28


def test_price_that_turns_back_within_a_bar_has_a_reason() -> None:
    rng = np.random.default_rng(33)
    bars = closes_only(np.exp(1e-3 * autoregression(rng, 250, -0.5)))
    assert get_tool("half_life").call(bars).reason == "undefined: it turns back within a bar"


def test_sound_return_has_no_warning_and_a_doubtful_one_names_its_statistic() -> None:
    rng, entry = np.random.default_rng(34), get_tool("half_life")
    sound = entry.call(closes_only(np.exp(1e-3 * autoregression(rng, 250, 0.8))))
    assert sound.warnings == ()
    slow = closes_only(np.exp(1e-3 * autoregression(rng, 100, 0.93)))
    fit = fit_reversion(np.log(slow.close))
    assert fit is not None
    doubt = (f"a random walk would look the same: Dickey-Fuller {fit.dickey_fuller:.2f}",)
    assert entry.call(slow, period=100).warnings == (() if fit.is_told_from_a_walk else doubt)
    assert not fit.is_told_from_a_walk


def test_what_does_not_move_has_no_fit() -> None:
    assert fit_reversion(np.full(50, 3.0)) is None
