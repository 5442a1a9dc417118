"""Candlestick patterns against plain rules, on walks full of gaps and ties, and on planted examples."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import talib

from contracts.market import Bars
from tests.tools import plain_candles as plain
from tests.tools.price_paths import bars_from
from tools.registry import get_tool
from tools.talib_entries import catalogue

CANDLES = {name: entry for name, entry in catalogue().items() if entry.group == "candles"}
OTHERWISE_NAMED = {"candle_three_methods": "rising_falling_three_methods"}
WHOLE_SERIES = {"candle_hikkake": plain.hikkake, "candle_modified_hikkake": plain.modified_hikkake}
every_candle = pytest.mark.parametrize("name", sorted(CANDLES))

Row = tuple[float, float, float, float]
# Open, high, low, close of patterns that hardly ever occur by chance. What comes before is a calm market of
# rising bars with a body of 1 and a range of 1.2 around 100.
PLANTED: dict[str, list[tuple[int, list[Row]]]] = {
    "candle_two_crows": [
        (-100, [(100, 104.1, 99.9, 104), (107, 107.5, 105.5, 106), (106.5, 107, 101.5, 102)]),
    ],
    "candle_three_stars_in_the_south": [
        (100, [(104, 104.1, 95, 100), (102, 102.1, 96, 99.5), (98.5, 98.52, 98.08, 98.1)]),
    ],
    "candle_three_black_crows": [
        (-100, [(101, 101.2, 98.98, 99), (100, 100.2, 96.98, 97), (98, 98.2, 94.98, 95)]),
    ],
    "candle_three_methods": [
        (
            100,
            [
                (100, 104.2, 99.9, 104),
                (103.8, 104, 102.9, 103.2),
                (103.3, 103.5, 102.3, 102.7),
                (102.9, 103, 101.8, 102.2),
                (102.5, 105.2, 102.4, 105),
            ],
        ),
        (
            -100,
            [
                (104, 104.1, 99.8, 100),
                (100.2, 101.1, 100, 100.8),
                (100.7, 101.7, 100.5, 101.3),
                (101.1, 102.2, 101, 101.8),
                (101.5, 101.6, 98.8, 99),
            ],
        ),
    ],
    "candle_abandoned_baby": [
        (-100, [(100, 104.1, 99.9, 104), (105, 105.4, 104.6, 105), (104, 104.2, 100.9, 101)]),
        (100, [(104, 104.1, 99.9, 100), (99, 99.4, 98.6, 99), (100, 103.1, 99.8, 103)]),
    ],
    "candle_breakaway": [
        (
            100,
            [
                (104, 104.1, 99.9, 100),
                (99, 99.1, 97.9, 98),
                (98, 98.2, 97, 97.5),
                (97.5, 97.6, 96, 96.2),
                (96.2, 99.7, 96.1, 99.6),
            ],
        ),
        (
            -100,
            [
                (100, 104.1, 99.9, 104),
                (105, 106.1, 104.9, 106),
                (106, 107, 105.5, 106.5),
                (106.5, 108, 106.4, 107.8),
                (107.8, 107.9, 104.3, 104.4),
            ],
        ),
    ],
    "candle_concealing_baby_swallow": [
        (
            100,
            [
                (104, 104.02, 99.98, 100),
                (100, 100.02, 95.98, 96),
                (95, 97, 93.9, 94),
                (97.5, 97.8, 92, 92.5),
            ],
        ),
    ],
    "candle_kicking": [
        (100, [(104, 104.02, 99.98, 100), (105, 109.02, 104.98, 109)]),
        (-100, [(100, 104.02, 99.98, 104), (99, 99.02, 94.98, 95)]),
    ],
    "candle_kicking_by_length": [
        (-100, [(104, 104.02, 98.98, 99), (105, 109.02, 104.98, 109)]),
    ],
    "candle_ladder_bottom": [
        (
            100,
            [
                (106, 106.1, 103.9, 104),
                (105, 105.1, 102.9, 103),
                (104, 104.1, 101.9, 102),
                (103, 104, 100.9, 101),
                (103.5, 105, 103.4, 104.8),
            ],
        ),
    ],
    "candle_mat_hold": [
        (
            100,
            [
                (100, 110.1, 99.9, 110),
                (112, 112.3, 110.8, 111.5),
                (109.9, 110.2, 109, 109.2),
                (109.5, 109.7, 108.2, 108.5),
                (108.8, 115, 108.6, 114.5),
            ],
        ),
    ],
    "candle_upside_gap_two_crows": [
        (-100, [(100, 104.1, 99.9, 104), (106, 106.2, 105.2, 105.4), (106.5, 106.6, 104.4, 104.6)]),
    ],
}


def gapped_walk(seed: int, n: int, grid: float) -> Bars:
    """Bodies, shadows and gaps of very different sizes on a grid of prices, in short trends."""
    rng = np.random.default_rng(seed)
    gap = rng.normal(0, 0.6, n) * (rng.random(n) < 0.6)
    body = rng.normal(0, 1, n) * rng.choice([0.1, 0.5, 1.0, 3.0], n)
    body += np.repeat(rng.choice([-0.6, 0.0, 0.6], n // 6 + 1), 6)[:n]
    up, down = (np.abs(rng.normal(0, 1, n)) * rng.choice([0.0, 0.02, 0.3, 1.5], n) for _ in range(2))
    close = 1000 + np.cumsum(gap + body)
    open_ = close - body
    columns = (np.maximum(open_, close) + up, np.minimum(open_, close) - down, close, open_)
    high, low, closed, opened = (np.round(column / grid) * grid for column in columns)
    return bars_from(high, low, closed, opened)


WALKS = [gapped_walk(seed, 1500, grid) for seed, grid in ((1, 1e-3), (2, 0.25), (3, 1.0), (4, 0.25))]


def planted(rows: list[Row]) -> Bars:
    calm = [(100.0, 101.1, 99.9, 101.0)] * 14
    opened, high, low, close = (list(column) for column in zip(*calm, *rows, strict=True))
    return bars_from(high, low, close, opened)


def twin_of(name: str) -> Callable[[Bars], list[float]]:
    first = int(CANDLES[name].min_bars) - 1
    if name in WHOLE_SERIES:
        return partial(WHOLE_SERIES[name], first=first)
    rule = getattr(plain, OTHERWISE_NAMED.get(name, name.removeprefix("candle_")))
    return lambda bars: plain.of_bars(bars, rule, first)


@every_candle
def test_pattern_agrees_with_its_plain_rule(name: str) -> None:
    entry, twin, n_found = get_tool(name), twin_of(name), 0
    for bars in WALKS:
        found = entry.series(bars)
        np.testing.assert_array_equal(found, twin(bars))
        n_found += int(np.count_nonzero(np.nan_to_num(found)))
    assert n_found or name in PLANTED


@pytest.mark.parametrize(
    ("name", "points", "rows"),
    [(name, points, rows) for name, examples in PLANTED.items() for points, rows in examples],
)
def test_planted_pattern_is_found_and_its_neighbours_agree_with_the_rule(
    name: str, points: int, rows: list[Row]
) -> None:
    entry, twin = get_tool(name), twin_of(name)
    assert entry.series(planted(rows))[-1] == points
    rng = np.random.default_rng(1)
    agreed = {0.0: 0, float(points): 0}
    for _ in range(300):
        # Whole prices change places: near enough to the pattern to touch every one of its conditions.
        moved = np.array(rows) + rng.normal(0, 0.3, (len(rows), 4)) * (rng.random((len(rows), 4)) < 0.3)
        bars = planted([(o, max(h, o, c), min(low, o, c), c) for o, h, low, c in moved.tolist()])
        found = entry.series(bars)[-1]
        assert found == twin(bars)[-1]
        agreed[found] = agreed.get(found, 0) + 1
    assert min(agreed.values()) > 5


@pytest.mark.parametrize(
    ("name", "parameter"),
    [(name, parameter) for name, entry in CANDLES.items() for parameter in entry.parameters],
)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.8])
def test_penetration_is_the_share_of_the_first_body(name: str, parameter: str, share: float) -> None:
    rule = getattr(plain, name.removeprefix("candle_"))
    entry, first = get_tool(name), int(CANDLES[name].min_bars) - 1
    for bars in WALKS[:2]:
        twin = plain.of_bars(bars, partial(rule, penetration=share), first)
        np.testing.assert_array_equal(entry.series(bars, **{parameter: share}), twin)


@every_candle
def test_points_are_the_ones_the_text_names(name: str) -> None:
    returns, entry = CANDLES[name].returns, get_tool(name)
    found = {int(x) for bars in WALKS for x in np.unique(entry.series(bars)[20:])} - {0}
    found |= {points for points, _ in PLANTED.get(name, [])}
    named = {
        int(word.strip("(),.;")) for word in returns.split() if word.strip("(),.;").lstrip("-").isdigit()
    }
    assert found <= named
    if not {80, 200} & named:
        assert named - {0} == found or name in PLANTED


def test_ta_lib_says_no_pattern_before_it_can_know_and_the_tool_says_nothing() -> None:
    bars = WALKS[0]
    assert (talib.CDLDOJI(bars.open, bars.high, bars.low, bars.close)[:10] == 0).all()
    assert np.isnan(get_tool("candle_doji").series(bars)[:10]).all()
    assert get_tool("candle_doji").call(bars[:10]).reason == "needs 11 bars, has 10"
