"""GARCH models against their own equations, and on what they cannot fit."""

import math
import subprocess
import sys

import numpy as np
import pytest

from contracts.errors import ToolInputError
from contracts.market import Float1D
from tests.tools.price_paths import closes_only, random_bars, scaled, with_missing
from tools import volatility_models
from tools.registry import ToolValue, get_tool
from tools.volatility_models import Model, NoFit, VolatilityFit, fit_volatility

MODELS: tuple[Model, ...] = ("GARCH", "GJR-GARCH", "EGARCH")
TOOLS = ("garch_volatility", "gjr_garch_volatility", "egarch_volatility")
every_model = pytest.mark.parametrize("model", MODELS)
every_tool = pytest.mark.parametrize("name", TOOLS)
MEAN_SIZE = math.sqrt(2 / math.pi)


def variances(parameters: dict[str, float], returns: list[float], model: Model, start: float) -> list[float]:
    """Plain recursion: one variance for each return and one for the next."""
    mu, omega = parameters["mu"], parameters["omega"]
    alpha, beta = parameters["alpha[1]"], parameters["beta[1]"]
    gamma = parameters.get("gamma[1]", 0.0)
    if model == "EGARCH":
        out = [math.exp(omega + beta * math.log(start))]
    elif model == "GARCH":
        out = [omega + (alpha + beta) * start]
    else:
        out = [omega + (alpha + 0.5 * gamma + beta) * start]
    for r in returns:
        e, now = r - mu, out[-1]
        z = e / math.sqrt(now)
        if model == "EGARCH":
            out.append(math.exp(omega + alpha * (abs(z) - MEAN_SIZE) + gamma * z + beta * math.log(now)))
        else:
            out.append(omega + (alpha + (gamma if e < 0 else 0.0)) * e * e + beta * now)
    return out


def likelihood(parameters: dict[str, float], returns: list[float], model: Model) -> float:
    path = variances(parameters, returns, model, float(np.var(returns)))
    return -0.5 * sum(
        math.log(2 * math.pi * v) + (r - parameters["mu"]) ** 2 / v
        for r, v in zip(returns, path, strict=False)
    )


def simulated(model: Model, seed: int, n: int = 1000, scale: float = 1.0) -> Float1D:
    rng = np.random.default_rng(seed)
    shocks = rng.normal(0, 1, n + 200).tolist()
    variance, out = 1.0, []
    for z in shocks:
        out.append(math.sqrt(variance) * z)
        if model == "EGARCH":
            variance = math.exp(0.2 * (abs(z) - MEAN_SIZE) - 0.1 * z + 0.95 * math.log(variance))
        else:
            gamma = 0.1 if model == "GJR-GARCH" and z < 0 else 0.0
            variance = 0.05 + (0.08 + gamma) * out[-1] ** 2 + 0.85 * variance
    return np.array(out[200:]) * scale


def fitted(returns: Float1D, model: Model) -> VolatilityFit:
    fit = fit_volatility(returns, model)
    assert isinstance(fit, VolatilityFit), fit
    return fit


@every_model
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("scale", [1.0, 1e-4])
def test_likelihood_and_forecast_are_those_of_the_equations(model: Model, seed: int, scale: float) -> None:
    returns = simulated(model, seed, scale=scale)
    fit, plain = fitted(returns, model), returns.tolist()
    parameters = dict(fit.parameters)
    assert fit.log_likelihood == pytest.approx(likelihood(parameters, plain, model), rel=1e-9)
    newest = variances(parameters, plain, model, float(np.var(returns)))[-1]
    assert fit.next_volatility == pytest.approx(math.sqrt(newest), rel=1e-9)
    assert fit.n_obs == len(returns)


@every_model
def test_no_step_from_the_fitted_parameters_raises_the_likelihood(model: Model) -> None:
    returns = simulated(model, 3)
    parameters, plain = dict(fitted(returns, model).parameters), returns.tolist()
    best = likelihood(parameters, plain, model)
    for name in parameters:
        for step in (-0.005, 0.005):
            assert likelihood(parameters | {name: parameters[name] + step}, plain, model) < best


@every_model
def test_parameters_of_a_long_simulated_path_are_recovered(model: Model) -> None:
    found = fitted(simulated(model, 4, n=5000), model).parameters
    true = {"alpha[1]": 0.08, "beta[1]": 0.85, "gamma[1]": 0.1, "mu": 0.0}
    if model == "EGARCH":
        true = {"alpha[1]": 0.2, "beta[1]": 0.95, "gamma[1]": -0.1, "mu": 0.0}
    for name, value in found.items():
        if name in true:
            assert value == pytest.approx(true[name], abs=0.05)


