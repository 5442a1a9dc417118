"""Swings against a plain twin, and the promise that a confirmed one stays."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.market import Bars
from tests.tools.price_paths import bars_from, random_bars, with_missing
from tools.pivots import (
    Kind,
    Pivot,
    bars_since_pivot_high,
    bars_since_pivot_high_confirmed,
    bars_since_pivot_low,
    bars_since_pivot_low_confirmed,
    find_pivots,
    pivot_high,
    pivot_low,
)
from tools.registry import get_tool

KINDS: tuple[Kind, ...] = get_args(Kind)
LEVELS = (1, 2, 3, 4, 5)
PRICE = {"high": pivot_high, "low": pivot_low}
AGE = {"high": bars_since_pivot_high, "low": bars_since_pivot_low}
KNOWN = {"high": bars_since_pivot_high_confirmed, "low": bars_since_pivot_low_confirmed}
coarse_walks = st.lists(st.integers(-3, 3), max_size=120)


def walk(steps: list[int]) -> Bars:
    """Whole numbers, so that equal highs are common."""
    level = 100 + np.cumsum(np.array(steps, dtype=np.float64)) if steps else np.empty(0)
    width = np.arange(len(steps)) % 3
    return bars_from(level + width, level - width, level)


def plain_level(points: list[tuple[int, float, int]], is_high: bool) -> list[tuple[int, float, int]]:
    """(bar, price, known at) of those beyond both neighbours; equal ones in a row are the first of them."""
    runs: list[tuple[int, float, int]] = []
    for point in points:
        if not runs or runs[-1][1] != point[1]:
            runs.append(point)
    out = []
    for j in range(1, len(runs) - 1):
        left, (bar, price, _), right = runs[j - 1][1], runs[j], runs[j + 1][1]
        if (left < price > right) if is_high else (left > price < right):
            out.append((bar, price, runs[j + 1][2]))
    return out


def plain_pivots(bars: Bars, kind: Kind, level: int) -> tuple[Pivot, ...]:
    prices = (bars.high if kind == "high" else bars.low).tolist()
    points = [(i, price, i) for i, price in enumerate(prices)]
    for _ in range(level):
        points = plain_level(points, kind == "high")
    return tuple(Pivot(bar, price, kind, level, known) for bar, price, known in points)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", LEVELS)
@given(coarse_walks)
def test_pivots_agree_with_the_plain_rule(kind: Kind, level: int, steps: list[int]) -> None:
    bars = walk(steps)
    assert find_pivots(bars, kind, level) == plain_pivots(bars, kind, level)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", LEVELS)
def test_pivots_of_a_long_walk_agree_with_the_plain_rule(kind: Kind, level: int) -> None:
    bars = random_bars(1, 6000, still=0.2)
    found = find_pivots(bars, kind, level)
    assert len(found) > 3
    assert found == plain_pivots(bars, kind, level)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", LEVELS)
@given(coarse_walks, st.integers(0, 120))
def test_prefix_has_exactly_the_pivots_confirmed_by_its_end(
    kind: Kind, level: int, steps: list[int], n: int
) -> None:
    bars = walk(steps)
    known = tuple(pivot for pivot in find_pivots(bars, kind, level) if pivot.confirmed_at < n)
    assert find_pivots(bars[:n], kind, level) == known


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [2, 4])
def test_prefixes_of_a_long_walk_never_repaint(kind: Kind, level: int) -> None:
    bars = random_bars(2, 2000)
    whole = find_pivots(bars, kind, level)
    assert whole
    for n in range(0, 2000, 37):
        known = tuple(pivot for pivot in whole if pivot.confirmed_at < n)
        assert find_pivots(bars[:n], kind, level) == known


@pytest.mark.parametrize("kind", KINDS)
@given(coarse_walks)
def test_each_level_is_part_of_the_one_below_and_later_to_be_known(kind: Kind, steps: list[int]) -> None:
    bars = walk(steps)
    for level in LEVELS[1:]:
        below = {pivot.index: pivot for pivot in find_pivots(bars, kind, level - 1)}
        for pivot in find_pivots(bars, kind, level):
            assert below[pivot.index].price == pivot.price
            assert pivot.confirmed_at > below[pivot.index].confirmed_at > pivot.index


@pytest.mark.parametrize("kind", KINDS)
@given(coarse_walks)
def test_pivots_become_known_in_their_order(kind: Kind, steps: list[int]) -> None:
    for level in LEVELS:
        found = find_pivots(walk(steps), kind, level)
        moments = [(pivot.index, pivot.confirmed_at) for pivot in found]
        assert moments == sorted(moments)
        assert len({known for _, known in moments}) == len(moments)


@pytest.mark.parametrize("level", LEVELS)
@given(coarse_walks)
def test_lows_are_the_mirror_image_of_highs(level: int, steps: list[int]) -> None:
    bars = walk(steps)
    mirrored = bars_from(-bars.low, -bars.high, -bars.close)
    expected = [replace(p, price=-p.price, kind="low") for p in find_pivots(mirrored, "high", level)]
    assert list(find_pivots(bars, "low", level)) == expected


def test_high_over_both_neighbours_is_known_one_bar_later() -> None:
    found = find_pivots(bars_from([1, 3, 2, 4], [0] * 4, [1] * 4), "high", 1)
    assert found == (Pivot(1, 3.0, "high", 1, 2),)


def test_flat_top_is_one_high_at_its_first_bar_known_when_it_ends() -> None:
    found = find_pivots(bars_from([1, 3, 3, 3, 2], [0] * 5, [1] * 5), "high", 1)
    assert found == (Pivot(1, 3.0, "high", 1, 4),)


@pytest.mark.parametrize("highs", [[1, 3, 3, 4], [3, 3, 2], [1, 2, 3], [3, 2, 1], [2, 2, 2], [1, 3], []])
def test_shelf_slope_or_edge_is_no_high(highs: list[float]) -> None:
    n = len(highs)
    assert find_pivots(bars_from(highs, [0] * n, [1] * n), "high", 1) == ()


@pytest.mark.parametrize("level", LEVELS)
def test_no_fewer_bars_than_said_can_hold_a_pivot_and_that_many_can(level: int) -> None:
    entry = get_tool("pivot_high")
    needed = entry.min_bars(level=level)
    assert entry.call(random_bars(1, needed - 1), level=level).reason == (
        f"needs {needed} bars, has {needed - 1}"
    )
    highs = ruler(level)
    assert len(highs) == needed
    bars = bars_from(highs, [-100.0] * needed, [0.0] * needed)
    assert entry.call(bars, level=level).value == max(highs)
    assert entry.series(bars[:-1], level=level).size == needed - 1
    assert np.isnan(entry.series(bars[:-1], level=level)).all()


def ruler(level: int) -> list[float]:
    """Heights like the marks of a ruler: of 2^(level + 1) - 1 the middle one is the highest."""
    marks = [0.0]
    for height in range(1, level + 1):
        marks = [*marks, float(height), *marks]
    return marks


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [1, 2, 3])
def test_tools_tell_of_the_newest_pivot_known_at_each_bar(kind: Kind, level: int) -> None:
    bars = random_bars(3, 400, still=0.3)
    found = find_pivots(bars, kind, level)
    prices, ages, known = (tools[kind](bars, level=level).tolist() for tools in (PRICE, AGE, KNOWN))
    for i in range(400):
        newest = [pivot for pivot in found if pivot.confirmed_at <= i][-1:]
        if not newest:
            assert np.isnan([prices[i], ages[i], known[i]]).all()
        else:
            pivot = newest[0]
            assert (prices[i], ages[i], known[i]) == (
                pivot.price,
                i - pivot.index,
                i - pivot.confirmed_at,
            )


@pytest.mark.parametrize("kind", KINDS)
@given(coarse_walks, st.integers(0, 60))
def test_later_start_may_hide_a_pivot_and_never_changes_it(kind: Kind, steps: list[int], cut: int) -> None:
    bars = walk(steps)
    for level in (1, 2, 3):
        whole, later = PRICE[kind](bars, level=level)[cut:], PRICE[kind](bars[cut:], level=level)
        known = np.isfinite(later)
        np.testing.assert_array_equal(later[known], whole[known])


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_known_from_the_first_missing_price_on(kind: Kind) -> None:
    bars = with_missing(random_bars(4, 300), kind, 200)
    for tool in (PRICE[kind], AGE[kind], KNOWN[kind]):
        values = tool(bars, level=1)
        assert np.isfinite(values[20:200]).all()
        assert np.isnan(values[200:]).all()
    assert find_pivots(bars, kind, 1) == find_pivots(bars[:200], kind, 1)
    other: Kind = "low" if kind == "high" else "high"
    assert np.isfinite(PRICE[other](bars, level=1)[20:]).all()


def test_rising_market_has_no_high_and_says_so() -> None:
    rising = np.arange(1.0, 50.0)
    found = get_tool("pivot_high").call(bars_from(rising, rising, rising), level=1)
    assert (found.value, found.reason) == (None, "no pivot of this level is confirmed on these bars")
    assert found.n_obs == 49
    assert found.warnings == ()
