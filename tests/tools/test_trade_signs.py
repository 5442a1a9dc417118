"""The tick rule, Lee and Ready's rule and the autocorrelation of signs against plain twins."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ToolInputError
from contracts.ticks import Quotes, Trades
from tests.tools.tick_paths import TICK, quotes_from, random_quotes, random_trades, trades_from
from tools.registry import get_tool
from tools.trade_signs import tick_rule, trade_sign_autocorrelation, trade_signs

NAN = float("nan")


def plain_tick_rule(price: list[float]) -> list[int]:
    out, sign = [0], 0
    for before, now in pairwise(price):
        if math.isnan(before) or math.isnan(now):
            sign = 0
        elif now != before:
            sign = 1 if now > before else -1
        out.append(sign)
    return out


def plain_lee_ready(trades: Trades, quotes: Quotes) -> list[int]:
    ticks, out = plain_tick_rule(trades.price.tolist()), []
    for i in range(len(trades)):
        place = -1
        for j in range(len(quotes)):
            if quotes.time[j] < trades.time[i]:
                place = j
        if place < 0 or quotes.ask[place] < quotes.bid[place]:
            out.append(0)
            continue
        mid, price = (quotes.bid[place] + quotes.ask[place]) / 2, trades.price[i]
        out.append(ticks[i] if price == mid else int(price > mid) - int(price < mid))
    return out


@given(st.lists(st.sampled_from([1.0, 1.1, 1.2, NAN]), max_size=40))
def test_tick_rule_agrees_with_a_walk_through_the_prices(price: list[float]) -> None:
    found = tick_rule(np.array(price))
    assert found.tolist() == (plain_tick_rule(price) if price else [])


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_lee_ready_agrees_with_a_search_trade_by_trade(seed: int) -> None:
    rng, quotes = np.random.default_rng(seed), random_quotes(seed, 150)
    trades = random_trades(seed, 150)
    at_mid = rng.random(150) < 0.4
    mid = (quotes.bid + quotes.ask) / 2
    # Some at the mid, some in the same millisecond as a quote, some before the first.
    price = np.where(at_mid, mid, trades.price)
    time = np.maximum.accumulate(np.where(rng.random(150) < 0.3, quotes.time, trades.time)) - 3000
    crossed = np.where(rng.random(150) < 0.1, quotes.bid - TICK, quotes.ask)
    trades = Trades(time, price, trades.quantity, trades.aggressor)
    quotes = Quotes(quotes.time, quotes.bid, crossed, quotes.bid_size, quotes.ask_size)
    found = trade_signs(trades, quotes).tolist()
    assert found == plain_lee_ready(trades, quotes)
    assert {-1, 0, 1} <= set(found)


def test_trade_at_a_quote_that_stands_is_signed_as_it_was_made() -> None:
    trades, quotes = random_trades(7, 800), random_quotes(7, 800)
    agree = trade_signs(trades, quotes) == trades.aggressor
    lone = np.diff(quotes.time, append=quotes.time[-1] + 5000) > 900
    assert lone.sum() > 300
    assert agree[lone].mean() > 0.95


@pytest.mark.parametrize("missing", [NAN, math.inf, -math.inf])
def test_missing_price_or_quote_leaves_no_sign(missing: float) -> None:
    trades = trades_from([1.0, missing, 1.2], seconds=[1, 2, 3])
    assert trade_signs(trades, quotes_from([1.0], [1.2], seconds=[0.0])).tolist() == [-1, 0, 1]
    assert trade_signs(trades, quotes_from([missing], [1.2], seconds=[0.0])).tolist() == [0, 0, 0]
    assert trade_signs(trades, quotes_from([], [])).tolist() == [0, 0, 0]


def test_quote_of_the_same_millisecond_is_not_read() -> None:
    quotes = quotes_from([1.0, 2.0], [1.2, 2.2], seconds=[0.0, 5.0])
    assert trade_signs(trades_from([1.5], seconds=[5.0]), quotes).tolist() == [1]
    assert trade_signs(trades_from([1.5], seconds=[5.001]), quotes).tolist() == [-1]


def plain_autocorrelation(signs: list[int], lag: int) -> float:
    mean = sum(signs) / len(signs)
    spread = sum((s - mean) ** 2 for s in signs)
    return sum((a - mean) * (b - mean) for a, b in zip(signs, signs[lag:], strict=False)) / spread


@pytest.mark.parametrize(("count", "lag"), [(20, 1), (20, 5), (400, 3), (500, 100)])
@pytest.mark.parametrize("by_ticks", [0, 1])
def test_autocorrelation_agrees_with_its_definition(count: int, lag: int, by_ticks: int) -> None:
    trades = random_trades(3, 600)
    signs = plain_tick_rule(trades.price.tolist()) if by_ticks else trades.aggressor.tolist()
    found = trade_sign_autocorrelation(trades, count=count, lag=lag, by_ticks=by_ticks)
    assert found.value == pytest.approx(plain_autocorrelation(signs[-count:], lag), rel=1e-9)
    assert found.n_obs == count


@pytest.mark.parametrize("persistence", [0.0, 0.3, 0.8])
def test_autocorrelation_recovers_that_of_a_markov_chain(persistence: float) -> None:
    rng, n = np.random.default_rng(5), 40_000
    repeats = rng.random(n) < (1 + persistence) / 2
    signs = np.cumprod(np.where(repeats, 1, -1))
    trades = trades_from(np.ones(n), aggressor=signs)
    for lag in (1, 3):
        found = trade_sign_autocorrelation(trades, count=n, lag=lag).value
        assert found == pytest.approx(persistence**lag, abs=5 / math.sqrt(n) / (1 - persistence))


def test_one_sided_trades_and_a_lag_too_long_are_refused() -> None:
    entry = get_tool("trade_sign_autocorrelation")
    one_sided = trade_sign_autocorrelation(trades_from(np.ones(500), aggressor=np.ones(500)))
    assert (one_sided.value, one_sided.n_obs) == (None, 500)
    with pytest.raises(ToolInputError, match="at least four times lag, found count 20 and lag 6"):
        entry.check(count=20, lag=6)
    rising = trade_sign_autocorrelation(trades_from([5.0] * 500), by_ticks=1)
    assert rising.reason == "needs a change of price before it to sign a trade, missing on 500 of 500"
