"""Microstructure against figures of independent implementations, and on real trades and quotes.

The figures were made by hand on series written as whole-number arithmetic, so that they are the same
everywhere: orderflow-metrics 0.40.0 (Kyle's slope, order-flow imbalance, Corwin and Schultz, Amihud), SciPy's
`linregress` (the error of the slope), and the definitions of mlfinlab's open-source release put through
pandas and `scipy.stats.norm` (Roll as a rolling covariance of changes, bulk classification, VPIN as the mean
imbalance of equal buckets).
"""

import gzip
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm  # type: ignore[import-untyped]  # SciPy comes without types

from contracts.market import Bars
from contracts.ticks import Beside, Quotes, Trades
from markets.samples import sample_ticks
from markets.tick_table import read_ticks_of
from tests.tools.price_paths import random_bars
from tests.tools.tick_paths import bars_as_trades, quotes_from, trades_from
from tools.order_flow import order_flow_imbalance
from tools.price_impact import fit_kyle
from tools.registry import ToolValue, get_tool
from tools.shared_bars import SharedBars
from tools.spread_estimators import roll_spread
from tools.trade_signs import tick_rule, trade_signs
from tools.vpin import bulk_volume, vpin, vpin_series

STEPS = np.arange(401)
PRICE = 100 + ((7 * STEPS**2 + 3 * STEPS) % 23 - 11) / 128 + STEPS / 1024
QUANTITY = 1.0 + (5 * STEPS**2 + STEPS) % 17
BULK_MLFINLAB = (7.590399567986406, 16.158568436083318, 8.818789002336409, 1.3877623353950228)
SIGN = np.where((3 * STEPS**2 + 5 * STEPS) % 7 < 4, 1, -1)


def beside(trades: Trades | None = None, quotes: Quotes | None = None) -> Bars:
    return SharedBars.of(random_bars(1, 30), beside=Beside(trades=trades, quotes=quotes))


def arithmetic_bars() -> Bars:
    t = np.arange(60)
    close = 100 + ((5 * t * t + t) % 13 - 6) / 8
    previous = np.append(close[0], close[:-1])
    high = np.maximum(close, previous) + (1 + (t * t) % 4) / 8
    low = np.minimum(close, previous) - (1 + (3 * t * t) % 5) / 8
    volume = 1000 + (7 * t * t + t) % 101
    opened = t.astype(np.int64) * 60_000
    return Bars(opened, opened + 60_000, previous, high, low, close, volume.astype(np.float64), "trade")


def arithmetic_quotes() -> Quotes:
    j = np.arange(200)
    bid = 100 + ((11 * j * j + j) % 5) / 128
    ask = bid + (1 + (j * j) % 3) / 128
    return quotes_from(bid, ask, 1.0 + (13 * j * j + 2 * j) % 29, 1.0 + (17 * j * j + j) % 31)


def test_kyle_slope_agrees_with_orderflow_metrics_and_its_error_with_scipy() -> None:
    fit = fit_kyle(PRICE, SIGN * QUANTITY, 4)
    assert fit is not None
    assert fit.value == pytest.approx(-0.00048677376624837196, rel=1e-10)
    assert fit.standard_error == pytest.approx(0.0005039429970530809, rel=1e-10)
    assert fit.constant == pytest.approx(0.012127573924877465, rel=1e-10)
    trades = trades_from(PRICE, QUANTITY, SIGN)
    found = get_tool("kyle_lambda").call(beside(trades=trades), steps=100, trades_per_step=4)
    assert found.value == fit.value
    assert found.warnings == ("standard error 0.000504: the slope is under two of them from zero",)


def test_roll_spread_agrees_with_mlfinlab() -> None:
    found = roll_spread(trades_from(PRICE[:100]), count=100)
    assert found.value == pytest.approx(0.08311331804265071, rel=1e-10)


@pytest.mark.parametrize(("seconds", "expected"), [(199.0, -8.0), (30.0, -2.0)])
def test_order_flow_imbalance_agrees_with_orderflow_metrics(seconds: float, expected: float) -> None:
    assert order_flow_imbalance(arithmetic_quotes(), seconds=seconds).value == expected


def test_corwin_schultz_agrees_with_orderflow_metrics_where_nothing_gaps() -> None:
    found = get_tool("corwin_schultz_spread").call(arithmetic_bars(), period=20)
    assert found.value == pytest.approx(0.0038129891325098197, rel=1e-10)


