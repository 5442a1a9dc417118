"""The pictures of tools in the documents, one a group, drawn from what the tools themselves compute.

A picture is a function that returns its chart, named in `CHARTS`. What it draws is bundled with the desk or
made from a seed; one that reads other data returns None where that is absent, and its picture stays as it is.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from docs.chart_drawing import Chart, Line, Mark, draw
from tools.almgren_chriss import MarketImpact, expected_cost, frontier, half_life, trajectory, variance

_EXAMPLE = MarketImpact(permanent=2.5e-7, temporary=2.5e-6, fixed=0.0625, volatility=0.95)
"""Table 1 of Almgren and Chriss (2000): a share of 50 dollars, in days, dollars and shares."""
_SHARES, _DAYS = 1e6, 5
_BPS = 1e4 / (50 * _SHARES)
"""From dollars to basis points of the order."""


def draw_charts(kept: Mapping[str, str]) -> dict[str, str]:
    """Every picture as SVG, by its name; one whose data is absent is the kept one."""
    made = {}
    for name, make in CHARTS.items():
        chart = make()
        if chart is not None:
            made[name] = draw(chart)
        elif name in kept:
            print(f"kept as it is: the picture of {name}, whose data is not on this machine")
            made[name] = kept[name]
    return made


def execution_frontier() -> Chart | None:
    """Cost against risk of selling a million shares within five days, by risk aversion."""
    best = frontier(
        _SHARES, _EXAMPLE, horizon=_DAYS, intervals=_DAYS, risk_aversions=np.geomspace(1e-9, 1e-3, 200)
    )
    risk = np.sqrt(best.variance) * _BPS
    return Chart(
        title="Selling a million shares within five days",
        x_label="standard deviation of the cost, bps of the order",
        y_label="expected cost, bps of the order",
        lines=(Line("the best schedule at each risk aversion", risk, best.expected_cost * _BPS),),
        marks=tuple(_schedule(aversion) for aversion in (0.0, 1e-6, 1e-5, 1e-3)),
    )


def _schedule(aversion: float) -> Mark:
    sold = trajectory(_SHARES, _EXAMPLE, horizon=_DAYS, intervals=_DAYS, risk_aversion=aversion)
    risk, cost = math.sqrt(variance(sold, _EXAMPLE)) * _BPS, expected_cost(sold, _EXAMPLE) * _BPS
    life = half_life(_EXAMPLE, interval=1.0, risk_aversion=aversion)
    label = f"{sold.trades[0] / _SHARES:.0%} on the first day"
    if math.isinf(life):
        return Mark(label, risk, cost, is_left=True)
    return Mark(f"{label}, half-life {life:.1f} days", risk, cost)


CHARTS: dict[str, Callable[[], Chart | None]] = {"impact": execution_frontier}
"""By the name of the group."""
