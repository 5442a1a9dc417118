"""Impact of trades over bars: twins of the definitions, laws of scale, missing volumes, real minutes."""

import csv
import io
import math
import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ToolInputError
from contracts.market import Bars
from tests.tools.price_paths import closes_only, random_bars, scaled, swinging_bars, traded_bars, with_missing
from tools.registry import ToolValue, get_tool
from tools.shared_bars import SharedBars
from tools.square_root_impact import equity_impact, impact_capacity, square_root_impact

SCHEDULES = ("schedule_cost", "schedule_risk")
TOOLS = ("square_root_impact", "impact_capacity", *SCHEDULES)
every_tool = pytest.mark.parametrize("name", TOOLS)
every_schedule = pytest.mark.parametrize("name", SCHEDULES)
seeds = st.integers(0, 2**32 - 1)
NO_PARTS = "undefined: no volume, a volume under zero, or a price at or under zero in the window"


def value(name: str, bars: Bars, **params: float) -> float:
    found = get_tool(name).call(bars, **params).value
    assert found is not None
    return found


def plain_parts(bars: Bars, period: int) -> tuple[float, float]:
    """Volatility of a return and mean volume of the newest bars."""
    close = bars.close.tolist()[-period - 1 :]
    squares = [math.log(b / a) ** 2 for a, b in pairwise(close)]
    return math.sqrt(sum(squares) / period), sum(bars.volume.tolist()[-period:]) / period


@given(seeds, st.floats(0.01, 100), st.integers(2, 60))
def test_square_root_impact_agrees_with_its_definition(seed: int, share_pct: float, period: int) -> None:
    bars = traded_bars(seed, 80, 0.1)
    sigma, volume = plain_parts(bars, period)
    traded = share_pct / 100 * volume
    expected = 1e4 * 0.8 * sigma * math.sqrt(traded / volume)
    found = square_root_impact(bars, share_pct=share_pct, period=period, coefficient=0.8)
    assert found[-1] == pytest.approx(expected, rel=1e-9)


@given(seeds, st.floats(0.01, 100), st.integers(2, 60))
def test_capacity_is_the_quantity_whose_impact_was_asked_for(seed: int, bps: float, period: int) -> None:
    bars = traded_bars(seed, 80)
    sigma, volume = plain_parts(bars, period)
    capacity = impact_capacity(bars, impact_bps=bps, period=period, coefficient=1.3)[-1]
    assert 1e4 * 1.3 * sigma * math.sqrt(capacity / volume) == pytest.approx(bps, rel=1e-9)


def test_four_times_the_size_moves_the_price_twice_as_far() -> None:
    bars = traded_bars(1, 120)
    small, large = (square_root_impact(bars, share_pct=share) for share in (5.0, 20.0))
    np.testing.assert_allclose(large[100:], 2 * small[100:], rtol=1e-12)
    small, large = (impact_capacity(bars, impact_bps=bps) for bps in (3.0, 6.0))
    np.testing.assert_allclose(large[100:], 4 * small[100:], rtol=1e-12)


def test_bars_of_any_length_name_about_the_same_capacity() -> None:
    rng = np.random.default_rng(11)
    n, merged = 40_000, 8
    close = np.exp(np.cumsum(rng.normal(0, 1e-3, n)))
    fine = replace(closes_only(close), volume=rng.gamma(2.0, 50.0, n))
    coarse = replace(
        closes_only(close[merged - 1 :: merged]), volume=fine.volume.reshape(-1, merged).sum(axis=1)
    )
    long, short = (impact_capacity(bars, period=1000)[1000:].mean() for bars in (coarse, fine))
    assert long == pytest.approx(short, rel=0.05)


@every_tool
def test_bars_without_volume_give_no_number(name: str) -> None:
    found = get_tool(name).call(random_bars(1, 200))
    assert found == ToolValue(None, 101, "needs volume, which these bars do not have")


@every_tool
@pytest.mark.parametrize("column", ["close", "volume"])
def test_gap_in_the_window_gives_no_number_and_is_forgotten_after_it(name: str, column: str) -> None:
    bars = with_missing(traded_bars(2, 200), column, 120)
    found = get_tool(name).call(bars[:150])
    assert found == ToolValue(None, 101, f"needs {column} on every bar, missing on 1 of 101")
    longer = traded_bars(2, 260)
    gapped = with_missing(longer, column, 120)
    assert get_tool(name).call(gapped) == get_tool(name).call(longer)


@every_tool
@pytest.mark.parametrize("fault", ["volume under zero", "nothing traded", "price under zero"])
def test_window_without_a_sound_price_and_volume_says_so(name: str, fault: str) -> None:
    bars = traded_bars(2, 200)
    broken = {
        "volume under zero": with_missing(bars, "volume", 150, -1.0),
        "nothing traded": replace(bars, volume=np.zeros(200)),
        "price under zero": with_missing(bars, "close", 150, -1.0),
    }[fault]
    found = get_tool(name).call(broken)
    assert (found.value, found.n_obs) == (None, 101)
    assert found.reason is not None
    assert found.reason.startswith("undefined: ")
    assert "volume" in found.reason
    assert get_tool(name).call(bars).reason is None


