"""HAR beside HARQ, walked forward: each day from its past alone, and the gain where there is one."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bench.forex_files import mt5_bars
from contracts.errors import ToolInputError
from contracts.market import Float1D
from tests.tools.intraday_paths import hourly_bars, measured_days, true_days
from tests.tools.price_paths import with_missing
from tools.forecast_comparison import ForecastComparison, compare_forecasts
from tools.har import MONTH, daily_realized_variance, fit_har
from tools.har_edge import har_forecast_edge, walk_har
from tools.harq import fit_harq
from tools.registry import get_tool


def test_each_forecast_is_that_of_a_fit_on_the_days_before_it() -> None:
    values, quarticity = measured_days(1, 140)
    # A wild day no line is fitted to, and one that brings the lines out of what was seen.
    for day in (3, 110):
        values[day] *= 50
        quarticity[day] *= 2500
    rows = walk_har(values, quarticity, first=100)
    assert len(rows.realized) == len(rows.har) == len(rows.harq) == 40
    np.testing.assert_array_equal(rows.realized, values[100:])
    n_replaced = 0
    for row, until in enumerate(range(100, 140)):
        past, precision = values[:until], quarticity[:until]
        har, harq = fit_har(past), fit_harq(past, precision)
        assert har is not None
        assert harq is not None
        seen = past[MONTH:]
        for found, line in (
            (rows.har[row], har.forecast(past)),
            (rows.harq[row], harq.forecast(past, precision)),
        ):
            is_inside = seen.min() <= line <= seen.max()
            n_replaced += not is_inside
            assert found == (line if is_inside else seen.mean())
    assert rows.n_replaced == n_replaced > 0


@hypothesis_settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), known=st.integers(101, 129))
def test_changed_future_leaves_every_earlier_forecast_as_it_was(seed: int, known: int) -> None:
    values, quarticity = measured_days(seed, 130)
    others = measured_days(seed + 1, 130)
    changed = walk_har(
        np.r_[values[:known], 50 * others[0][known:]],
        np.r_[quarticity[:known], 9 * others[1][known:]],
        first=100,
    )
    plain, n = walk_har(values, quarticity, first=100), known - 100
    # The forecast of the first changed day is made before that day.
    np.testing.assert_array_equal(changed.har[: n + 1], plain.har[: n + 1])
    np.testing.assert_array_equal(changed.harq[: n + 1], plain.harq[: n + 1])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_harq_is_closer_to_the_truth_where_days_are_measured_unequally_well(seed: int) -> None:
    truth, values, quarticity = true_days(seed, 2500)
    found = against(truth, values, quarticity)
    assert found.test.statistic is not None
    assert found.test.statistic > 2
    # The same days with the precision of others: little is left to gain.
    shuffled = np.random.default_rng(1).permutation(quarticity / values**2) * values**2
    assert against(truth, values, shuffled).difference < 0.5 * found.difference


def against(truth: Float1D, values: Float1D, quarticity: Float1D) -> ForecastComparison:
    rows = walk_har(values, quarticity, first=500)
    return compare_forecasts(truth[500:], rows.har, rows.harq)


def test_days_that_fix_no_line_have_no_forecast_and_a_bad_beginning_is_refused() -> None:
    values, quarticity = measured_days(2, 60)
    rows = walk_har(values, np.ones(60), first=40)
    assert np.isnan(rows.har).all()
    assert np.isnan(rows.harq).all()
    for first in (26, 60):
        with pytest.raises(ToolInputError, match="first forecast after 27 days or more and under 60"):
            walk_har(values, quarticity, first=first)


def test_tool_is_the_statistic_of_the_newest_days() -> None:
    bars, entry = hourly_bars(3, 150), get_tool("har_forecast_edge")
    found = entry.call(bars, days=80, walked=40)
    daily = daily_realized_variance(bars).newest(80 + 40 + MONTH)
    rows = walk_har(daily.values, daily.quarticity, first=80 + MONTH)
    expected = compare_forecasts(rows.realized, rows.har, rows.harq)
    assert len(rows.har) == 40
    assert found.value == expected.test.statistic
    assert found.n_obs == 142 * 24
    assert bool(found.warnings) == bool(rows.n_replaced)
    assert entry.call(bars[24:], days=80, walked=40) == found
    assert entry.call(bars[: len(bars) - 1], days=80, walked=40).value == found.value


def test_replaced_forecasts_are_counted() -> None:
    bars = hourly_bars(10, 160, begins="2023-04-03T21:00")
    close = bars.close.copy()
    close[-72:-48] *= np.exp(np.cumsum(np.tile([0.2, -0.2], 12)))
    found = har_forecast_edge(replace(bars, close=close), days=80, walked=40)
    assert found.value is not None
    assert len(found.warnings) == 1
    assert "of 80 forecasts were outside the range of the days before them" in found.warnings[0]


def test_missing_close_still_days_and_short_history_have_a_reason() -> None:
    bars, entry = hourly_bars(2, 150), get_tool("har_forecast_edge")
    gapped = entry.call(with_missing(bars, "close", 1000), days=80, walked=40)
    assert gapped.reason == "needs close on every bar, missing on 1 of 3408"
    close = bars.close.copy()
    close[-60:-2] = close[-61]
    paused = entry.call(replace(bars, close=close), days=80, walked=40)
    assert paused.reason == "undefined: no price moved on one of the days compared"
    still = replace(bars, close=np.full(len(bars), 1.1))
    assert entry.call(still, days=80, walked=40).value is None
    assert entry.call(bars[:2000], days=80, walked=40).reason == "needs 142 whole days, has 82"


@pytest.mark.slow
@pytest.mark.parametrize("symbol", ["gbpusd", "xauusd"])
def test_real_hours_give_forecasts_near_what_came(shared_data: Path, symbol: str) -> None:
    bars = mt5_bars(shared_data, symbol)
    found = get_tool("har_forecast_edge").call(bars)
    assert found.value is not None
    assert abs(found.value) < 6
    har, harq = (get_tool(name).call(bars).value for name in ("har_volatility", "harq_volatility"))
    assert har is not None
    assert harq is not None
    newest = math.sqrt(daily_realized_variance(bars).newest(22).values.mean())
    assert 0.5 * newest < harq < 2 * newest
    assert 0.7 * har < harq < 1.4 * har
