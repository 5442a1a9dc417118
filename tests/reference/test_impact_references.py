"""Execution and impact against published figures; each case is named after where they come from.

Almgren and Chriss (2000): Table 1 and what the text says of it. Holdings, costs and variances of the same
example to more digits are the sample output of DROP, lakshmidrip.github.io/DROP, an independent program.
Almgren, Thum, Hauptmann and Li (2005): the example of IBM and DRI, a tenth of a day's volume.
"""

import math

import numpy as np
import pytest

from tests.tools.price_paths import swinging_bars
from tools.almgren_chriss import MarketImpact, expected_cost, half_life, trajectory, variance
from tools.registry import get_tool
from tools.square_root_impact import equity_impact

PAPER = MarketImpact(permanent=2.5e-7, temporary=2.5e-6, fixed=0.0625, volatility=0.95)
"""Table 1 for a share of 50 dollars: days, dollars and shares."""
UNROUNDED = MarketImpact(permanent=2.5e-7, temporary=2.5e-6, fixed=0.0625, volatility=15 / math.sqrt(250))
"""With a yearly volatility of 30 % that is not rounded to 0.95 dollars a day."""
SHARES, DAYS = 1e6, 5
TABLE = {
    # Risk aversion in millionths: expected cost in millions, variance in millions of millions, half-life.
    0.001: (0.6625, 1.0812, 51.30),
    0.005: (0.6625, 1.0740, 22.94),
    0.25: (0.6996, 0.7513, 3.26),
    0.5: (0.7681, 0.5634, 2.31),
    1.0: (0.9112, 0.3641, 1.65),
    2.0: (1.1407, 0.2019, 1.18),
    3.0: (1.3071, 0.1338, 0.98),
    4.0: (1.4341, 0.0970, 0.86),
}
LEFT = {
    # Risk aversion in millionths: percent of the shares left after each day.
    0.001: (100.0, 79.955, 59.939, 39.947, 19.970, 0.0),
    0.5: (100.0, 63.724, 39.522, 22.809, 10.418, 0.0),
    1.0: (100.0, 54.238, 29.030, 14.822, 6.230, 0.0),
    2.0: (100.0, 42.907, 18.333, 7.654, 2.775, 0.0),
    4.0: (100.0, 31.212, 9.734, 3.013, 0.857, 0.0),
}
SHARES_OF = {
    # Mean daily volume, shares outstanding, daily volatility; permanent impact over volatility and in bps.
    "IBM": (6.561e6, 1728e6, 0.0157, 0.126, 20),
    "DRI": (1.929e6, 168e6, 0.0226, 0.096, 22),
}
IMPACTS = {
    # Days traded for: temporary impact over volatility and in bps, and the whole cost in bps.
    ("IBM", 0.1): (0.142, 22, 32),
    ("IBM", 0.2): (0.094, 15, 25),
    ("IBM", 0.5): (0.054, 8, 18),
    ("DRI", 0.1): (0.142, 32, 43),
    ("DRI", 0.2): (0.094, 21, 32),
    ("DRI", 0.5): (0.054, 12, 23),
}


def best(impact: MarketImpact, millionths: float) -> tuple[np.ndarray, float, float]:
    found = trajectory(SHARES, impact, horizon=DAYS, intervals=DAYS, risk_aversion=millionths * 1e-6)
    return found.holdings, expected_cost(found, impact), variance(found, impact)


def test_kappa_is_as_almgren_and_chriss_print_it() -> None:
    kappa = 1 / half_life(PAPER, interval=1, risk_aversion=1e-6)
    assert round(kappa, 2) == 0.61
    assert round(kappa * DAYS) == 3


@pytest.mark.parametrize("millionths", list(TABLE), ids=lambda x: f"drop-lambda-{x}e-6")
def test_frontier_of_the_paper_is_as_drop_prints_it(millionths: float) -> None:
    _, cost, risk = best(PAPER, millionths)
    life = half_life(PAPER, interval=1, risk_aversion=millionths * 1e-6)
    assert (round(cost / 1e6, 4), round(risk / 1e12, 4), round(life, 2)) == TABLE[millionths]


@pytest.mark.parametrize("millionths", list(LEFT), ids=lambda x: f"drop-lambda-{x}e-6")
def test_holdings_of_the_paper_are_as_drop_prints_them(millionths: float) -> None:
    holdings, _, _ = best(UNROUNDED, millionths)
    np.testing.assert_array_equal(np.round(holdings / SHARES * 100, 3), LEFT[millionths])


def test_one_schedule_of_the_paper_is_as_drop_prints_it() -> None:
    holdings, cost, risk = best(UNROUNDED, 1.0)
    printed = (1000000.0, 542380.7, 290295.1, 148216.1, 62303.2, 0.0)
    np.testing.assert_array_equal(np.round(holdings, 1), printed)
    assert (round(cost, 1), round(risk / 1e6, 1)) == (910477.8, 363868.0)


def test_cheapest_schedule_of_the_paper_follows_its_formulas_for_equal_trades() -> None:
    holdings, cost, risk = best(PAPER, 0.0)
    np.testing.assert_allclose(holdings, np.linspace(SHARES, 0, DAYS + 1), rtol=1e-12)
    assert cost == pytest.approx(125_000 + 62_500 + 475_000)
    # A third of sigma^2 X^2 T (1 - 1/N) (1 - 1/2N).
    assert risk == pytest.approx(0.95**2 * 1e12 * 5 * 0.8 * 0.9 / 3)


def test_schedule_tools_reach_the_paper_on_bars_of_its_volatility_and_volume() -> None:
    bars = swinging_bars(60, 0.95 / 50, volume=5e6)
    given = {"order_pct": 20.0, "intervals": DAYS, "spread_bps": 25.0, "risk_aversion": 50.0, "period": 50}
    cost, risk = (get_tool(name).call(bars, **given) for name in ("schedule_cost", "schedule_risk"))
    # 0.9112 millions, and the root of 0.3641 millions of millions, of 50 million dollars.
    assert cost.value == pytest.approx(182.24, abs=0.01)
    assert risk.value == pytest.approx(120.68, abs=0.01)


@pytest.mark.parametrize(("name", "days"), list(IMPACTS), ids=lambda x: f"almgren-2005-{x}")
def test_impact_of_two_shares_is_as_almgren_and_others_print_it(name: str, days: float) -> None:
    volume, outstanding, volatility, permanent, permanent_bps = SHARES_OF[name]
    found = equity_impact(0.1, days=days, volatility=volatility, inverse_turnover=outstanding / volume)
    of_volatility = [x / 1e4 / volatility for x in (found.permanent_bps, found.temporary_bps)]
    temporary, temporary_bps, whole = IMPACTS[name, days]
    assert [round(x, 3) for x in of_volatility] == [permanent, temporary]
    in_bps = (found.permanent_bps, found.temporary_bps, found.realized_bps)
    assert tuple(round(x) for x in in_bps) == (permanent_bps, temporary_bps, whole)