def test_amihud_agrees_with_orderflow_metrics() -> None:
    found = get_tool("amihud_illiquidity").call(arithmetic_bars(), period=20)
    assert found.value == pytest.approx(4.201149753875332e-08 * 1e10, rel=1e-10)


def test_bulk_volume_agrees_with_mlfinlab() -> None:
    trades = trades_from(PRICE, QUANTITY, seconds=60.0 * STEPS)
    found = bulk_volume(trades, bar_seconds=60, sigma_bars=20)
    bought = found.volume * found.bought
    assert len(bought) == 400
    assert np.isnan(bought[:20]).all()
    np.testing.assert_allclose(bought[[20, 21, 398, 399]], BULK_MLFINLAB, rtol=1e-10)


@pytest.mark.parametrize(("bars_a_bucket", "expected"), [(1, 0.500116836733139), (2, 0.26348797048197037)])
def test_vpin_of_whole_bars_a_bucket_agrees_with_mlfinlab(bars_a_bucket: int, expected: float) -> None:
    trades = trades_from(PRICE, np.full(401, 6.0), seconds=60.0 * STEPS)
    series = vpin_series(trades, bucket_volume=6.0 * bars_a_bucket, buckets=50, sigma_bars=20)
    assert len(series.vpin) == 380 // bars_a_bucket
    assert series.vpin[-1] == pytest.approx(expected, rel=1e-9)


# -- real data


def es_minutes(shared_data: Path, day: str = "20131007") -> Bars:
    """Minutes of the ES contract of December 2013, volume in contracts."""
    with zipfile.ZipFile(shared_data / "futures" / "es" / f"{day}_trade.zip") as files:
        text = files.read(f"{day}_es_minute_trade_201312.csv").decode("ascii")
    columns = np.loadtxt(io.StringIO(text), delimiter=",").T
    midnight = int(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp() * 1000)
    opened = midnight + columns[0].astype(np.int64)
    open_, high, low, close, volume = columns[1:]
    return Bars(opened, opened + 60_000, open_, high, low, close, volume, "trade")


def binance_futures(shared_data: Path) -> tuple[Trades, Quotes]:
    """Trades and best quotes of BTCUSDT perpetual, both stamped by the exchange's matching engine."""
    trades, quotes = [], []
    with gzip.open(shared_data / "crypto_l2" / "binance_usdm_btcusdt_20240808.gz", "rt") as lines:
        for line in lines:
            if "@trade" in line or "@bookTicker" in line:
                told = json.loads(line.partition(" ")[2])["data"]
                if told["e"] == "trade":
                    trades.append((told["T"], told["p"], told["q"], -1 if told["m"] else 1))
                else:
                    quotes.append((told["T"], told["b"], told["a"], told["B"], told["A"]))
    of_trades = np.array(trades, dtype=np.float64).T
    of_quotes = np.array(quotes, dtype=np.float64).T
    times = (of_trades[0].astype(np.int64), of_quotes[0].astype(np.int64))
    price, quantity, sign = of_trades[1:]
    told_trades = Trades(times[0], price, quantity, sign.astype(np.int64))
    return told_trades, Quotes(times[1], of_quotes[1], of_quotes[2], of_quotes[3], of_quotes[4])


def test_vpin_of_es_minutes_is_a_share_and_does_not_depend_on_the_unit_of_volume(shared_data: Path) -> None:
    bars = es_minutes(shared_data)
    trades = bars_as_trades(bars)
    found = vpin(trades, buckets=50, bucket_pct=2.0)
    assert found.value is not None
    assert 0.1 < found.value < 0.6
    assert found.n_obs == len(bars) > 1200
    money = Trades(trades.time, trades.price, trades.quantity * 50, trades.aggressor)
    assert vpin(money, buckets=50, bucket_pct=2.0).value == pytest.approx(found.value, rel=1e-9)


