"""ADF and KPSS: against statsmodels, a plain twin, and on walks and autoregressions."""

import math
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from contracts.market import Float1D
from tests.tools.noises import autoregression
from tests.tools.paired_bars import oanda_hours
from tests.tools.price_paths import closes_only
from tools.registry import get_tool
from tools.stationarity import UnitRootTest, unit_root_test


def unit_root_of(x: Float1D) -> UnitRootTest:
    found = unit_root_test(x)
    assert found is not None
    return found


def prices(x: Float1D) -> Float1D:
    return np.exp(1e-3 * x)


def plain_kpss(x: list[float]) -> float:
    """The statistic with the number of lags that Hobijn, Franses and Ooms choose for Bartlett's weights."""
    n, mean = len(x), sum(x) / len(x)
    e = [v - mean for v in x]
    pilot = int(n ** (2 / 9))
    moments = [sum(e[t] * e[t - lag] for t in range(lag, n)) / (n / 2) for lag in range(pilot + 1)]
    s0 = sum(e_t * e_t for e_t in e) / n + sum(moments[1:])
    s1 = sum(lag * moments[lag] for lag in range(1, pilot + 1))
    lags = int(1.1447 * ((s1 / s0) ** 2) ** (1 / 3) * n ** (1 / 3))
    lags = min(lags, n - 1)
    variance = sum(v * v for v in e) / n
    for lag in range(1, lags + 1):
        variance += 2 / n * (1 - lag / (lags + 1)) * sum(e[t] * e[t - lag] for t in range(lag, n))
    total = 0.0
    partial = 0.0
    for v in e:
        partial += v
        total += partial**2
    return total / n**2 / variance


@pytest.mark.parametrize("phi", [1.0, 0.97, 0.5])
def test_tools_are_statsmodels_tests_of_log_closes(phi: float) -> None:
    from statsmodels.tsa.stattools import adfuller, kpss  # type: ignore[import-untyped]  # has no types

    bars = closes_only(prices(autoregression(np.random.default_rng(41), 350, phi)))
    logs = np.log(bars.close[-300:])
    theirs = adfuller(logs, result_object=True)
    for name, value in (("adf_statistic", theirs.statistic), ("adf_p_value", theirs.pvalue)):
        found = get_tool(name).call(bars, period=300)
        assert found.value == pytest.approx(value, rel=1e-6)
        assert found.n_obs == 300
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        level = kpss(logs, nlags="auto", result_object=True)
    found = get_tool("kpss_statistic").call(bars, period=300)
    assert found.value == pytest.approx(level.statistic, rel=1e-9)
    assert found.value == pytest.approx(plain_kpss(logs.tolist()), rel=1e-9)


def test_statistic_without_lags_is_the_t_of_a_plain_regression() -> None:
    # With shocks that do not follow each other AIC mostly takes no lag.
    x = autoregression(np.random.default_rng(3), 120, 0.6)
    design = np.column_stack((x[:-1], np.ones(119)))
    moves = np.diff(x)
    solved = np.linalg.solve(design.T @ design, design.T @ moves)
    left = moves - design @ solved
    error = math.sqrt(float(left @ left) / 117 * float(np.linalg.inv(design.T @ design)[0, 0]))
    assert unit_root_of(x).statistic == pytest.approx(float(solved[0]) / error, rel=1e-6)


def test_quick_return_is_told_from_a_walk_by_both_tests() -> None:
    rng = np.random.default_rng(42)
    for _ in range(10):
        tame = closes_only(prices(autoregression(rng, 500, 0.5)))
        assert (get_tool("adf_p_value").call(tame).value or 1.0) < 0.01
        assert (get_tool("kpss_statistic").call(tame).value or 9.0) < 0.739
    wild = [closes_only(prices(autoregression(rng, 500, 1.0))) for _ in range(20)]
    assert sum((get_tool("kpss_statistic").call(each).value or 0.0) > 0.463 for each in wild) >= 16
    assert sum((get_tool("adf_p_value").call(each).value or 0.0) > 0.05 for each in wild) >= 16


@pytest.mark.slow
def test_size_of_the_unit_root_test_at_five_percent() -> None:
    rng = np.random.default_rng(43)
    n_walks = 600
    low = sum(unit_root_of(autoregression(rng, 250, 1.0)).p_value < 0.05 for _ in range(n_walks))
    share, error = low / n_walks, math.sqrt(0.05 * 0.95 / n_walks)
    # Lags chosen by AIC bring some 6.5 % where 5 % is said.
    assert 0.05 - 3 * error < share < 0.065 + 3 * error


def test_moves_that_are_all_the_same_have_a_reason() -> None:
    steady = closes_only(1.1 * np.exp(1e-4 * np.arange(500)))
    for name in ("adf_statistic", "adf_p_value", "kpss_statistic"):
        found = get_tool(name).call(steady)
        assert (found.value, found.reason) == (None, "undefined: every move on these bars is the same")


def test_euro_hours_look_like_a_walk_and_their_returns_do_not(shared_data: Path) -> None:
    bars = oanda_hours(shared_data, "eurusd", "20140401", "20140530")
    assert (get_tool("adf_p_value").call(bars).value or 0.0) > 0.1
    assert unit_root_of(np.diff(np.log(bars.close))).p_value < 1e-6
    found = get_tool("half_life").call(bars)
    assert found.value is None or found.warnings


@pytest.mark.slow
def test_no_heavy_library_comes_in_before_the_first_test() -> None:
    code = (
        "import sys\n"
        "from tools.registry import load_tools\n"
        "load_tools()\n"
        "heavy = {'numba', 'scipy', 'statsmodels'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["adf_statistic", "adf_p_value"])
@pytest.mark.parametrize(
    "close",
    [1.1 + 0.001 * (np.arange(300) % 2), 1 + 0.0001 * np.arange(300), np.append(np.full(299, 1.1), 1.2)],
    ids=["there and back", "a line", "a jump on the newest bar"],
)
def test_moves_whose_past_leaves_nothing_of_them_have_a_reason(name: str, close: Float1D) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = get_tool(name).call(closes_only(close), period=300)
    assert found.value is None
    assert found.reason is not None
    assert "too regular" in found.reason
    assert said == []
