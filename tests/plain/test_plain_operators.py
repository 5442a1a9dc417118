"""The plain operators against numbers worked out by hand and against pandas and numpy."""

import inspect
import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from tests.plain import operators as plain
from tests.plain.operators import Float2D, Number
from tools.formulas.operators import OPERATORS

NAN = math.nan


def column(*values: float) -> Float2D:
    return np.array(values, dtype=np.float64)[:, np.newaxis]


def row(*values: float) -> Float2D:
    return np.array(values, dtype=np.float64)[np.newaxis, :]


def assert_is(found: Float2D, *expected: float) -> None:
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-14, atol=1e-15)


@pytest.fixture
def holed() -> Float2D:
    """Small whole numbers, so that many are equal, with one value in twenty missing."""
    generator = np.random.default_rng(7)
    values = generator.integers(1, 7, (120, 3)).astype(np.float64)
    values[generator.random(values.shape) < 0.05] = NAN
    return values


@pytest.fixture
def other(holed: Float2D) -> Float2D:
    return np.random.default_rng(8).normal(size=holed.shape)


@pytest.mark.parametrize("word", sorted(OPERATORS))
def test_every_word_has_a_plain_function_with_its_arguments(word: str) -> None:
    function = getattr(plain, word, None) or getattr(plain, f"{word}_")
    takes = len(OPERATORS[word].takes) + (word == "adv")  # the twin hands over the panel
    assert len(inspect.signature(function).parameters) == takes


# bar by bar


@pytest.mark.parametrize(
    ("operation", "x", "y", "expected"),
    [
        (plain.add, 2, 3, 5),
        (plain.subtract, 2, 3, -1),
        (plain.multiply, 2, 3, 6),
        (plain.divide, 3, 2, 1.5),
        (plain.divide, 3, 0, NAN),
        (plain.divide, 0, 0, NAN),
        (plain.multiply, 1e200, 1e200, NAN),
        (plain.add, 1.7e308, 1.7e308, NAN),
        (plain.power, 2, 10, 1024),
        (plain.power, 9, 0.5, 3),
        (plain.power, -9, 0.5, NAN),
        (plain.power, -2, 3, -8),
        (plain.power, 0, 0, 1),
        (plain.power, 0, -1, NAN),
        (plain.power, 10, 400, NAN),
        (plain.power, 1, NAN, NAN),
        (plain.power, NAN, 0, NAN),
        (plain.signed_power, -3, 2, -9),
        (plain.signed_power, -4, 0.5, -2),
        (plain.signed_power, 0, 2, 0),
        (plain.signed_power, 0, 0, 0),
        (plain.signed_power, 0, -1, NAN),
        (plain.less, 1, 2, 1),
        (plain.less, 2, 2, 0),
        (plain.less, NAN, 2, NAN),
        (plain.less_equal, 2, 2, 1),
        (plain.less_equal, 3, 2, 0),
        (plain.greater, 3, 2, 1),
        (plain.greater, 2, 2, 0),
        (plain.greater, 2, NAN, NAN),
        (plain.greater_equal, 2, 2, 1),
        (plain.greater_equal, 1, 2, 0),
        (plain.equal, 2, 2, 1),
        (plain.equal, 2, 3, 0),
        (plain.equal, NAN, NAN, NAN),
        (plain.not_equal, 2, 3, 1),
        (plain.not_equal, 2, 2, 0),
        (plain.not_equal, NAN, 2, NAN),
        (plain.and_, 1, 1, 1),
        (plain.and_, 1, 0, 0),
        (plain.and_, 0, NAN, NAN),
        (plain.or_, 1, 0, 1),
        (plain.or_, 0, 0, 0),
        (plain.or_, 1, NAN, NAN),
        (plain.min_, 2, 3, 2),
        (plain.min_, 2, NAN, NAN),
        (plain.max_, 2, 3, 3),
        (plain.max_, NAN, 3, NAN),
    ],
)
def test_two_operands_give_the_known_value(
    operation: Callable[[Number, Number], Float2D], x: float, y: float, expected: float
) -> None:
    assert_is(operation(column(x), column(y)), expected)
    assert_is(operation(column(x), y), expected)


@pytest.mark.parametrize(
    ("operation", "x", "expected"),
    [
        (plain.negate, 2, -2),
        (plain.not_, 1, 0),
        (plain.not_, 0, 1),
        (plain.not_, NAN, NAN),
        (plain.abs_, -2, 2),
        (plain.sign, -2, -1),
        (plain.sign, 0, 0),
        (plain.sign, 5, 1),
        (plain.sign, NAN, NAN),
        (plain.log, math.e, 1),
        (plain.log, 0, NAN),
        (plain.log, -1, NAN),
    ],
)
def test_one_operand_gives_the_known_value(
    operation: Callable[[Number], Float2D], x: float, expected: float
) -> None:
    assert_is(operation(column(x)), expected)


