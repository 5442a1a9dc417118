"""Volatility models against figures published by others; each case is named after where they come from.

HAR: constants of the test suite of the R package highfrequency, on its SPY realized measures (5-minute RV).
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
from tools.har import fit_har
from tools.volatility_models import VolatilityFit, fit_volatility

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
