"""The refit schedule and the rank correlation under the composite strength."""

import math
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.market import Timeframe
from tools.composite import fit_point, spearman
from tools.decision_settings import CompositeSettings

SETTINGS = CompositeSettings()


# the schedule


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(Timeframe))
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

IQ = [106.0, 100, 86, 101, 99, 103, 97, 113, 112, 110]
TELEVISION_HOURS = [7.0, 27, 2, 50, 28, 29, 20, 12, 6, 17]


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        pytest.param(IQ, TELEVISION_HOURS, -29 / 165, id="Wikipedia, Spearman article: IQ and television"),
        pytest.param([1.0, 2, 2, 3], [1.0, 2, 3, 4], 4.5 / math.sqrt(4.5 * 5), id="tie by hand"),
        pytest.param([1.0, 2, 3], [10.0, 100, 1000], 1.0, id="any rising map"),
        pytest.param([1.0, 2, 3], [5.0, 5, 5], 0.0, id="constant orders nothing"),
    ],
)
def test_spearman_of_known_samples(x: list[float], y: list[float], expected: float) -> None:
    assert spearman(np.array(x), np.array(y)) == pytest.approx(expected, abs=1e-12)


_tied = st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=2, max_size=60)


@given(_tied)
def test_spearman_with_ties_agrees_with_pandas_ranks_and_its_bounds(pairs: list[tuple[int, int]]) -> None:
    x, y = (np.array(column, dtype=np.float64) for column in zip(*pairs, strict=True))
    rho = spearman(x, y)
    assert -1 - 1e-12 <= rho <= 1 + 1e-12
    assert spearman(-x, y) == pytest.approx(-rho, abs=1e-12)
    if len(set(x)) > 1 and len(set(y)) > 1:
        ranks = np.corrcoef(pd.Series(x).rank(), pd.Series(y).rank())
        assert rho == pytest.approx(float(ranks[0, 1]), abs=1e-12)
