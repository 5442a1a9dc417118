"""Effective and realized spread, price impact and quoted spread against plain twins and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ticks import Quotes, Trades
from tests.tools.tick_paths import changed, quotes_from, random_quotes, random_trades, trades_from
from tools.registry import get_tool
from tools.trading_costs import effective_spread, quoted_spread, realized_spread, trade_impact

FLAT = quotes_from([99.0, 99.5], [101.0, 101.5], seconds=[0.0, 1000.0])


def plain_costs(trades: Trades, quotes: Quotes, seconds: float, count: int) -> list[tuple[float, ...]]:
    """Effective, realized and impact of the newest trades as old as the horizon, by search."""
    horizon = round(seconds * 1000)
    now = max(trades.time[-1], quotes.time[-1])
    out = []
    for i in range(len(trades)):
        if trades.time[i] + horizon > now:
            continue
        before = [j for j in range(len(quotes)) if quotes.time[j] < trades.time[i]][-1]
        after = [j for j in range(len(quotes)) if quotes.time[j] <= trades.time[i] + horizon][-1]
        m, later = ((quotes.bid[j] + quotes.ask[j]) / 2 for j in (before, after))
        s, p = trades.aggressor[i], trades.price[i]
        out.append(tuple(2e4 * s * x / m for x in (p - m, p - later, later - m)))
    return out[-count:]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("seconds", [0.5, 10.0, 60.0])
def test_costs_agree_with_a_search_trade_by_trade(seed: int, seconds: float) -> None:
    trades, quotes = random_trades(seed, 200), random_quotes(seed, 200)
    expected = np.mean(plain_costs(trades, quotes, seconds, 60), axis=0)
    realized = realized_spread(trades, quotes, seconds=seconds, count=60)
    impact = trade_impact(trades, quotes, seconds=seconds, count=60)
    assert (realized.value, impact.value) == pytest.approx(expected[1:], rel=1e-9, abs=1e-9)
    assert realized.n_obs == impact.n_obs == 60
    whole = effective_spread(trades, quotes, count=60)
    newest = np.mean(plain_costs(trades, quotes, 0.0, 60), axis=0)[0]
    assert whole.value == pytest.approx(newest, rel=1e-9)


@given(st.integers(0, 2**31), st.floats(0.1, 100.0))
def test_effective_spread_is_realized_spread_and_impact_together(seed: int, seconds: float) -> None:
    trades, quotes = random_trades(seed, 300), random_quotes(seed, 300)
    now = max(int(trades.time[-1]), int(quotes.time[-1]))
    old = trades.known_by(now - round(seconds * 1000))
    parts = [
        tool(trades, quotes, seconds=seconds, count=100).value for tool in (realized_spread, trade_impact)
    ]
    whole = effective_spread(old, quotes.known_by(int(old.time[-1])), count=100).value
    assert None not in parts
    assert whole == pytest.approx(sum(x for x in parts if x is not None), rel=1e-9, abs=1e-9)


def test_trades_at_a_standing_quote_pay_its_spread() -> None:
    side = np.tile([1, -1], 50)
    trades = trades_from(100.0 + side, aggressor=side, seconds=1.0 + np.arange(100))
    found = effective_spread(trades, FLAT, count=100)
    assert found.value == pytest.approx(200.0)
    assert found.warnings == ("a quote before a trade is 100 s old",)
    assert effective_spread(trades[:30], FLAT, count=30).warnings == ()
    inside = trades_from(100.0 + side / 2, aggressor=side, seconds=1.0 + np.arange(100))
    assert effective_spread(inside, FLAT, count=100).value == pytest.approx(100.0)
    assert effective_spread(inside, FLAT, count=100, by_quotes=1).value == pytest.approx(100.0)


def informed_market(rng: np.random.Generator, n: int, half: float, impact: float) -> tuple[Trades, Quotes]:
    """Each trade pays `half` over the mid, which then moves by `impact` its way and by news."""
    side = rng.choice([-1, 1], n)
    mid = 100 + np.cumsum(np.append(0.0, impact * side + rng.normal(0, 0.01, n)))
    quotes = quotes_from(mid - half, mid + half, seconds=np.append(0.0, np.arange(n) + 0.5))
    return trades_from(mid[:-1] + half * side, aggressor=side, seconds=np.arange(n) + 0.2), quotes


def test_costs_recover_what_an_informed_market_was_made_of() -> None:
    trades, quotes = informed_market(np.random.default_rng(41), 20_000, 0.05, 0.02)
    settings = {"seconds": 0.6, "count": 19_000}
    impact = trade_impact(trades, quotes, **settings)  # type: ignore[arg-type]  # float and int by name
    realized = realized_spread(trades, quotes, **settings)  # type: ignore[arg-type]
    # News of 0.01 a trade: the standard error of twice the mean move is 0.00014.
    level = float(quotes.bid.mean() + 0.05)
    assert impact.value == pytest.approx(2e4 * 0.02 / level, abs=4 * 1.5)
    assert realized.value == pytest.approx(2e4 * 0.03 / level, abs=4 * 1.5)
    assert impact.value == pytest.approx(4.0, rel=0.1)


def test_what_is_missing_is_named() -> None:
    trades, quotes = random_trades(1, 100), random_quotes(1, 100)
    entry = effective_spread(trades, quotes[50:], count=100)
    assert entry.value is None
    assert (entry.reason or "").startswith("needs a quote before every trade, missing on ")
    crossed = changed(quotes, "ask", 98, 0.0)
    assert (effective_spread(trades, crossed, count=100).reason or "").startswith(
        "needs quotes that do not cross"
    )
    few = realized_spread(trades, quotes, count=100)
    assert (few.reason or "").startswith("needs 100 trades at least 60 s old, has ")
    unsigned = changed(trades, "aggressor", 99, 0)
    found = effective_spread(unsigned, quotes, count=100)
    assert found.reason == "needs trades with their aggressor, missing on 1 of 100"
    negative = quotes_from([-2.0], [-1.0], seconds=[0.0])
    assert effective_spread(trades_from([1.0] * 20, seconds=[1.0] * 20), negative, count=20).reason == (
        "undefined: a price at or under zero"
    )


def test_quotes_stamped_before_their_trades_are_warned_of() -> None:
    trades, quotes = informed_market(np.random.default_rng(42), 500, 0.005, 0.05)
    early = Quotes(quotes.time - 400, quotes.bid, quotes.ask, quotes.bid_size, quotes.ask_size)
    found = effective_spread(trades, early, count=499)
    assert found.value is not None
    assert found.value < 0
    assert found.warnings == ("under zero: quotes seem to be stamped earlier than the trades they come from",)
    assert effective_spread(trades, quotes, count=499).warnings == ()


# -- quoted spread


def plain_quoted(quotes: Quotes, seconds: float) -> float:
    ends = int(quotes.time[-1])
    total = 0.0
    for moment in range(ends - round(seconds * 1000), ends):
        stands = [j for j in range(len(quotes)) if quotes.time[j] <= moment][-1]
        total += (quotes.ask[stands] - quotes.bid[stands]) / (quotes.ask[stands] + quotes.bid[stands]) * 2e4
    return total / round(seconds * 1000)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("seconds", [0.4, 3.0])
def test_quoted_spread_agrees_with_asking_every_millisecond(seed: int, seconds: float) -> None:
    quotes = random_quotes(seed, 30)
    assert quoted_spread(quotes, seconds=seconds).value == pytest.approx(
        plain_quoted(quotes, seconds), rel=1e-9
    )


def test_quoted_spread_needs_quotes_over_its_window() -> None:
    entry = get_tool("quoted_spread")
    short = quoted_spread(quotes_from([1.0, 1.0], [1.1, 1.1], seconds=[0.0, 30.5]))
    assert (short.value, short.reason) == (None, "needs quotes over 60 s, has 30.5 s")
    just = quoted_spread(quotes_from([1.0, 1.0], [1.1, 1.3], seconds=[0.0, 60.0]))
    assert just.value == pytest.approx(1e4 * 0.1 / 1.05)
    assert just.n_obs == 2
    assert entry.min_bars() == 2
    missing = quotes_from([1.0, math.nan], [1.1, 1.3], seconds=[0.0, 60.0])
    assert quoted_spread(missing).reason == "needs bid on every quote, missing on 1 of 2"
