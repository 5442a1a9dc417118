"""The pictures of tools in the documents, one a group, drawn from what the tools themselves compute.

A picture is a function that returns its chart, named in `CHARTS`. What it draws is bundled with the desk or
made from a seed; one that reads other data returns None where that is absent, and its picture stays as it is.
"""

import math
import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from contracts.market import from_ms, to_ms
from contracts.ticks import BookFrames, BookSnapshot, Trades
from docs.chart_drawing import Band, Chart, Heat, Line, Mark, Panel, draw
from docs.sameness import alike
from markets.book_file import BookFile, read_book_file
from markets.price_file import read_prices
from markets.samples import sample_sources, sample_ticks
from markets.tick_table import read_ticks_of
from tools.almgren_chriss import MarketImpact, expected_cost, frontier, half_life, trajectory, variance
from tools.book_frames import N_BUCKETS, FrameRing
from tools.order_book import OrderBook
from tools.registry import get_tool
from tools.volatility_cone import volatility_cone
from tools.vpin import vpin_series

_PATH, _PIXEL = re.compile(r' (?:d|points)="([^"]*)"'), re.compile(r"-?\d+\.?\d*")
_NEAR_PX = 0.5
_EXAMPLE = MarketImpact(permanent=2.5e-7, temporary=2.5e-6, fixed=0.0625, volatility=0.95)
"""Table 1 of Almgren and Chriss (2000): a share of 50 dollars, in days, dollars and shares."""
_SHARES, _DAYS = 1e6, 5
_BPS = 1e4 / (50 * _SHARES)
"""From dollars to basis points of the order."""
_HORIZONS = (4, 6, 8, 12, 16, 24, 36, 48, 72, 96, 120, 168, 240)
_BUCKETS_AN_HOUR, _PRICE_S = 400, 10
"""Buckets of VPIN in the hour's volume, and seconds from one price of the picture to the next."""
_STRESS = (datetime(2006, 12, 30, tzinfo=UTC), datetime(2010, 12, 31, tzinfo=UTC))
_STRESS_DAYS = 1000
"""Days of returns that each week's two states are fitted on."""
_FEED = Path("data", "crypto_l2", "binance_spot_btcusdt_20240808.gz")
_BOOK_S = 60
"""Seconds of the book that are shown: later its cut snapshot no longer knows the outer buckets."""


def draw_charts(kept: Mapping[str, str]) -> dict[str, str]:
    """Every picture as SVG, by its name; the kept one where its data is absent or it shows the same."""
    made = {}
    for name, make in CHARTS.items():
        chart = make()
        if chart is not None:
            svg = draw(chart)
            made[name] = kept[name] if show_the_same(kept.get(name, ""), svg) else svg
        elif name in kept:
            print(f"kept as it is: the picture of {name}, whose data is not on this machine")
            made[name] = kept[name]
    return made


def show_the_same(one: str, other: str) -> bool:
    """Whether two pictures differ by less than half a pixel: another processor's last digits move points."""
    return alike(one, other, _PATH, lambda here, there: alike(here, there, _PIXEL, _is_near))


def _is_near(one: str, other: str) -> bool:
    return abs(float(one) - float(other)) < _NEAR_PX


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


def cone() -> Chart | None:
    """Quantiles of EUR/USD's hourly volatility by horizon, and the newest."""
    (bars,) = read_prices(sample_sources()["eurusd-2017"]).sides.values()
    found = volatility_cone(bars, _HORIZONS)
    hours = np.array(found.horizons, dtype=float)
    low, lower, median, upper, high = found.quantiles.T * 1e4
    return Chart(
        title="EUR/USD by the hour through 2017: volatility by horizon",
        x_label="horizon, hours of trading",
        y_label="volatility of an hour, bps",
        bands=(Band("5 to 95 % of the past", hours, low, high), Band("25 to 75 %", hours, lower, upper)),
        lines=(
            Line("median", hours, median),
            Line("at the end of the year", hours, found.newest * 1e4, 1, is_dashed=True),
        ),
    )