def test_market_that_does_not_move_has_no_capacity_and_no_risk() -> None:
    bars = replace(closes_only(np.full(120, 1.1)), volume=np.full(120, 10.0))
    assert value("square_root_impact", bars) == 0
    assert get_tool("impact_capacity").call(bars).reason == (
        "undefined: no price moved in the window, or a price at or under zero, or a volume under zero"
    )
    assert value("schedule_risk", bars) == 0
    # Even trades of a hundredth of a bar: half a spread, one for haste, and half of what stays.
    assert value("schedule_cost", bars) == pytest.approx(0.5 + 100 * 0.01 + 10 * 0.1 / 2 * (1 - 1 / 10))


@every_schedule
def test_short_sample_has_a_reason(name: str) -> None:
    entry = get_tool(name)
    assert entry.call(traded_bars(1, 100)) == ToolValue(None, 100, "needs 101 bars, has 100")
    assert entry.call(traded_bars(1, 101)).n_obs == 101


@every_schedule
@given(seeds)
def test_schedule_reads_its_window_and_nothing_else(name: str, seed: int) -> None:
    bars, other = traded_bars(seed, 120), traded_bars(seed + 1, 120, level=7.0)
    joined = replace(
        bars,
        close=np.r_[other.close[:19], bars.close[19:]],
        volume=np.r_[other.volume[:19], bars.volume[19:]],
    )
    found = get_tool(name).call(bars)
    assert get_tool(name).call(joined) == found
    assert get_tool(name).call(SharedBars.of(bars)) == found


@every_schedule
@given(seeds, st.floats(1e-3, 1e3))
def test_schedule_does_not_depend_on_units_of_price_or_volume(name: str, seed: int, factor: float) -> None:
    bars = traded_bars(seed, 120)
    busier = replace(scaled(bars, factor), volume=bars.volume * factor)
    assert value(name, busier) == pytest.approx(value(name, bars), rel=1e-9)


@given(seeds, st.integers(1, 60), st.floats(0, 1e4))
def test_more_bars_cost_less_and_more_aversion_risks_less(seed: int, intervals: int, aversion: float) -> None:
    bars = traded_bars(seed, 120)
    more = {"intervals": intervals + 1, "risk_aversion": aversion}
    few, many = (value("schedule_cost", bars, **(more | {"intervals": intervals + k})) for k in (0, 1))
    patient, hasty = (
        value("schedule_risk", bars, **(more | {"risk_aversion": k})) for k in (aversion, aversion + 10)
    )
    if aversion == 0:
        assert many < few
    assert hasty <= patient * (1 + 1e-12)


def test_all_at_once_costs_the_spread_and_haste_and_risks_nothing() -> None:
    bars = traded_bars(3, 120)
    # Half of 2 bps, and 2 bps for each of 10 hundredths of a bar's volume.
    assert value("schedule_cost", bars, intervals=1, spread_bps=2.0) == pytest.approx(1 + 20)
    assert value("schedule_risk", bars, intervals=1, spread_bps=2.0) == 0


def test_schedule_of_more_than_a_whole_bar_is_warned_of() -> None:
    bars = traded_bars(3, 120)
    for pct, warned in ((99.0, 0), (101.0, 1)):
        found = get_tool("schedule_cost").call(bars, order_pct=pct, intervals=1)
        assert len(found.warnings) == warned
    assert "more than a whole bar's usual volume" in found.warnings[0]


@pytest.mark.parametrize("name", ["day_share", "days", "volatility", "inverse_turnover"])
@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_trade_that_cannot_be_is_refused(name: str, bad: float) -> None:
    with pytest.raises(ToolInputError, match=f"expected {name} over zero"):
        equity_impact(
            **({"day_share": 0.1, "days": 1.0, "volatility": 0.02, "inverse_turnover": 100} | {name: bad})
        )


def test_swinging_bars_have_the_volatility_they_are_made_of() -> None:
    assert plain_parts(swinging_bars(40, 0.02, 3.0), 30) == pytest.approx((0.02, 3.0))


def es_minutes(shared_data: Path) -> Bars:
    """Three days of the December future, minutes with trades."""
    rows: list[list[float]] = []
    for day in ("20131007", "20131008", "20131009"):
        with zipfile.ZipFile(shared_data / "futures" / "es" / f"{day}_trade.zip") as folder:
            text = folder.read(f"{day}_es_minute_trade_201312.csv").decode("ascii")
        rows += [[float(cell) for cell in row] for row in csv.reader(io.StringIO(text))]
    table = np.array(rows)
    return replace(closes_only(table[:, 4]), volume=table[:, 5].copy())


def test_minutes_of_es_and_quarter_hours_name_about_the_same_capacity(shared_data: Path) -> None:
    fine = es_minutes(shared_data)
    n = len(fine) // 15
    coarse = replace(
        closes_only(fine.close[: n * 15].reshape(n, 15)[:, -1]),
        volume=fine.volume[: n * 15].reshape(n, 15).sum(axis=1),
    )
    minutes = impact_capacity(fine, impact_bps=1.0, period=1000)[1000::1000].mean()
    quarters = impact_capacity(coarse, impact_bps=1.0, period=len(coarse) - 1)[-1]
    assert 100 < minutes < 300
    assert quarters == pytest.approx(minutes, rel=0.4)