def test_where_needs_the_condition_and_the_chosen_one_only() -> None:
    condition, x, y = column(1, 0, 1, NAN), column(5, NAN, NAN, 5), column(NAN, 6, 6, 6)
    assert_is(plain.where(condition, x, y), 5, 6, NAN, NAN)
    assert_is(plain.where(condition, 1, -1), 1, -1, 1, NAN)


# back in time


def test_delay_and_delta_look_back_whole_bars() -> None:
    x = column(1, 4, 9, NAN, 25)
    assert_is(plain.delay(x, 2.9), NAN, NAN, 1, 4, 9)
    assert_is(plain.delay(x, 0), 1, 4, 9, NAN, 25)
    assert_is(plain.delay(x, 9), NAN, NAN, NAN, NAN, NAN)
    assert_is(plain.delta(x, 2), NAN, NAN, 8, NAN, 16)


@pytest.mark.parametrize("window", [2, 5, 11])
@pytest.mark.parametrize(
    ("operation", "of_pandas"),
    [
        (plain.ts_sum, lambda rolling: rolling.sum()),
        (plain.ts_mean, lambda rolling: rolling.mean()),
        (plain.ts_std, lambda rolling: rolling.std()),
        (plain.ts_min, lambda rolling: rolling.min()),
        (plain.ts_max, lambda rolling: rolling.max()),
        (plain.ts_rank, lambda rolling: rolling.rank(pct=True)),
        (plain.ts_product, lambda rolling: rolling.apply(np.prod)),
        (lambda x, d: plain.ts_quantile(x, d, 0.8), lambda rolling: rolling.quantile(0.8)),
        (lambda x, d: plain.ts_quantile(x, d, 0.5), lambda rolling: rolling.median()),
        (plain.ts_argmax, lambda rolling: rolling.apply(lambda w: len(w) - 1 - np.argmax(w), raw=True)),
        (plain.ts_argmin, lambda rolling: rolling.apply(lambda w: len(w) - 1 - np.argmin(w), raw=True)),
        (plain.ts_cumsum_max, lambda rolling: rolling.apply(lambda w: w.cumsum().max(), raw=True)),
        (plain.ts_cumsum_min, lambda rolling: rolling.apply(lambda w: w.cumsum().min(), raw=True)),
        (
            plain.decay_linear,
            lambda rolling: rolling.apply(
                lambda w: np.average(w, weights=np.arange(1, len(w) + 1)), raw=True
            ),
        ),
        (
            lambda x, d: plain.decay_power(x, d, 0.9),
            lambda rolling: rolling.apply(
                lambda w: np.average(w, weights=0.9 ** np.arange(len(w))[::-1]), raw=True
            ),
        ),
        (
            plain.ts_slope,
            lambda rolling: rolling.apply(lambda w: np.polyfit(np.arange(1, len(w) + 1), w, 1)[0], raw=True),
        ),
        (
            plain.ts_residual,
            lambda rolling: rolling.apply(
                lambda w: w[-1] - np.polyval(np.polyfit(np.arange(len(w)), w, 1), len(w) - 1), raw=True
            ),
        ),
    ],
)
def test_windows_with_ties_and_holes_agree_with_pandas(
    holed: Float2D,
    operation: Callable[[Float2D, float], Float2D],
    of_pandas: Callable[["pd.api.typing.Rolling[pd.DataFrame]"], pd.DataFrame],
    window: int,
) -> None:
    expected = of_pandas(pd.DataFrame(holed).rolling(window)).to_numpy()
    np.testing.assert_allclose(operation(holed, window), expected, rtol=1e-9, atol=1e-12)


def test_a_fractional_window_is_floored(holed: Float2D) -> None:
    np.testing.assert_array_equal(plain.ts_sum(holed, 5.99), plain.ts_sum(holed, 5))
    np.testing.assert_array_equal(plain.adv({"volume": holed}, 5.99), plain.ts_mean(holed, 5))
    np.testing.assert_array_equal(plain.sma(holed, 5.99, 2), plain.sma(holed, 5, 2))


def test_a_window_longer_than_the_panel_has_no_value(holed: Float2D) -> None:
    for operation in (plain.ts_sum, plain.ts_rank, plain.ts_argmax, plain.decay_linear, plain.ts_slope):
        assert np.isnan(operation(holed, len(holed) + 1)).all()


def test_a_window_of_one_bar_is_the_bar() -> None:
    x = column(3, NAN, 5)
    for operation in (plain.ts_sum, plain.ts_mean, plain.ts_min, plain.ts_product, plain.decay_linear):
        assert_is(operation(x, 1), 3, NAN, 5)
    assert_is(plain.ts_rank(x, 1), 1, NAN, 1)
    assert_is(plain.ts_argmax(x, 1), 0, NAN, 0)


