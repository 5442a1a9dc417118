"""Losses and Diebold and Mariano's test: against plain twins, and how often the test errs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate  # type: ignore[import-untyped]  # SciPy comes without types

from contracts.errors import ToolInputError
from contracts.market import Float1D
from tools.forecast_comparison import FEWEST, Loss, compare_forecasts, diebold_mariano

seeds = pytest.mark.parametrize("seed", [1, 2, 3])


def some_variances(seed: int, n: int = 80) -> tuple[Float1D, Float1D, Float1D]:
    rng = np.random.default_rng(seed)
    realized, one, other = np.exp(rng.normal(0, 0.5, (3, n)))
    return realized, one, other


def plain_loss(realized: float, forecast: float, loss: Loss) -> float:
    if loss == "qlike":
        return realized / forecast - math.log(realized / forecast) - 1
    return (realized - forecast) ** 2


def plain_statistic(d: list[float], h: int) -> float:
    n, mean = len(d), sum(d) / len(d)
    variance = sum((x - mean) ** 2 for x in d) / n
    for lag in range(1, h):
        variance += 2 * sum((d[i] - mean) * (d[i - lag] - mean) for i in range(lag, n)) / n
    return mean / math.sqrt(variance / n) * math.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)


def plain_p_value(statistic: float, degrees: int) -> float:
    """Student's density, summed from the statistic on."""
    scale = math.gamma((degrees + 1) / 2) / math.gamma(degrees / 2) / math.sqrt(degrees * math.pi)
    tail, _ = integrate.quad(
        lambda x: scale * (1 + x * x / degrees) ** (-(degrees + 1) / 2), abs(statistic), np.inf
    )
    return 2 * float(tail)


@seeds
@pytest.mark.parametrize("horizon", [1, 2, 4])
@pytest.mark.parametrize("loss", ["qlike", "squared error"])
def test_comparison_agrees_with_its_definition(seed: int, horizon: int, loss: Loss) -> None:
    realized, one, other = some_variances(seed)
    losses = [
        [plain_loss(r, f, loss) for r, f in zip(realized, forecast, strict=True)] for forecast in (one, other)
    ]
    difference = [a - b for a, b in zip(*losses, strict=True)]
    found = compare_forecasts(realized, one, other, loss=loss, horizon=horizon)
    assert found.mean_loss_one == pytest.approx(sum(losses[0]) / 80)
    assert found.mean_loss_other == pytest.approx(sum(losses[1]) / 80)
    assert found.difference == pytest.approx(sum(difference) / 80)
    statistic = plain_statistic(difference, horizon)
    assert found.test.statistic == pytest.approx(statistic)
    assert found.test.p_value == pytest.approx(plain_p_value(statistic, 79), rel=1e-6)
    assert (found.loss, found.n_obs, found.test.reason) == (loss, 80, None)


@seeds
def test_other_order_turns_the_sign_and_a_perfect_forecast_loses_nothing(seed: int) -> None:
    realized, one, other = some_variances(seed)
    found, turned = compare_forecasts(realized, one, other), compare_forecasts(realized, other, one)
    assert (found.difference, found.test.p_value) == (-turned.difference, turned.test.p_value)
    best = compare_forecasts(realized, one, realized)
    assert best.mean_loss_other == pytest.approx(0, abs=1e-15)
    assert best.difference > 0


@given(seed=st.integers(0, 2**32 - 1), by=st.sampled_from([1e-10, 1e-4, 1e6]))
def test_qlike_has_no_unit_and_the_statistics_of_neither_loss_has_one(seed: int, by: float) -> None:
    realized, one, other = some_variances(seed)
    found = compare_forecasts(realized * by, one * by, other * by)
    assert found.mean_loss_one == pytest.approx(compare_forecasts(realized, one, other).mean_loss_one)
    for loss in ("qlike", "squared error"):
        plain = compare_forecasts(realized, one, other, loss=loss).test.statistic
        moved = compare_forecasts(realized * by, one * by, other * by, loss=loss).test.statistic
        assert moved == pytest.approx(plain, rel=1e-6, abs=1e-9)