@every_model
def test_unit_of_the_returns_scales_the_forecast_and_nothing_else(model: Model) -> None:
    returns = simulated(model, 5)
    one, other = fitted(returns, model), fitted(returns * 3e-4, model)
    assert other.next_volatility == pytest.approx(one.next_volatility * 3e-4, rel=1e-5)
    for name in ("alpha[1]", "beta[1]"):
        assert other.parameters[name] == pytest.approx(one.parameters[name], abs=1e-5)


@every_model
def test_same_returns_give_the_same_figures(model: Model) -> None:
    returns = simulated(model, 6)
    assert fit_volatility(returns, model) == fit_volatility(returns.copy(), model)


@every_tool
def test_tool_reads_its_window_and_nothing_before_it(name: str) -> None:
    bars, entry = random_bars(3, 700), get_tool(name)
    found = entry.call(bars, period=500)
    assert found.n_obs == 501
    assert found.value is not None
    assert entry.call(bars[150:], period=500) == found


@every_tool
def test_forecast_is_of_the_size_of_the_returns_and_does_not_see_the_price_level(name: str) -> None:
    bars, entry = random_bars(3, 501), get_tool(name)
    value, at_another_level = entry.call(bars).value, entry.call(scaled(bars, 1e4)).value
    assert value is not None
    assert 0.5 < value / np.diff(np.log(bars.close)).std() < 2
    # Logarithms of other prices round otherwise; a flat likelihood makes the most of it.
    assert at_another_level == pytest.approx(value, rel=1e-3)


@every_tool
def test_one_bar_short_has_a_reason(name: str) -> None:
    entry = get_tool(name)
    assert entry.call(random_bars(3, 500)) == ToolValue(None, 500, "needs 501 bars, has 500")


@every_tool
@pytest.mark.parametrize(
    ("price", "reason"),
    [
        (math.nan, "needs close on every bar, missing on 1 of 501"),
        (0.0, "undefined: a price at or under zero, or one outside its bar's range"),
    ],
)
def test_missing_or_impossible_close_in_the_window_has_a_reason(name: str, price: float, reason: str) -> None:
    bars, entry = random_bars(3, 700), get_tool(name)
    assert entry.call(with_missing(bars, "close", 400, price)) == ToolValue(None, 501, reason)
    assert entry.call(with_missing(bars, "close", 100, price)).value is not None


@every_tool
def test_still_market_has_no_value_and_says_why(name: str) -> None:
    found = get_tool(name).call(closes_only(np.full(501, 1.1)))
    assert found == ToolValue(None, 501, "undefined: no price has moved on these bars")


@every_tool
def test_tool_has_no_series(name: str) -> None:
    with pytest.raises(ToolInputError, match="ask for its newest value"):
        get_tool(name).series(random_bars(3, 600))


@every_model
def test_search_that_ends_too_soon_is_no_fit(monkeypatch: pytest.MonkeyPatch, model: Model) -> None:
    monkeypatch.setattr(volatility_models, "_MOST_STEPS", 2)
    found = fit_volatility(simulated(model, 7), model)
    assert isinstance(found, NoFit)
    assert found.reason == f"the {model} fit did not converge: Iteration limit reached"


@pytest.mark.parametrize("seed", range(12))
def test_egarch_that_is_taken_beats_a_constant_volatility_and_forgets_its_start(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Heavy tails and no clusters: the kind of returns on which searches go astray.
    returns = rng.standard_t(2.5, 300) * 1e-3
    found = fit_volatility(returns, "EGARCH")
    if isinstance(found, NoFit):
        assert found.reason.startswith("the EGARCH fit")
        return
    constant = -150 * (math.log(2 * math.pi * float(np.var(returns))) + 1)
    assert found.log_likelihood > constant - 1e-6
    plain, parameters = returns.tolist(), dict(found.parameters)
    ends = [
        variances(parameters, plain, "EGARCH", start * float(np.var(returns)))[-1] for start in (1.0, 3.0)
    ]
    assert ends[1] == pytest.approx(ends[0], rel=0.01)


def test_shocks_that_never_fade_are_warned_of() -> None:
    # Variance grows without end: GARCH can only follow it with a persistence of one.
    rng = np.random.default_rng(1)
    returns = rng.normal(0, 1, 600) * np.exp(np.linspace(0, 4, 600))
    assert "shocks never fade" in " ".join(fitted(returns, "GARCH").warnings)


def test_shocks_that_do_not_count_are_warned_of() -> None:
    warned = [
        fit.warnings
        for seed in range(8)
        if isinstance(
            fit := fit_volatility(np.random.default_rng(seed).normal(0, 1, 500), "GARCH"), VolatilityFit
        )
    ]
    assert any("shocks do not count" in " ".join(warnings) for warnings in warned)


@pytest.mark.slow
def test_arch_comes_in_with_the_first_fit_only() -> None:
    code = (
        "import sys\n"
        "from tools.registry import all_tools\n"
        "all_tools()\n"
        "assert not {'arch', 'scipy', 'statsmodels'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
