"""What holds for every tool that estimates for the newest bar, of the groups correlation and regime."""

from dataclasses import replace

import numpy as np
import pytest

from contracts.market import Bars
from contracts.ticks import Beside
from tests.tools.paired_bars import kept, tied_prices, with_other
from tests.tools.price_paths import closes_only, random_bars, scaled, with_missing
from tools.registry import _TOOLS as TABLE
from tools.registry import Tool, ToolValue, load_tools
from tools.shared_bars import SharedBars

load_tools()
TOOLS = [entry for entry in TABLE.values() if entry.estimate and entry.group in ("correlation", "regime")]
PAIRS = [entry for entry in TOOLS if "other" in entry.inputs]
every_tool = pytest.mark.parametrize("entry", TOOLS, ids=lambda entry: entry.name)
every_pair = pytest.mark.parametrize("entry", PAIRS, ids=lambda entry: entry.name)


def sample(seed: int, n: int = 640) -> tuple[Bars, Bars]:
    """A tied pair whose spread, and so its first price, comes back; volatility doubles for the last part."""
    bars, other = tied_prices(np.random.default_rng(seed), 900, 0.5, 0.8, noise=4e-3)
    stormy = np.arange(900) >= 800
    close = bars.close * np.where(stormy, (bars.close / other.close**0.5) ** 1.5, 1.0)
    return replace(bars, close=close)[900 - n :], other[900 - n :]


def ask(entry: Tool, bars: Bars, other: Bars) -> ToolValue:
    return entry.call(with_other(bars, other))


def needed(entry: Tool) -> int:
    return entry.min_bars(**entry.check())


@every_tool
def test_there_is_a_value_on_600_bars_and_it_reads_no_more_than_it_says(entry: Tool) -> None:
    bars, other = sample(3)
    found = ask(entry, bars, other)
    assert found.value is not None, found.reason
    assert np.isfinite(found.value)
    assert found.n_obs == needed(entry) <= 600
    newest = bars[len(bars) - found.n_obs :]
    assert ask(entry, newest, other).value == pytest.approx(found.value, rel=1e-9)


@every_tool
def test_a_bar_too_few_has_a_reason(entry: Tool) -> None:
    bars, other = sample(4, needed(entry) - 1)
    found = ask(entry, bars, other)
    assert found == ToolValue(None, len(bars), f"needs {needed(entry)} bars, has {len(bars)}")


@every_tool
@pytest.mark.parametrize("price", [np.nan, 0.0])
def test_a_close_without_a_logarithm_has_a_reason_and_leaves_the_window_in_time(
    entry: Tool, price: float
) -> None:
    bars, other = sample(5)
    found = ask(entry, with_missing(bars, "close", len(bars) - 20, price), other)
    assert found.value is None
    assert found.reason
    assert "close" in found.reason or "price" in found.reason
    older = with_missing(bars, "close", len(bars) - needed(entry) - 1, price)
    assert ask(entry, older, other) == ask(entry, bars, other)


@every_tool
@pytest.mark.parametrize("factor", [1e-3, 7.0])
def test_the_unit_of_price_changes_nothing(entry: Tool, factor: float) -> None:
    bars, other = sample(6)
    plain, moved = ask(entry, bars, other), ask(entry, scaled(bars, factor), scaled(other, 1 / factor))
    assert moved.value == pytest.approx(plain.value, rel=1e-5, abs=1e-7)


@every_tool
def test_the_same_bars_give_the_same_answer_and_are_left_as_they_were(entry: Tool) -> None:
    bars, other = sample(7)
    for each in (bars, other):
        each.close.flags.writeable = False
    assert ask(entry, bars, other) == ask(entry, bars, other)


@every_tool
def test_prices_that_stand_still_have_a_reason(entry: Tool) -> None:
    bars, other = sample(8)
    found = ask(entry, replace(bars, close=np.full(len(bars), 1.1)), other)
    assert found.value is None
    assert found.reason
    assert "move" in found.reason


@every_pair
def test_no_second_instrument_is_a_reason(entry: Tool) -> None:
    bars, _ = sample(9)
    for given in (bars, SharedBars.of(bars), SharedBars.of(bars, beside=Beside())):
        assert entry.call(given).reason == "needs bars of a second instrument, not given here"


@every_pair
def test_bars_of_the_second_that_close_later_are_not_read(entry: Tool) -> None:
    bars, other = sample(10)
    changed = replace(other, close=np.r_[other.close[:600], other.close[600:] * 3])
    assert ask(entry, bars[:600], changed) == ask(entry, bars[:600], other[:600])


@every_pair
def test_a_hole_in_the_second_is_left_out_and_too_many_of_them_are_a_reason(entry: Tool) -> None:
    bars, other = sample(11, 900)
    mask = np.arange(900) % 4 != 1
    found = ask(entry, bars, kept(other, mask))
    assert found == ask(entry, kept(bars, mask), kept(other, mask))
    short = needed(entry) - 1
    few = ask(entry, bars, other[900 - short :])
    assert few.reason == f"needs {short + 1} bars in common with the second, has {short}"
    assert few.n_obs == short


@every_pair
def test_a_second_instrument_that_stopped_earlier_is_told(entry: Tool) -> None:
    bars, other = sample(12)
    found = ask(entry, bars, other[: len(other) - 3])
    if entry.name == "spread_zscore":
        assert found.reason == "needs the spread of the newest bar: the newest bar in common is 3 bars old"
    else:
        assert found.warnings[0] == "the newest bar in common is 3 bars old"
        assert found.value == pytest.approx(ask(entry, bars[: len(bars) - 3], other).value)


@every_pair
def test_a_missing_close_of_the_second_is_a_reason(entry: Tool) -> None:
    bars, other = sample(13)
    found = ask(entry, bars, with_missing(other, "close", len(other) - 5))
    count = needed(entry)
    expected = f"needs a close over zero on every bar in common, missing on 1 of {count}"
    assert found == ToolValue(None, count, expected)


@pytest.mark.parametrize(
    "name",
    ["hurst_exponent", "stressed_probability", "pair_correlation", "shrunk_correlation", "beta"],
)
def test_moves_that_differ_in_their_last_digits_alone_have_a_reason(name: str) -> None:
    bars = closes_only([1.1 * 1.0001**i for i in range(640)])
    found = ask(TABLE[name], bars, random_bars(3, 640))
    assert found.value is None
    assert found.reason is not None
    assert "same" in found.reason


@pytest.mark.parametrize("name", ["hurst_exponent", "stressed_probability", "adf_statistic"])
def test_market_that_stood_still_is_told_as_such(name: str) -> None:
    found = TABLE[name].call(closes_only([1.1] * 640))
    assert (found.value, found.reason) == (None, "undefined: no price has moved on these bars")


@pytest.mark.parametrize("path", ["one jump", "a line"])
def test_exponent_that_no_stationary_returns_have_is_a_reason(path: str) -> None:
    jump, line = [1.1] * 590 + [1.2] * 50, [1 + 0.0001 * i for i in range(640)]
    found = TABLE["hurst_exponent"].call(closes_only(jump if path == "one jump" else line))
    assert found.value is None
    assert found.reason is not None
    assert "not stationary" in found.reason