def test_es_minutes_have_volume_figures_that_plain_loops_repeat(shared_data: Path) -> None:
    bars = es_minutes(shared_data)
    close, volume = bars.close.tolist(), bars.volume.tolist()
    n = len(close)
    ratios = [abs(close[i] / close[i - 1] - 1) / (close[i] * volume[i]) for i in range(n - 60, n)]
    amihud = get_tool("amihud_illiquidity").call(bars, period=60).value
    assert amihud == pytest.approx(1e10 * sum(ratios) / 60, rel=1e-9)
    up = sum(volume[i] for i in range(n - 60, n) if close[i] > close[i - 1])
    moved = sum(volume[i] for i in range(n - 60, n) if close[i] != close[i - 1])
    assert get_tool("up_volume_share").call(bars, period=60).value == pytest.approx(up / moved, rel=1e-9)
    # A tick is 1.5 basis points there; minutes cannot say it finely.
    spread = get_tool("corwin_schultz_spread").call(bars, period=1000).value
    assert spread is not None
    assert 0.3e-4 < spread < 6e-4


def test_binance_trades_and_quotes_have_every_figure(shared_data: Path) -> None:
    trades, quotes = binance_futures(shared_data)
    bars = beside(trades, quotes)
    # Where both carry the engine's clock, the mid before a trade tells its side nearly always.
    assert (trade_signs(trades, quotes) == trades.aggressor).mean() > 0.99
    assert (tick_rule(trades.price) == trades.aggressor).mean() > 0.95
    costs = [get_tool(name).call(bars, seconds=5.0) for name in ("realized_spread", "trade_impact")]
    by_source, by_quotes = (get_tool("effective_spread").call(bars, by_quotes=way) for way in (0, 1))
    assert by_source.value == pytest.approx(by_quotes.value, rel=0.02)
    assert known(costs[1]) > 0 > known(costs[0])
    assert known(get_tool("quoted_spread").call(bars)) == pytest.approx(0.017, rel=0.1)
    slope = get_tool("order_flow_slope").call(bars, seconds=1.0, windows=300)
    assert known(slope) > 0
    assert slope.warnings == ()
    lamda = get_tool("kyle_lambda").call(bars)
    assert known(lamda) > 0
    assert lamda.warnings == ()
    assert 0.2 < known(get_tool("trade_sign_autocorrelation").call(bars)) < 0.9
    assert 0 < known(get_tool("vpin").call(bars, bar_seconds=1)) < 1
    newest = quotes[len(quotes) - 1 :]
    assert newest.bid[0] <= known(get_tool("microprice").call(bars)) <= newest.ask[0]


def test_oanda_quotes_have_a_spread_and_no_sizes(shared_data: Path) -> None:
    with zipfile.ZipFile(shared_data / "fx_ticks" / "oanda_eurusd_20140505_quote.zip") as files:
        time, bid, ask = np.loadtxt(io.BytesIO(files.read(files.namelist()[0])), delimiter=",").T
    bars = beside(quotes=quotes_from(bid, ask, seconds=time / 1000))
    assert 0.5 < known(get_tool("quoted_spread").call(bars, seconds=3600.0)) < 3
    for name in ("order_flow_imbalance", "order_flow_slope", "queue_imbalance", "microprice"):
        assert get_tool(name).call(bars).reason == "needs bid_size, which these quotes do not have"


def test_vpin_of_an_hour_of_es_trades_is_what_pandas_and_scipy_make_of_it() -> None:
    trades = read_ticks_of(sample_ticks()["es-trades-2013"])
    assert isinstance(trades, Trades)
    table = pd.DataFrame({"s": trades.time // 1000, "p": trades.price, "v": trades.quantity})
    # The second in progress is not read.
    bars = table.groupby("s").agg(p=("p", "last"), v=("v", "sum")).iloc[:-1]
    change = bars.p.diff()
    bought = pd.Series(norm.cdf(change / change.rolling(50).std()), bars.index).where(change != 0, 0.5)
    told = pd.DataFrame({"v": bars.v, "balance": bars.v * (2 * bought - 1)}).iloc[50:].cumsum()
    filled, balance = np.append(0, told.v), np.append(0, told.balance)
    ends = np.linspace(0, filled[-1], 101)
    share = np.abs(np.diff(np.interp(ends, filled, balance))) / (filled[-1] / 100)
    found = vpin(trades, bar_seconds=1, bucket_pct=1.0, buckets=50)
    assert found.n_obs == 78_950
    assert found.value == pytest.approx(share[-50:].mean(), rel=1e-9)
    assert 0.05 < known(found) < 0.5


def known(found: ToolValue) -> float:
    assert found.value is not None, found.reason
    return found.value
