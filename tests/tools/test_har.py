"""HAR-RV: days out of bars, the regression against a plain one, and what it says when it cannot."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from contracts.errors import ToolInputError
from contracts.market import Bars, Float1D
from tests.tools.intraday_paths import hourly_bars
from tests.tools.price_paths import with_missing
from tools.har import MONTH, daily_realized_variance, fit_har, har_volatility
from tools.registry import get_tool

NEW_YORK = ZoneInfo("America/New_York")


def plain_days(bars: Bars) -> list[float]:
    """Every day that ends at 17:00 New York: the whole ones, summed bar by bar."""
    sums: dict[str, float] = {}
    close, closed = bars.close.tolist(), bars.close_time.tolist()
    for i in range(len(close)):
        moment = datetime.fromtimestamp(closed[i] / 1000 - 0.001, UTC).astimezone(NEW_YORK)
        # Wall-clock arithmetic: 17:00 of one day to 17:00 of the next.
        name = str((moment.replace(tzinfo=None) + timedelta(hours=7)).date())
        sums[name] = sums.get(name, 0.0) + (math.log(close[i] / close[i - 1]) ** 2 if i else 0.0)
    last = datetime.fromtimestamp(closed[-1] / 1000, UTC).astimezone(NEW_YORK)
    days = list(sums.values())[1:]
    return days if last.hour == 17 and last.minute == 0 else days[:-1]


def plain_fit(values: list[float]) -> list[float]:
    rows, target = [], []
    for t in range(22, len(values)):
        rows.append([1.0, values[t - 1], sum(values[t - 5 : t]) / 5, sum(values[t - 22 : t]) / 22])
        target.append(values[t])
    a, b = np.array(rows), np.array(target)
    solved: list[float] = np.linalg.solve(a.T @ a, a.T @ b).tolist()
    return solved


def autoregressive(seed: int, n: int) -> Float1D:
    rng = np.random.default_rng(seed)
    level = np.zeros(n)
    for i in range(1, n):
        level[i] = 0.95 * level[i - 1] + rng.normal(0, 0.3)
    return np.exp(level)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fit_agrees_with_the_normal_equations(seed: int) -> None:
    values = autoregressive(seed, 300)
    fit = fit_har(values)
    assert fit is not None
    expected = plain_fit(values.tolist())
    np.testing.assert_allclose([fit.constant, fit.day, fit.week, fit.month], expected, rtol=1e-6)
    assert fit.n_obs == 300 - MONTH
    weighted = [1.0, values[-1], values[-5:].mean(), values[-22:].mean()]
    assert fit.forecast(values) == pytest.approx(np.dot(expected, weighted), rel=1e-6)


@pytest.mark.parametrize("factor", [1e-12, 1e-4, 1e6])
def test_unit_of_the_variance_moves_the_constant_alone(factor: float) -> None:
    values = autoregressive(5, 300)
    plain, scaled = fit_har(values), fit_har(values * factor)
    assert plain is not None
    assert scaled is not None
    assert scaled.constant == pytest.approx(plain.constant * factor, rel=1e-9)
    assert scaled.day == pytest.approx(plain.day, rel=1e-9)


@pytest.mark.parametrize("values", [np.empty(0), np.zeros(100), np.full(100, 2.0), np.arange(1.0, 25.0)])
def test_days_that_do_not_determine_the_coefficients_have_no_fit(values: Float1D) -> None:
    assert fit_har(values) is None


@pytest.mark.parametrize("begins", ["2023-01-02T22:00", "2023-03-01T21:00", "2023-10-20T05:00"])
@pytest.mark.parametrize("n_extra", [0, 1, 5])
def test_days_end_at_five_in_new_york_on_both_clocks(begins: str, n_extra: int) -> None:
    bars = hourly_bars(7, 40, begins=begins)
    bars = bars[: len(bars) - n_extra]
    found = daily_realized_variance(bars)
    np.testing.assert_allclose(found.values, plain_days(bars), rtol=1e-12)
    assert found.bars_a_day == pytest.approx(24, rel=0.01)


def test_no_bars_are_no_days() -> None:
    bars = hourly_bars(7, 2)
    assert len(daily_realized_variance(bars[:0]).values) == 0
    assert len(daily_realized_variance(bars[:1]).values) == 0


def test_tool_is_the_root_of_the_forecast_from_the_newest_days() -> None:
    bars = hourly_bars(8, 130)
    found = get_tool("har_volatility").call(bars, days=100)
    days = plain_days(bars)[-122:]
    expected = np.dot(plain_fit(days), [1.0, days[-1], sum(days[-5:]) / 5, sum(days[-22:]) / 22])
    assert found.value == pytest.approx(math.sqrt(expected), rel=1e-6)
    assert found.reason is None
    assert found.n_obs == 122 * 24


def test_longer_history_and_a_day_in_progress_change_nothing() -> None:
    bars = hourly_bars(9, 140)
    entry = get_tool("har_volatility")
    whole = entry.call(bars, days=100)
    assert entry.call(bars[10 * 24 :], days=100) == whole
    # The bars end at 22:00 UTC, an hour after the day did in summer.
    assert entry.call(bars[: len(bars) - 1], days=100).value == whole.value
    part_way = [entry.call(bars[: len(bars) - n_off], days=100).value for n_off in (2, 13, 25)]
    assert part_way[0] == part_way[1] == part_way[2] != whole.value


def test_future_bars_do_not_reach_into_the_past() -> None:
    bars = hourly_bars(10, 140)
    until = 130 * 24 + 7
    changed = replace(bars, close=np.r_[bars.close[:until], bars.close[until:] * 3])
    known = daily_realized_variance(bars[:until]).values
    np.testing.assert_array_equal(daily_realized_variance(changed).values[: len(known)], known)


def test_too_few_days_or_too_few_bars_a_day_have_a_reason() -> None:
    entry = get_tool("har_volatility")
    assert entry.call(hourly_bars(1, 60), days=100).reason == "needs 122 whole days, has 59"
    assert entry.call(hourly_bars(1, 20), days=100).reason == "needs 732 bars, has 480"
    assert entry.call(hourly_bars(1, 400, hours=4), days=100).reason == "needs 6 bars a day, has 4.0"


def test_missing_or_impossible_close_has_a_reason() -> None:
    bars, entry = hourly_bars(2, 130), get_tool("har_volatility")
    gapped = entry.call(with_missing(bars, "close", 1000), days=100)
    assert (gapped.value, gapped.reason) == (None, "needs close on every bar, missing on 1 of 2928")
    negative = entry.call(with_missing(bars, "close", 1000, -1.0), days=100)
    assert negative.reason == "undefined: a price at or under zero, or one outside its bar's range"
    assert entry.call(with_missing(bars, "close", 50), days=100).value is not None


def test_still_market_has_no_fit_and_says_so() -> None:
    bars = hourly_bars(3, 130)
    still = replace(bars, close=np.full(len(bars), 1.1))
    assert har_volatility(still, days=100).reason == "undefined: these days do not determine the coefficients"


def zigzag(variances: Float1D) -> Bars:
    """A summer of hours that go up and down by the same step all day; the step follows `variances`."""
    n = len(variances) * 24
    steps = np.repeat(np.sqrt(variances / 24), 24) * np.tile([1.0, -1.0], n // 2)
    close = 1.1 * np.exp(np.cumsum(steps))
    return replace(hourly_bars(1, len(variances), begins="2023-04-03T21:00"), close=close)


def alternating(seed: int, n: int, newest: float) -> Float1D:
    """A calm day follows a wild one."""
    rng = np.random.default_rng(seed)
    out = [1.0]
    for _ in range(n - 1):
        out.append(1 - 0.7 * (out[-1] - 1) + rng.uniform(-0.2, 0.2))
    return np.array([*out[:-1], newest]) * 1e-4


@pytest.mark.parametrize(
    ("newest", "is_known", "is_warned"), [(1.0, True, False), (2.2, True, True), (40.0, False, False)]
)
def test_forecast_out_of_range_is_warned_of_and_one_that_is_no_variance_is_no_value(
    newest: float, is_known: bool, is_warned: bool
) -> None:
    found = har_volatility(zigzag(alternating(1, 130, newest)), days=100)
    assert (found.value is not None) == is_known
    assert bool(found.warnings) == is_warned
    if is_warned:
        assert found.warnings == ("the forecast is outside the range of the days it was fitted on",)
    if not is_known:
        assert found.reason == "undefined: the fitted line forecasts a variance that is not over zero"


def test_tool_has_no_series() -> None:
    with pytest.raises(ToolInputError, match="ask for its newest value"):
        get_tool("har_volatility").series(hourly_bars(1, 130))


def plain_quarticities(bars: Bars, first_bar: list[int]) -> tuple[list[float], list[float]]:
    close, mean_power = bars.close.tolist(), 2 ** (2 / 3) * math.gamma(7 / 6) / math.sqrt(math.pi)
    fourth, tripower = [], []
    for begin, end in pairwise(first_bar):
        r = [math.log(close[i] / close[i - 1]) for i in range(begin, end)]
        n = len(r)
        fourth.append(n / 3 * sum(x**4 for x in r))
        total = sum(abs(r[i] * r[i - 1] * r[i - 2]) ** (4 / 3) for i in range(2, n))
        tripower.append(n * n / (n - 2) * mean_power**-3 * total)
    return fourth, tripower


@pytest.mark.parametrize("hours", [24, 8])
def test_quarticities_agree_with_their_definitions_day_by_day(hours: int) -> None:
    bars = hourly_bars(4, 30, hours=hours)
    found = daily_realized_variance(bars)
    fourth, tripower = plain_quarticities(bars, found.first_bar.tolist())
    np.testing.assert_allclose(found.quarticity[:-1], fourth, rtol=1e-12)
    np.testing.assert_allclose(found.tripower_quarticity[:-1], tripower, rtol=1e-9)


def diffusion(seed: int, n_days: int, jump: float) -> tuple[Bars, float, float]:
    """Five-minute bars, wilder at the day's ends, with one jump a day; integrated variance and quarticity."""
    n = 288
    rng = np.random.default_rng(seed)
    shape = 1 + np.cos(np.linspace(0, 2 * np.pi, n)) ** 2
    variances = 1e-4 * shape / shape.sum()
    moves = rng.normal(0, 1, (n_days, n)) * np.sqrt(variances)
    moves[:, n // 2] += jump * rng.choice([-1.0, 1.0], n_days)
    bars = hourly_bars(1, n_days, hours=n, begins="2023-04-03T21:00")
    return replace(bars, close=np.exp(np.cumsum(moves))), 1e-4, float(n * np.sum(variances**2))


@pytest.mark.parametrize("jump", [0.0, 0.02])
def test_quarticity_recovers_that_of_a_diffusion_and_tripower_that_of_one_with_jumps(jump: float) -> None:
    bars, variance, quarticity = diffusion(21, 150, jump)
    found = daily_realized_variance(bars)
    assert mean_is(found.values, variance + jump**2)
    assert mean_is(found.quarticity, quarticity) == (jump == 0.0)
    if jump:
        assert found.quarticity.mean() > 100 * quarticity
    # A jump beside two usual neighbours leaves a rest, which fades as bars get shorter.
    rest = 0.0 if jump == 0.0 else tripower_of_a_jump(jump, variance)
    assert mean_is(found.tripower_quarticity, quarticity + rest, slack=0.03 * quarticity)


def mean_is(values: Float1D, expected: float, slack: float = 0.0) -> bool:
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    return abs(float(values.mean()) - expected) < 3 * error + slack


def tripower_of_a_jump(jump: float, variance: float, n: int = 288) -> float:
    """Three products hold the jump; each has two neighbours of the calm middle of the day."""
    mean_power = 2 ** (2 / 3) * math.gamma(7 / 6) / math.sqrt(math.pi)
    shape = 1 + np.cos(np.linspace(0, 2 * np.pi, n)) ** 2
    beside = variance * float(shape[n // 2] / shape.sum())
    return n / mean_power * 3 * float(jump ** (4 / 3) * beside ** (4 / 3))