@given(seed=st.integers(0, 2**32 - 1))
def test_order_of_places_counts_over_more_than_one_step_alone(seed: int) -> None:
    realized, one, other = some_variances(seed)
    shuffled = np.random.default_rng(seed).permutation(80)
    moved = (realized[shuffled], one[shuffled], other[shuffled])
    plain = compare_forecasts(realized, one, other).test.statistic
    assert compare_forecasts(*moved).test.statistic == pytest.approx(plain, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("horizon", "n"), [(1, 20), (1, 250), (3, 100)])
def test_equal_forecasts_are_told_apart_one_time_in_twenty(horizon: int, n: int) -> None:
    rng = np.random.default_rng(17)
    n_runs, found = 2000, []
    for _ in range(n_runs):
        # Differences of forecasts h steps ahead: a moving average of h - 1 lags.
        d = np.convolve(rng.normal(0, 1, n + horizon - 1), np.ones(horizon), "valid")
        p_value = diebold_mariano(d, horizon).p_value
        found.append(p_value is not None and p_value < 0.05)
    error = math.sqrt(0.05 * 0.95 / n_runs)
    # Three lags of a hundred values are known roughly: Harvey, Leybourne and Newbold report as much.
    assert abs(np.mean(found) - 0.05) < 3 * error + (0.02 if horizon > 1 else 0)


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_qlike_prefers_the_true_variance_however_badly_it_is_measured(noise: float) -> None:
    rng = np.random.default_rng(23)
    truth = np.exp(rng.normal(0, 0.5, 4000))
    realized = truth * np.where(noise > 0, rng.chisquare(4, 4000) / 4, 1.0)
    for wrong in (truth**0.8, truth**1.25, np.full(4000, truth.mean())):
        found = compare_forecasts(realized, wrong, truth)
        assert found.difference > 0
        assert found.test.p_value is not None
        assert found.test.p_value < 0.01


def test_difference_without_variance_has_a_reason() -> None:
    realized, one, _ = some_variances(1)
    same = compare_forecasts(realized, one, one)
    assert (same.difference, same.test.statistic, same.test.p_value) == (0.0, None, None)
    assert same.test.reason == "undefined: the difference of the losses has no variance over zero"
    wavering = np.tile([1.0, -0.9], 20)
    assert diebold_mariano(wavering, 2).statistic is None
    assert diebold_mariano(np.full(30, 0.1), 1).statistic is None


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0, -1.0])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_value_the_loss_cannot_take_is_refused(value: float, place: int) -> None:
    given_series = [series.copy() for series in some_variances(1)]
    given_series[place][7] = value
    name = "forecast" if place else "realized"
    with pytest.raises(ToolInputError, match=f"{name} values to be finite and over zero, found 1 of 80"):
        compare_forecasts(*given_series)
    if math.isfinite(value):
        assert math.isfinite(compare_forecasts(*given_series, loss="squared error").difference)


def test_short_or_unequal_series_and_horizons_that_do_not_fit_are_refused() -> None:
    realized, one, other = some_variances(1, FEWEST)
    assert compare_forecasts(realized, one, other).n_obs == FEWEST
    for cut in (slice(1, None), slice(0, 0)):
        with pytest.raises(ToolInputError, match="20 or more values and as many"):
            compare_forecasts(realized[cut], one[cut], other[cut])
    with pytest.raises(ToolInputError, match="as many of each forecast, found 20, 20 and 19"):
        compare_forecasts(realized, one, other[1:])
    for horizon in (0, FEWEST):
        with pytest.raises(ToolInputError, match="expected a horizon of 1 or more"):
            compare_forecasts(realized, one, other, horizon=horizon)
    with pytest.raises(ToolInputError, match="1 not finite"):
        diebold_mariano(np.r_[1.0, math.nan, 2.0], 1)
