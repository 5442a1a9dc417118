"""Volatility models against figures published by others; each case is named after where they come from.

HAR, HARQ: constants of the test suite of the R package highfrequency (tests/testthat/tests_models.R), on its
SPY realized measures (5-minute RV and RQ).
GARCH(1,1): the DEM/GBP benchmark of Bollerslev and Ghysels, in the figures of Fiorentini, Calzolari and
Panattoni (1996) as rugarch and arch reproduce them.
"""

import csv
import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from contracts.market import Float1D
from tools.forecast_comparison import compare_forecasts, diebold_mariano
from tools.har import fit_har
from tools.har_edge import walk_har
from tools.harq import fit_harq
from tools.volatility_models import VolatilityFit, fit_volatility

HARQ_HIGHFREQUENCY = (3.285615865e-06, 9.754440119e-01, 7.909932136e-03, 2.366579823e-02, -3.881445184e-01)
HAR_HIGHFREQUENCY = (1.16000092e-05, 0.295316577, 0.281333417, 0.147163289)
GARCH_DEM_GBP = {"omega": 0.010761, "alpha[1]": 0.153132, "beta[1]": 0.805977}
GARCH_DEM_GBP_LIKELIHOOD = -1106.607


def column(path: Path, name: str) -> Float1D:
    with gzip.open(path, "rt", encoding="ascii", newline="") as file:
        return np.array([float(row[name]) for row in csv.DictReader(file)])


def test_har_reproduces_highfrequency_on_spy_2014_to_2019(shared_data: Path) -> None:
    fit = fit_har(column(shared_data / "volatility" / "SPYRM.csv.gz", "RV5"))
    assert fit is not None
    found = (fit.constant, fit.day, fit.week, fit.month)
    np.testing.assert_allclose(found, HAR_HIGHFREQUENCY, rtol=5e-9)
    assert fit.n_obs == 1495 - 22


def test_harq_reproduces_highfrequency_on_spy_2014_to_2019(shared_data: Path) -> None:
    path = shared_data / "volatility" / "SPYRM.csv.gz"
    fit = fit_harq(column(path, "RV5"), column(path, "RQ5"))
    assert fit is not None
    found = (fit.constant, fit.day, fit.week, fit.month, fit.precision)
    np.testing.assert_allclose(found, HARQ_HIGHFREQUENCY, rtol=5e-10)
    assert fit.n_obs == 1495 - 22


@pytest.mark.slow
def test_harq_forecasts_spy_better_than_har_by_qlike_as_its_paper_reports(shared_data: Path) -> None:
    path = shared_data / "volatility" / "SPYRM.csv.gz"
    rows = walk_har(column(path, "RV5"), column(path, "RQ5"), first=500)
    found = compare_forecasts(rows.realized, rows.har, rows.harq)
    assert found.n_obs == 995
    assert found.mean_loss_other < 0.9 * found.mean_loss_one


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_garch_reproduces_the_dem_gbp_benchmark(shared_data: Path, scale: float) -> None:
    returns = column(shared_data / "volatility" / "dmbp.csv.gz", "V1") * scale
    fit = fit_volatility(returns, "GARCH")
    assert isinstance(fit, VolatilityFit)
    found = dict(fit.parameters) | {"omega": fit.parameters["omega"] / scale**2}
    for name, printed in GARCH_DEM_GBP.items():
        assert found[name] == pytest.approx(printed, abs=1e-6)
    likelihood = fit.log_likelihood + len(returns) * math.log(scale)
    assert likelihood == pytest.approx(GARCH_DEM_GBP_LIKELIHOOD, abs=5e-4)
    assert fit.warnings == ()


# Errors of an ETS and an ARIMA model on the last 20 values of WWWusage, the example of R's forecast::dm.test,
# with four-digit p-values: the tests of the Julia package HypothesisTests.jl, test/diebold_mariano.jl.
E_ETS = """
0.002241270 -0.000661906 -1.200002613 -4.000218178 3.799373533 3.401005111 -1.199692125 -0.800490048
-1.200048999
3.399847229 7.000708948 2.200989241 -4.800165569 -1.201043375 3.400167556 3.000709085 0.400267950 -6.800169207
-2.401259050 1.200112198"""
E_ARIMA = """
0.1209998 8.0622269 -0.9189429 -1.7952436 5.3431277 2.0459823 -0.6073261 0.5516816 -0.7633238 4.1229472
5.8785333 1.2828331 -3.4854233 1.1971370 3.1709314 2.3408457 0.4962286 -5.9841362 0.1537114 0.4207951"""


@pytest.mark.parametrize(
    ("power", "horizon", "p_value"),
    [
        pytest.param(2, 1, 0.8871, id="HypothesisTests.jl on WWWusage, squares"),
        pytest.param(2, 10, 0.9362, id="HypothesisTests.jl on WWWusage, squares, ten steps ahead"),
        pytest.param(1, 1, 0.7818, id="HypothesisTests.jl on WWWusage, absolute errors"),
    ],
)
def test_diebold_mariano_reproduces_hypothesis_tests_in_julia(
    power: int, horizon: int, p_value: float
) -> None:
    ets, arima = (np.abs(np.array(text.split(), dtype=np.float64)) for text in (E_ETS, E_ARIMA))
    found = diebold_mariano(ets**power - arima**power, horizon)
    assert found.p_value == pytest.approx(p_value, abs=5e-5)
    if power == 2:
        compared = compare_forecasts(np.zeros(20), ets, arima, loss="squared error", horizon=horizon)
        assert compared.test == found


def test_diebold_mariano_reproduces_the_python_package_dieboldmariano() -> None:
    one, other = (np.array(errors) for errors in ([0.0, 1, 2, 3, 4, 5], [0.0, 2, 3, 3, 5, 6]))
    found = diebold_mariano(one**2 - other**2, 1)
    assert found.statistic == pytest.approx(-2.4905, abs=5e-5)
    assert found.p_value == pytest.approx(0.05513, abs=5e-6)
