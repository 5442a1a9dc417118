"""HARQ: the regression against a plain one, what it gains where it should, and its remedy for wild lines."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ToolInputError
from contracts.market import Float1D
from tests.tools.intraday_paths import hourly_bars, measured_days
from tests.tools.price_paths import scaled, with_missing
from tools.har import MONTH, daily_realized_variance
from tools.harq import HarqFit, fit_harq, harq_volatility, sane_forecast
from tools.registry import get_tool


def plain_fit(values: list[float], quarticity: list[float]) -> list[float]:
    centre = math.sqrt(sum(quarticity) / len(quarticity))
    rows, target = [], []
    for t in range(22, len(values)):
        week, month = sum(values[t - 5 : t]) / 5, sum(values[t - 22 : t]) / 22
        spread = math.sqrt(quarticity[t - 1]) - centre
        rows.append([1.0, values[t - 1], week, month, spread * values[t - 1]])
        target.append(values[t])
    a, b = np.array(rows), np.array(target)
    size = np.abs(a).mean(axis=0)
    a = a / size
    solved: list[float] = (np.linalg.solve(a.T @ a, a.T @ b) / size).tolist()
    return solved


def coefficients(fit: HarqFit) -> list[float]:
    return [fit.constant, fit.day, fit.week, fit.month, fit.precision]


def fitted(values: Float1D, quarticity: Float1D) -> HarqFit:
    fit = fit_harq(values, quarticity)
    assert fit is not None
    return fit


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fit_agrees_with_the_normal_equations(seed: int) -> None:
    values, quarticity = measured_days(seed, 400)
    fit, expected = fitted(values, quarticity), plain_fit(values.tolist(), quarticity.tolist())
    np.testing.assert_allclose(coefficients(fit), expected, rtol=1e-6)
    assert fit.n_obs == 400 - MONTH
    spread = math.sqrt(quarticity[-1]) - math.sqrt(quarticity.mean())
    newest = [1.0, values[-1], values[-5:].mean(), values[-22:].mean(), spread * values[-1]]
    assert fit.forecast(values, quarticity) == pytest.approx(np.dot(expected, newest), rel=1e-6)


def test_badly_measured_day_gets_less_weight() -> None:
    values, quarticity = measured_days(4, 3000)
    fit = fitted(values, quarticity)
    assert fit.precision < 0
    better = np.r_[quarticity[:-1], 0.5 * quarticity[-1]]
    assert fit.forecast(values, better) > fit.forecast(values, quarticity)


def test_known_line_is_recovered() -> None:
    rng = np.random.default_rng(6)
    quarticity = rng.lognormal(0, 1, 2000)
    values = np.ones(2000)
    for t in range(MONTH, 2000):
        past = values[:t]
        slope = 0.5 - 0.1 * (math.sqrt(quarticity[t - 1]) - 1.2)
        line = 0.1 + slope * past[-1] + 0.2 * past[-5:].mean() + 0.1 * past[-22:].mean()
        values[t] = line + rng.normal(0, 0.05)
    fit = fitted(values, quarticity)
    assert fit.precision == pytest.approx(-0.1, abs=0.01)
    assert fit.day + fit.precision * (1.2 - fit.centre) == pytest.approx(0.5, abs=0.1)
    assert fit.constant == pytest.approx(0.1, abs=0.05)


@given(of_values=st.sampled_from([1e-9, 1e-4, 1e6]), of_quarticity=st.sampled_from([1e-12, 1.0, 1e8]))
def test_units_move_the_constant_and_the_precision_alone(of_values: float, of_quarticity: float) -> None:
    values, quarticity = measured_days(5, 300)
    plain, moved = fitted(values, quarticity), fitted(values * of_values, quarticity * of_quarticity)
    expected = [plain.constant * of_values, plain.day, plain.week, plain.month]
    expected.append(plain.precision / math.sqrt(of_quarticity))
    np.testing.assert_allclose(coefficients(moved), expected, rtol=1e-7)
    assert moved.forecast(values * of_values, quarticity * of_quarticity) == pytest.approx(
        plain.forecast(values, quarticity) * of_values, rel=1e-7
    )


@pytest.mark.parametrize("n", [0, 10, 26])
def test_days_that_do_not_determine_the_coefficients_have_no_fit(n: int) -> None:
    values, quarticity = measured_days(1, 100)
    assert fit_harq(values[:n], quarticity[:n]) is None
    assert fit_harq(values, np.ones(100)) is None
    assert fit_harq(np.zeros(100), np.zeros(100)) is None


def test_quarticity_of_other_days_or_under_zero_is_refused() -> None:
    values, quarticity = measured_days(1, 100)
    with pytest.raises(ToolInputError, match="each of 100 days, found 99 with 0 under zero"):
        fit_harq(values, quarticity[1:])
    with pytest.raises(ToolInputError, match="found 100 with 100 under zero"):
        fit_harq(values, -quarticity)


def test_forecast_outside_what_was_seen_becomes_its_mean() -> None:
    seen = np.array([1.0, 2.0, 6.0])
    assert sane_forecast(1.0, seen) == (1.0, True)
    assert sane_forecast(6.0, seen) == (6.0, True)
    assert sane_forecast(0.999, seen) == sane_forecast(-1.0, seen) == sane_forecast(7.0, seen) == (3.0, False)


def test_tool_is_the_root_of_the_forecast_from_the_newest_days() -> None:
    bars = hourly_bars(8, 330)
    found = get_tool("harq_volatility").call(bars, days=300)
    daily = daily_realized_variance(bars).newest(322)
    values, quarticity = daily.values, daily.quarticity
    fit = plain_fit(values.tolist(), quarticity.tolist())
    spread = math.sqrt(quarticity[-1]) - math.sqrt(quarticity.mean())
    newest = [1.0, values[-1], values[-5:].mean(), values[-22:].mean(), spread * values[-1]]
    assert found.value == pytest.approx(math.sqrt(np.dot(fit, newest)), rel=1e-6)
    assert (found.n_obs, found.reason, found.warnings) == (322 * 24, None, ())


def test_unit_of_price_longer_history_and_a_day_in_progress_change_nothing() -> None:
    bars, entry = hourly_bars(9, 140), get_tool("harq_volatility")
    whole = entry.call(bars, days=100)
    assert whole.value is not None
    assert entry.call(bars[10 * 24 :], days=100) == whole
    assert entry.call(bars[: len(bars) - 1], days=100).value == whole.value
    assert entry.call(scaled(bars, 512.0), days=100).value == pytest.approx(whole.value, rel=1e-6)


def test_wild_newest_day_is_answered_with_the_mean_and_says_so() -> None:
    bars = hourly_bars(10, 130, begins="2023-04-03T21:00")
    close = bars.close.copy()
    close[-20:] *= np.exp(np.cumsum(np.tile([0.2, -0.2], 10)))
    found = harq_volatility(replace(bars, close=close), days=100)
    seen = daily_realized_variance(replace(bars, close=close)).newest(100).values
    assert found.value == pytest.approx(math.sqrt(seen.mean()))
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("the forecast was outside the range of the days it was fitted on")


def test_missing_close_still_market_and_short_history_have_a_reason() -> None:
    bars, entry = hourly_bars(2, 130), get_tool("harq_volatility")
    gapped = entry.call(with_missing(bars, "close", 1000), days=100)
    assert (gapped.value, gapped.reason) == (None, "needs close on every bar, missing on 1 of 2928")
    still = replace(bars, close=np.full(len(bars), 1.1))
    assert entry.call(still, days=100).reason == "undefined: these days do not determine the coefficients"
    assert entry.call(bars[: 60 * 24], days=100).reason == "needs 122 whole days, has 59"
