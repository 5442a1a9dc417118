"""Order flow, its slope, queue imbalance and weighted mid: twins, a book of known depth, reasons."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ticks import Quotes
from tests.tools.tick_paths import TICK, changed, quotes_from, random_quotes
from tools.order_flow import flow_events, microprice, order_flow_imbalance, order_flow_slope, queue_imbalance
from tools.registry import ToolValue, get_tool
from tools.tick_rows import mid_of
from tools.trading_costs import quoted_spread

NAN = math.nan


def plain_event(quotes: Quotes, n: int) -> float:
    """Cont, Kukanov and Stoikov's e_n, case by case."""
    bid, was_bid, ask, was_ask = quotes.bid[n], quotes.bid[n - 1], quotes.ask[n], quotes.ask[n - 1]
    if bid > was_bid:
        demand = quotes.bid_size[n]
    elif bid < was_bid:
        demand = -quotes.bid_size[n - 1]
    else:
        demand = quotes.bid_size[n] - quotes.bid_size[n - 1]
    if ask < was_ask:
        supply = quotes.ask_size[n]
    elif ask > was_ask:
        supply = -quotes.ask_size[n - 1]
    else:
        supply = quotes.ask_size[n] - quotes.ask_size[n - 1]
    return float(demand - supply)


def plain_flow(quotes: Quotes, begins: int, ends: int) -> float:
    """Sum of the events after one moment up to another."""
    rows = range(1, len(quotes))
    return sum(plain_event(quotes, n) for n in rows if begins < quotes.time[n] <= ends)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("seconds", [0.5, 10.0, 100.0])
def test_imbalance_agrees_with_the_cases_of_the_paper(seed: int, seconds: float) -> None:
    quotes = random_quotes(seed, 300)
    events = [plain_event(quotes, n) for n in range(1, 300)]
    np.testing.assert_array_equal(flow_events(quotes), events)
    ends = int(quotes.time[-1])
    expected = plain_flow(quotes, ends - round(seconds * 1000), ends)
    assert order_flow_imbalance(quotes, seconds=seconds).value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_slope_agrees_with_windows_summed_one_by_one(seed: int) -> None:
    quotes = random_quotes(seed, 400)
    ends, mid = int(quotes.time[-1]), (quotes.bid + quotes.ask) / 2
    x, y = [], []
    for k in range(30):
        window = (ends - (k + 1) * 5000, ends - k * 5000)
        x.append(plain_flow(quotes, *window))
        at = [max(j for j in range(400) if quotes.time[j] <= moment) for moment in window]
        y.append(mid[at[1]] - mid[at[0]])
    expected = np.polyfit(x, y, 1)[0]
    assert order_flow_slope(quotes, seconds=5.0, windows=30).value == pytest.approx(expected, rel=1e-9)


def stylized_book(rng: np.random.Generator, n: int, depth: int) -> Quotes:
    """Every price holds `depth`; one unit at a time is added to or taken from both sides' best queues."""
    level = depth * 1000 + np.cumsum(rng.choice([-1, 1], n))
    place, size = (level - 1) // depth, (level - 1) % depth + 1
    # The ask is what the bid lacks: demand for one is supply of the other.
    bid = 100 + TICK * place
    return quotes_from(bid, bid + TICK, size, depth + 1 - size, seconds=np.arange(n) / 100)


@pytest.mark.parametrize("depth", [5, 20])
def test_slope_recovers_half_a_tick_over_the_depth_of_a_stylized_book(depth: int) -> None:
    quotes = stylized_book(np.random.default_rng(51), 60_000, depth)
    found = order_flow_slope(quotes, seconds=10.0, windows=59)
    assert found.value == pytest.approx(TICK / (2 * depth), rel=0.12)
    assert found.warnings == ()


def test_flow_that_price_ignores_is_warned_of() -> None:
    warned = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        mid = 100 + np.cumsum(rng.choice([-2, 2], 500)) * TICK
        # Sizes so large that their own changes hide those of price.
        quotes = quotes_from(mid - TICK, mid + TICK, *rng.integers(1, 9, (2, 500)))
        sizes = rng.permutation(500)
        shuffled = Quotes(quotes.time, quotes.bid[sizes], quotes.ask[sizes], quotes.bid_size, quotes.ask_size)
        warned += bool(order_flow_slope(shuffled, seconds=1.0, windows=400).warnings)
    assert warned <= 4
    steady = quotes_from(np.full(500, 1.0), np.full(500, 2.0), np.full(500, 3.0), np.full(500, 3.0))
    found = order_flow_slope(steady, seconds=1.0, windows=400)
    assert (found.value, found.n_obs) == (None, 401)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=20))
