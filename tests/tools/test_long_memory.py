"""Detrended fluctuation analysis against a plain twin and on fractional noise of known memory."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.noises import fractional_noise
from tests.tools.paired_bars import of_returns
from tools.long_memory import fluctuation_exponent
from tools.registry import get_tool


def plain_exponent(values: list[float]) -> float:
    n = len(values)
    mean = sum(values) / n
    walk = [sum(v - mean for v in values[: i + 1]) for i in range(n)]
    sizes = sorted({round(8 * (n // 4 / 8) ** (i / 15)) for i in range(16)})
    logs = []
    for size in sizes:
        starts = [i * size for i in range(n // size)]
        starts += [n - (i + 1) * size for i in range(n // size)]
        left = 0.0
        for start in starts:
            line = np.polynomial.Polynomial.fit(range(size), walk[start : start + size], 1)
            left += sum((walk[start + i] - line(i)) ** 2 for i in range(size))
        logs.append(0.5 * math.log(left / len(starts) / size))
    slope: float = np.polyfit(np.log(sizes), logs, 1)[0]
    return slope


@pytest.mark.parametrize(("seed", "n"), [(1, 100), (2, 257), (3, 64)])
def test_exponent_is_that_of_lines_fitted_box_by_box(seed: int, n: int) -> None:
    values = np.random.default_rng(seed).normal(size=n)
    assert fluctuation_exponent(values) == pytest.approx(plain_exponent(values.tolist()), rel=1e-9)


@pytest.mark.parametrize("hurst", [0.3, 0.5, 0.8])
def test_noise_has_the_covariance_of_its_memory(hurst: float) -> None:
    rng = np.random.default_rng(21)
    paths = np.array([fractional_noise(rng, 16, hurst) for _ in range(5_000)])
    for lag in (0, 1, 5):
        expected = (abs(lag + 1) ** (2 * hurst) - 2 * lag ** (2 * hurst) + abs(lag - 1) ** (2 * hurst)) / 2
        assert (paths[:, 0] * paths[:, lag]).mean() == pytest.approx(expected, abs=0.07)


@pytest.mark.parametrize("hurst", [0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
def test_known_memory_is_recovered_within_the_stated_bias_and_spread(hurst: float) -> None:
    rng = np.random.default_rng(22)
    found = [fluctuation_exponent(fractional_noise(rng, 500, hurst)) for _ in range(100)]
    # Spread of 0.065 at most: the mean of 100 is known to 0.0065, four of which are 0.026.
    assert np.mean(found) == pytest.approx(hurst + (0.02 if hurst < 0.35 else 0.0), abs=0.026)
    assert 0.03 < np.std(found) < 0.08


def test_longer_series_are_told_more_surely() -> None:
    rng = np.random.default_rng(23)
    found = [fluctuation_exponent(rng.normal(size=2000)) for _ in range(100)]
    assert np.std(found) == pytest.approx(0.032, rel=0.25)


def test_walk_is_warned_of_in_most_samples_and_long_memory_in_few() -> None:
    rng, entry = np.random.default_rng(24), get_tool("hurst_exponent")
    walks = [entry.call(of_returns(1e-3 * rng.normal(size=500))) for _ in range(100)]
    assert sum(bool(found.warnings) for found in walks) >= 88
    strong = [entry.call(of_returns(1e-3 * fractional_noise(rng, 500, 0.8))) for _ in range(40)]
    assert sum(not found.warnings for found in strong) >= 36
    doubtful = next(found for found in walks if found.warnings)
    assert doubtful.warnings == ("a random walk, 0.5, would look the same: standard error 0.052",)


@given(seed=st.integers(0, 2**32 - 1), shift=st.floats(-5, 5), factor=st.floats(1e-6, 1e6))
def test_level_unit_and_sign_change_nothing(seed: int, shift: float, factor: float) -> None:
    values = np.random.default_rng(seed).normal(size=128)
    plain = fluctuation_exponent(values)
    assert fluctuation_exponent(values * factor + shift * factor) == pytest.approx(plain, abs=1e-6)
    assert fluctuation_exponent(-values) == pytest.approx(plain, abs=1e-9)


def test_values_that_do_not_move_have_no_exponent() -> None:
    assert math.isnan(fluctuation_exponent(np.full(100, 2.0)))