def test_arg_extremes_count_bars_back_to_the_oldest_of_equals() -> None:
    assert_is(plain.ts_argmax(column(1, 9, 9, 2), 4), NAN, NAN, NAN, 2)
    assert_is(plain.ts_argmin(column(5, 1, 3, 1), 4), NAN, NAN, NAN, 2)
    assert_is(plain.ts_argmax(column(1, 2, 3), 3), NAN, NAN, 0)


def test_ts_rank_shares_the_mean_rank() -> None:
    assert_is(plain.ts_rank(column(2, 1, 2, 2), 4), NAN, NAN, NAN, 3 / 4)
    assert_is(plain.ts_rank(column(7, 7), 2), NAN, 0.75)
    assert_is(plain.ts_rank(column(3, 2, 1), 3), NAN, NAN, 1 / 3)


def test_ts_sum_of_a_condition_counts() -> None:
    rises = plain.greater(column(1, 2, 2, 3), plain.delay(column(1, 2, 2, 3), 1))
    assert_is(plain.ts_sum(rises, 3), NAN, NAN, NAN, 2)


def test_ts_product_that_overflows_is_missing() -> None:
    assert_is(plain.ts_product(column(1e200, 1e200, 1), 2), NAN, NAN, 1e200)


@pytest.mark.parametrize("level", [0.1, 1e-3, 123.456, 1e15 + 0.3])
def test_a_flat_window_has_no_spread_and_no_correlation(level: float) -> None:
    flat, moving = column(*[level] * 7), column(1, 5, 2, 8, 3, 9, 4)
    assert plain.ts_std(flat, 7)[-1, 0] == 0
    assert plain.ts_cov(flat, moving, 7)[-1, 0] == 0
    assert plain.ts_slope(flat, 7)[-1, 0] == 0
    assert plain.ts_residual(flat, 7)[-1, 0] == 0
    assert plain.ts_beta(flat, moving, 7)[-1, 0] == 0
    assert np.isnan(plain.ts_corr(flat, moving, 7)).all()
    assert np.isnan(plain.ts_corr(moving, flat, 7)).all()
    assert np.isnan(plain.ts_rsquare(flat, 7)).all()
    assert np.isnan(plain.ts_beta(moving, flat, 7)).all()


@pytest.mark.parametrize("window", [3, 8])
def test_pairs_agree_with_pandas(holed: Float2D, other: Float2D, window: int) -> None:
    x, y = pd.DataFrame(holed), pd.DataFrame(other)
    covariance = x.rolling(window).cov(y).to_numpy()
    np.testing.assert_allclose(plain.ts_cov(holed, other, window), covariance, rtol=1e-9, atol=1e-12)
    moves = plain.ts_std(holed, window) > 0
    correlation = np.where(moves, x.rolling(window).corr(y).to_numpy(), NAN)
    np.testing.assert_allclose(plain.ts_corr(holed, other, window), correlation, rtol=1e-9, atol=1e-12)
    variance = np.where(np.isnan(holed), NAN, other)
    slope = covariance / pd.DataFrame(variance).rolling(window).var().to_numpy()
    np.testing.assert_allclose(plain.ts_beta(holed, other, window), slope, rtol=1e-9, atol=1e-12)


def test_correlation_on_a_line_is_exactly_one() -> None:
    x = np.random.default_rng(3).normal(size=(50, 2))
    for window in (2, 3, 10):
        assert set(np.unique(plain.ts_corr(x, 3 * x, window)[window - 1 :])) == {1.0}
    assert set(np.unique(plain.ts_corr(x, x[:, ::-1].copy(), 2)[1:])) <= {-1.0, 1.0}


def test_lines_by_hand() -> None:
    # The line through 1, 3, 2 is 1 + x / 2: at 3 it stands at 2.5, and it explains a quarter.
    x = column(1, 3, 2)
    assert_is(plain.ts_slope(x, 3), NAN, NAN, 0.5)
    assert_is(plain.ts_residual(x, 3), NAN, NAN, -0.5)
    assert_is(plain.ts_rsquare(x, 3), NAN, NAN, 0.25)


def test_decays_weigh_the_newest_most() -> None:
    x = column(1, 2, 6)
    assert_is(plain.decay_linear(x, 3), NAN, NAN, (1 + 4 + 18) / 6)
    assert_is(plain.decay_power(x, 3, 0.5), NAN, NAN, (6 + 1 + 0.25) / 1.75)


