"""Our GARCH fit beside `arch` alone, in one run on the same returns: milliseconds, medians.

Ours is `arch` with a finer end of the search, the benchmark's start of the recursion, the checks of what came
out and a second attempt where those fail. `arch` is timed as its own documentation calls it, with its own
settings, and with our end of the search. What is imported first is not counted.
"""

import statistics
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from bench.report import table
from contracts.market import Float1D
from markets.price_file import read_prices
from markets.samples import sample_sources
from tools.volatility_models import VolatilityFit, fit_volatility

HEAD = ("returns", "n", "ours ms", "arch ms", "ours over arch", "arch, our tolerance ms", "ours over that")
N_RUNS = 15
SAMPLES = (("eurusd-2017", 500), ("eurusd-2017", 2000), ("spx-daily", 500), ("spx-daily", 5000))
_OUR_TOLERANCE = 1e-10


def measure_garch(_: Path) -> str:
    """The section of the page; it reads only what is bundled."""
    return (
        "## GARCH\n\nA fit of GARCH(1,1) with its forecast, beside `arch` alone on the same returns. Ours is "
        "`arch` with a finer end of the search, a fixed start of the recursion and checks of what came out; "
        "the last two columns give `arch` that finer end.\n\n" + table(HEAD, garch_rows())
    )


def garch_rows() -> list[tuple[str, ...]]:
    """One row a sample, under `HEAD`: medians of runs that take turns."""
    rows: list[tuple[str, ...]] = []
    for name, n in SAMPLES:
        returns = _newest_returns(name, n)
        fits = (
            partial(_ours, returns),
            partial(_arch, returns, None),
            partial(_arch, returns, _OUR_TOLERANCE),
        )
        ours, plain, fine = _medians(fits)
        times = (f"{ours:.1f}", f"{plain:.1f}", f"{ours / plain:.2f}", f"{fine:.1f}", f"{ours / fine:.2f}")
        rows.append((name, str(n), *times))
    return rows


def _newest_returns(name: str, n: int) -> Float1D:
    (bars,) = read_prices(sample_sources()[name]).sides.values()
    returns = np.diff(np.log(bars.close[-n - 1 :]))
    # In units that `arch` asks for.
    scaled: Float1D = returns / returns.std()
    return scaled


def _medians(fits: tuple[Callable[[], object], ...]) -> list[float]:
    took: list[list[float]] = [[] for _ in fits]
    for run in range(N_RUNS + 1):
        for place, fit in enumerate(fits):
            started = time.perf_counter()
            fit()
            # The first round loads and compiles.
            if run:
                took[place].append(1e3 * (time.perf_counter() - started))
    return [statistics.median(each) for each in took]


def _ours(returns: Float1D) -> None:
    fit = fit_volatility(returns, "GARCH")
    assert isinstance(fit, VolatilityFit), fit


def _arch(returns: Float1D, tolerance: float | None) -> None:
    from arch import arch_model

    options = None if tolerance is None else {"ftol": tolerance}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = arch_model(returns, mean="Constant", vol="GARCH", p=1, q=1, rescale=False)
        found = model.fit(disp="off", show_warning=False, options=options)
    # Ours says what the next variance is as well.
    found.forecast(horizon=1, reindex=False)
