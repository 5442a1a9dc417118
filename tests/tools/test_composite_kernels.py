"""The refit schedule and the rank correlation under the composite strength."""

import math
from datetime import UTC, datetime, timedelta, timezone
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.market import Timeframe
from tools.composite import _ranks_so_far, fit_point, predictive_rank_correlation, signed_ranks
from tools.decision_settings import CompositeSettings

SETTINGS = CompositeSettings()


# the schedule


# Early in the year 1 the grid's last moment lies before the calendar.
@given(st.datetimes(min_value=datetime(2, 1, 1), timezones=st.just(UTC)), st.sampled_from(Timeframe))  # noqa: DTZ001 - a strategy takes naive ends
def test_fit_point_is_the_last_grid_moment_at_or_before(moment: datetime, timeframe: Timeframe) -> None:
    as_of = moment.replace(microsecond=0)
    point = fit_point(as_of, timeframe, SETTINGS)
    step = timedelta(seconds=SETTINGS.refit_every * timeframe.seconds)
    assert point <= as_of < point + step
    assert fit_point(point, timeframe, SETTINGS) == point
    assert (point - datetime(1970, 1, 1, tzinfo=UTC)) % step == timedelta(0)


def test_fit_point_does_not_depend_on_the_zone_the_moment_is_told_in() -> None:
    moment = datetime(2016, 5, 4, 13, tzinfo=UTC)
    elsewhere = moment.astimezone(timezone(timedelta(hours=-5)))
    assert fit_point(elsewhere, Timeframe.H1, SETTINGS) == datetime(2016, 5, 4, tzinfo=UTC)
    assert fit_point(moment, Timeframe.H1, SETTINGS) == datetime(2016, 5, 4, tzinfo=UTC)


def test_fit_point_refuses_a_moment_without_a_zone() -> None:
    with pytest.raises(ValueError, match="with a zone"):
        fit_point(datetime(2016, 5, 4), Timeframe.H1, SETTINGS)  # noqa: DTZ001


# settings


@pytest.mark.parametrize(
    "wrong", [{"fit_bars": 300}, {"horizon_bars": 0}, {"label_bars": 30}, {"refit_bars": 24}]
)
def test_impossible_or_unknown_composite_setting_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        CompositeSettings.model_validate(wrong)


# rank correlation

# Wilcoxon signed-rank test, Wikipedia: differences of ten pairs and their signed ranks, zero left out.
DIFFERENCES = [15.0, -7, 5, 20, -9, 17, -12, 5, -10]
SIGNED_RANKS = [7.0, -3, 1.5, 9, -4, 8, -6, 1.5, -5]


def test_signed_ranks_of_a_published_sample() -> None:
    assert signed_ranks(np.array(DIFFERENCES)).tolist() == SIGNED_RANKS


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=60))
def test_signed_ranks_agree_with_pandas(values: list[int]) -> None:
    x = np.array(values, dtype=np.float64)
    np.testing.assert_array_equal(signed_ranks(x), np.sign(x) * pd.Series(abs(x)).rank())


def test_correlation_by_hand() -> None:
    # Ranks so far of 3, 1, 2 are 0, -1/2, 0; of 4 it is 3/4. Their sums over two bars meet 1, -2, 3.
    signal, followed = np.array([3.0, 1, 2, 4]), np.array([1.0, -2, 3])
    sums = [-0.5, -0.5, 0.75]
    terms = [-0.5, 1.0, 2.25]
    size = math.sqrt(sum(s * s for s in sums) * (1 + 4 + 9))
    correlation, error = predictive_rank_correlation(signal, followed, 2)
    assert correlation == pytest.approx(sum(terms) / size, rel=1e-12)
    assert error == pytest.approx(math.sqrt(sum(t * t for t in terms)) / size, rel=1e-12)


@pytest.mark.parametrize("followed", [[0.0, 0, 0], [1.0, -2, 3]])
def test_what_orders_nothing_correlates_with_nothing(followed: list[float]) -> None:
    signal = np.array([3.0, 1, 2, 4]) if not any(followed) else np.full(4, 7.0)
    assert predictive_rank_correlation(signal, np.array(followed), 2) == (0.0, 0.0)


_signals = st.lists(st.integers(-5, 5), min_size=8, max_size=60)


@given(_signals, st.integers(1, 4), st.randoms(use_true_random=False))
def test_correlation_is_bounded_odd_and_free_of_scale(values: list[int], horizon: int, luck: Random) -> None:
    x = np.array(values, dtype=np.float64)
    followed = signed_ranks(np.array([luck.gauss(0, 1) for _ in range(len(x) - horizon + 1)]))
    rho, error = predictive_rank_correlation(x, followed, horizon)
    assert -1 - 1e-12 <= rho <= 1 + 1e-12
    assert 0 <= error <= 1 + 1e-12
    assert predictive_rank_correlation(-x, followed, horizon) == pytest.approx((-rho, error), abs=1e-12)
    assert predictive_rank_correlation(x, -followed, horizon) == pytest.approx((-rho, error), abs=1e-12)
    assert predictive_rank_correlation(np.exp(x), followed, horizon) == (rho, error)


@given(_signals, st.integers(1, 59))
def test_what_comes_later_does_not_change_a_rank(values: list[int], cut: int) -> None:
    """The sum's early terms do not depend on later signals, else the window would know how it went on."""
    x = np.array(values, dtype=np.float64)
    cut = min(cut, len(x))
    later = np.concatenate((x[:cut], 100 + x[cut:]))
    np.testing.assert_array_equal(_ranks_so_far(later)[:cut], _ranks_so_far(x)[:cut])