def test_sma_begins_with_the_first_known_and_skips_missing_bars() -> None:
    # d = 3, q = 1: 6; (9 + 2 * 6) / 3 = 7; the gap changes nothing; (10 + 2 * 7) / 3 = 8; (2 + 16) / 3 = 6
    assert_is(plain.sma(column(NAN, 6, 9, NAN, 10, 2), 3, 1), NAN, NAN, NAN, NAN, 8, 6)
    assert_is(plain.sma(column(6, 9), 1, 1), 6, 9)


def test_sma_agrees_with_pandas_exponential_mean(other: Float2D) -> None:
    expected = pd.DataFrame(other).ewm(alpha=2 / 9, adjust=False, min_periods=9).mean().to_numpy()
    np.testing.assert_allclose(plain.sma(other, 9, 2), expected, rtol=1e-12, atol=1e-14)


def test_beta_where_uses_the_chosen_known_bars() -> None:
    y = column(1, 2, 3, 4, NAN, 6)
    x = column(2, 4, 100, NAN, 1, 12)
    condition = column(1, 1, 0, 1, 1, 1)
    # The fourth and fifth bars are not known, the third is not chosen; 2 remain, then 1, then 1.
    assert_is(plain.ts_beta_where(x, y, condition, 4), NAN, NAN, NAN, 2, NAN, NAN)
    assert_is(plain.ts_beta_where(x, y, condition, 6), NAN, NAN, NAN, NAN, NAN, 2)
    assert_is(plain.ts_beta_where(x, column(5, 5, 5, 5, 5, 5), condition, 4), *[NAN] * 6)


def test_beta_where_always_is_beta(holed: Float2D, other: Float2D) -> None:
    always = np.ones_like(holed)
    beta = plain.ts_beta(holed, other, 6)
    everywhere = plain.ts_beta_where(holed, other, always, 6)
    known = ~np.isnan(beta)
    np.testing.assert_allclose(everywhere[known], beta[known], rtol=1e-12, atol=1e-14)


def test_factor_residual_is_what_three_factors_leave() -> None:
    generator = np.random.default_rng(11)
    factors = generator.normal(size=(3, 30, 2))
    noise = generator.normal(size=(30, 2))
    x = 0.3 + 2 * factors[0] - factors[1] + 0.5 * factors[2] + noise
    residual = plain.ts_factor_residual(x, factors[0], factors[1], factors[2], 12)
    assert np.isnan(residual[:11]).all()
    # What a regression leaves does not change with what the factors explain.
    np.testing.assert_allclose(
        residual, plain.ts_factor_residual(noise, factors[0], factors[1], factors[2], 12), atol=1e-12
    )
    regressors = np.column_stack([np.ones(12), factors[:, 18:, 0].T])
    hat = regressors @ np.linalg.inv(regressors.T @ regressors) @ regressors.T
    assert residual[-1, 0] == pytest.approx(x[-1, 0] - hat[-1] @ x[18:, 0], abs=1e-12)


def test_factor_residual_needs_every_bar_and_stands_equal_factors() -> None:
    x = np.random.default_rng(12).normal(size=(8, 1))
    factor = np.random.default_rng(13).normal(size=(8, 1))
    same = plain.ts_factor_residual(x, factor, factor, factor, 6)
    line = np.polyfit(factor[2:, 0], x[2:, 0], 1)
    assert same[-1, 0] == pytest.approx(x[-1, 0] - np.polyval(line, factor[-1, 0]), abs=1e-12)
    x[4] = NAN
    assert np.isnan(plain.ts_factor_residual(x, factor, factor, factor, 6)).all()


def test_running_sums_start_afresh_in_each_window() -> None:
    x = column(5, -3, 4, -6)
    assert_is(plain.ts_cumsum_max(x, 3), NAN, NAN, 6, 1)
    assert_is(plain.ts_cumsum_min(x, 3), NAN, NAN, 2, -5)


# across instruments


def test_rank_counts_the_known_and_shares_the_mean_of_equals() -> None:
    assert_is(plain.rank(row(3, 1, NAN, 3, 2)), 3.5 / 4, 1 / 4, NAN, 3.5 / 4, 2 / 4)
    assert_is(plain.rank(row(NAN, NAN)), NAN, NAN)


def test_rank_agrees_with_pandas(holed: Float2D) -> None:
    expected = pd.DataFrame(holed).rank(axis=1, pct=True).to_numpy()
    np.testing.assert_array_equal(plain.rank(holed), expected)


def test_scale_brings_the_sum_of_sizes_to_one() -> None:
    assert_is(plain.scale(row(1, -3, NAN)), 0.25, -0.75, NAN)
    assert_is(plain.scale(row(0, 0, NAN)), NAN, NAN, NAN)


def test_neutralize_takes_off_the_mean_of_the_known_members() -> None:
    x, groups = row(1, 3, 5, NAN, 7, 9), row(1, 1, 2, 2, NAN, 3)
    assert_is(plain.neutralize(x, groups), -1, 1, 0, NAN, NAN, 0)