def toxic_flow() -> Chart | None:
    """VPIN of the S&P 500 future through an hour in which it fell, under the price."""
    trades = read_ticks_of(sample_ticks()["es-trades-2013"])
    assert isinstance(trades, Trades)
    bucket = float(trades.quantity.sum()) / _BUCKETS_AN_HOUR
    found = vpin_series(trades, bucket_volume=bucket, buckets=50, bar_seconds=1, sigma_bars=60)
    # The first trade comes a moment after 9:45.
    began = int(trades.time[0]) // 60_000 * 60_000
    last = np.flatnonzero(np.diff(trades.time // (_PRICE_S * 1000)))
    return Chart(
        title="An hour of the E-mini S&P 500 future, 3 September 2013",
        x_label="minutes after 9:45, Chicago time",
        y_label="VPIN",
        lines=(Line("VPIN of 50 buckets", (found.time - began) / 60_000, found.vpin, 1),),
        above=Panel("price", (Line("price", (trades.time[last] - began) / 60_000, trades.price[last]),)),
    )


def stress() -> Chart | None:
    """How likely the S&P 500 was stressed, told week by week from the days before, under the index."""
    (bars,) = read_prices(sample_sources()["spx-daily"]).sides.values()
    first, last = np.searchsorted(bars.close_time, [to_ms(end) for end in _STRESS])
    call = get_tool("stressed_probability").prepare(period=_STRESS_DAYS)
    weeks = np.arange(first, last, 5)
    told = np.array([call.newest(bars[: week + 1]).value for week in weeks], dtype=float)
    months = (bars.close_time - bars.close_time[first]) / (365.25 / 12 * 86_400_000)
    return Chart(
        title="The S&P 500 from 2007 to 2010: is it stressed?",
        x_label="months after the end of 2006",
        y_label="probability",
        lines=(Line("probability of stress, as known then", months[weeks], told, 1),),
        above=Panel("index", (Line("S&P 500", months[first:last], bars.close[first:last]),)),
    )


def resting_orders() -> Chart | None:
    """A minute of a recorded book: what rests how far from the mid."""
    path = Path(os.environ.get("DUALBRAIN_SHARED", "../shared")) / _FEED
    if not path.is_file():
        return None
    every = _first_frames(read_book_file(path, instrument="BTCUSDT"))
    frames = every[::10]
    seconds = np.arange(len(frames) + 1.0)
    mid = Line("mid", (every.time - every.time[0]) / 1000, (every.bid + every.ask) / 2)
    away = np.arange(N_BUCKETS + 1) * float(frames.bucket_size[0])
    return Chart(
        title="A minute of resting orders, BTC/USDT at Binance, 8 August 2024",
        x_label=f"seconds after {from_ms(int(every.time[0])):%H:%M:%S} UTC",
        y_label="dollars from the mid",
        heats=(
            Heat("bids", seconds, -away[::-1], frames.bid_volume.T[::-1], 2),
            Heat("asks", seconds, away, frames.ask_volume.T, 3),
        ),
        above=Panel("mid, $", (mid,)),
    )


def _first_frames(file: BookFile) -> BookFrames:
    ring = FrameRing(OrderBook(file.instrument.tick_size), file.instrument, seconds=_BOOK_S)
    began = next(message.time for message in file.messages if isinstance(message, BookSnapshot))
    for message in file.messages:
        if message.time > began + _BOOK_S * 1000:
            break
        ring.follow(message)
    return ring.frames()


CHARTS: dict[str, Callable[[], Chart | None]] = {
    "impact": execution_frontier,
    "volatility": cone,
    "microstructure": toxic_flow,
    "regime": stress,
    "order_book": resting_orders,
}
"""By the name of the group, as a file is named."""