def test_sizes_at_prices_that_stand_sum_to_what_they_changed_by(sizes: list[tuple[int, int]]) -> None:
    bid_size, ask_size = (list(column) for column in zip(*sizes, strict=True))
    n = len(sizes)
    quotes = quotes_from(np.ones(n), np.full(n, 2.0), bid_size, ask_size)
    expected = (bid_size[-1] - bid_size[0]) - (ask_size[-1] - ask_size[0])
    assert flow_events(quotes).sum() == expected


@given(st.integers(0, 2**31))
def test_book_turned_over_has_the_opposite_flow(seed: int) -> None:
    quotes = random_quotes(seed, 100)
    turned = Quotes(quotes.time, 200 - quotes.ask, 200 - quotes.bid, quotes.ask_size, quotes.bid_size)
    np.testing.assert_array_equal(flow_events(turned), -flow_events(quotes))
    leaning, weighted = queue_imbalance(quotes).value, microprice(quotes).value
    assert leaning is not None
    assert weighted is not None
    assert queue_imbalance(turned).value == pytest.approx(-leaning)
    assert microprice(turned).value == pytest.approx(200 - weighted, rel=1e-12)


@given(st.integers(1, 1000), st.integers(1, 1000), st.integers(1, 50))
def test_newest_quote_alone_gives_imbalance_and_weighted_mid(bid: int, ask: int, width: int) -> None:
    quotes = quotes_from([5.0, 100.0], [6.0, 100.0 + width], [1.0, bid], [1.0, ask])
    assert queue_imbalance(quotes).value == pytest.approx((bid - ask) / (bid + ask), abs=1e-15)
    exact = Fraction((100 + width) * bid + 100 * ask, bid + ask)
    found = microprice(quotes)
    assert found.value == pytest.approx(float(exact), rel=1e-15)
    assert found.value is not None
    assert 100 <= found.value <= 100 + width
    assert found.n_obs == 1


def test_quotes_without_sizes_or_with_nothing_on_offer_say_so() -> None:
    bare = quotes_from(np.ones(700), np.full(700, 2.0))
    for name in ("order_flow_imbalance", "order_flow_slope", "queue_imbalance", "microprice"):
        entry = get_tool(name)
        assert entry.estimate is not None
        assert (
            entry.estimate(bare, **entry.check()).reason == "needs bid_size, which these quotes do not have"
        )
    empty = quotes_from([1.0], [2.0], [0.0], [0.0])
    for tool in (queue_imbalance, microprice):
        assert tool(empty).value is None
    below = quotes_from([1.0], [2.0], [-1.0], [3.0])
    assert queue_imbalance(below).reason == "needs bid_size, which these quotes do not have"


def test_short_or_crossed_or_broken_quotes_have_a_reason() -> None:
    quotes = random_quotes(5, 300)
    span = (quotes.time[-1] - quotes.time[0]) / 1000
    found = order_flow_slope(quotes, seconds=10.0, windows=60)
    assert found.reason == f"needs quotes over 600 s, has {span:g} s"
    crossed = order_flow_imbalance(changed(quotes, "bid", 299, 1e6))
    assert (crossed.reason or "").startswith("needs quotes that do not cross, crossed on 1 of ")
    for of_newest in (queue_imbalance, microprice):
        found = of_newest(changed(quotes, "bid", 299, 1e6))
        assert found == ToolValue(None, 1, "needs quotes that do not cross, crossed on 1 of 1")
    broken = order_flow_imbalance(changed(quotes, "ask_size", 298, NAN))
    assert (broken.reason or "").startswith("needs ask_size on every quote, missing on 1 of ")
    assert np.isnan(flow_events(changed(quotes, "bid", 10, NAN))[[9, 10]]).all()


def test_quote_whose_sides_are_infinite_has_no_mid_and_a_reason() -> None:
    quotes = random_quotes(4, 200)
    wide = changed(changed(quotes, "bid", -1, -np.inf), "ask", -1, np.inf)
    assert np.isnan(mid_of(wide)[-1])
    found = quoted_spread(wide, seconds=10.0)
    assert found.value is None
    assert found.reason is not None
