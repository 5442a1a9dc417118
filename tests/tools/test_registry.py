"""What the registry refuses, and what it tells."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import pytest

from contracts.errors import InvariantBroken, ToolInputError
from contracts.market import Bars, Float1D
from tests.tools.price_paths import closes_only, random_bars, with_missing
from tools import registry
from tools.formulas.catalogue import SETS
from tools.parameters import Bounds, Parameter
from tools.registry import Tool, ToolValue, add_tool, all_tools, estimate, get_tool, groups, tool
from tools.shared_bars import SharedBars
from tools.talib_entries import catalogue

DOC = """Newest closes, halved.

Use it in a test.

Parameters
----------
bars : Bars
    Closed bars.
period : int
    Unused.

Returns
-------
array of shape (n,)
    Half the close.

Notes
-----
close / 2.

References
----------
Nobody (2000).
"""


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registrations of one test leave the real table alone."""
    monkeypatch.setattr(registry, "_TOOLS", dict(registry._TOOLS))


def halved(doc: str = DOC, name: str = "halved") -> Callable[..., Float1D]:
    def function(bars: Bars, *, period: Annotated[int, Bounds(1, 9)] = 3) -> Float1D:
        return bars.close / (2 if period else 1)

    function.__doc__, function.__name__ = doc, name
    return function


def register(function: Callable[..., Float1D], **changes: object) -> Tool:
    settings: dict[str, object] = {
        "group": "test",
        "unit": "price",
        "reads": ("close",),
        "min_bars": lambda period: period,
    }
    tool(**(settings | changes))(function)  # type: ignore[arg-type]
    return get_tool(function.__name__)


# -- registration


@pytest.mark.usefixtures("table")
def test_registered_function_stays_callable_and_is_found_by_name() -> None:
    function = halved()
    assert register(function).function is function
    assert get_tool("halved").summary == "Newest closes, halved."


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("cut", "named"),
    [
        (DOC, "summary"),
        ("Newest closes, halved.\n\nUse it in a test.\n\n", "summary"),
        ("Use it in a test.\n\n", "when to use it"),
        ("Returns\n-------\narray of shape (n,)\n    Half the close.\n", "Returns"),
        ("Notes\n-----\nclose / 2.\n", "Notes"),
        ("References\n----------\nNobody (2000).\n", "References"),
        ("Nobody (2000).\n", "References"),
        ("period : int\n    Unused.\n", "period"),
        ("bars : Bars\n    Closed bars.\n", "bars"),
    ],
)
def test_docstring_without_a_part_stops_the_import(cut: str, named: str) -> None:
    assert cut in DOC
    with pytest.raises(InvariantBroken, match=named):
        register(halved(DOC.replace(cut, "")))


@pytest.mark.usefixtures("table")
def test_documented_parameter_that_does_not_exist_stops_the_import() -> None:
    with pytest.raises(InvariantBroken, match="length"):
        register(halved(DOC.replace("period : int", "period : int\n    Unused.\nlength : int")))


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("changes", [{"unit": ""}, {"group": ""}, {"reads": ()}])
def test_empty_unit_group_or_columns_stop_the_import(changes: dict[str, object]) -> None:
    with pytest.raises(InvariantBroken, match="a group, a unit and the columns"):
        register(halved(), **changes)


@pytest.mark.usefixtures("table")
def test_second_tool_of_a_name_stops_the_import() -> None:
    with pytest.raises(InvariantBroken, match="a name of its own"):
        register(halved(name="rsi"))


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("fault", ["no bounds", "default out of bounds", "default of the wrong kind", "text"])
def test_parameter_that_cannot_be_checked_stops_the_import(fault: str) -> None:
    def no_bounds(bars: Bars, *, period: int = 3) -> Float1D:
        return bars.close * period

    def out_of_bounds(bars: Bars, *, period: Annotated[int, Bounds(4, 9)] = 3) -> Float1D:
        return bars.close * period

    def wrong_kind(bars: Bars, *, period: Annotated[float, Bounds(1, 9)] = 3) -> Float1D:
        return bars.close * period

    def text(bars: Bars, *, period: Annotated[str, Bounds(1, 9)] = "3") -> Float1D:
        return bars.close * len(period)

    functions: dict[str, Callable[..., Float1D]] = {
        "no bounds": no_bounds,
        "default out of bounds": out_of_bounds,
        "default of the wrong kind": wrong_kind,
        "text": text,
    }
    function = functions[fault]
    function.__doc__ = DOC
    with pytest.raises(InvariantBroken, match="period"):
        register(function)


@pytest.mark.usefixtures("table")
def test_tool_whose_result_is_not_aligned_with_the_bars_halts() -> None:
    function = halved()
    broken = replace(register(function), function=lambda bars, period: bars.close[period:])
    with pytest.raises(InvariantBroken, match="expected 20 values"):
        broken.series(random_bars(1, 20))


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": "rsi"}, "a name of its own"),
        ({"unit": ""}, "a group, a unit and the columns"),
        (
            {"parameters": (Parameter("period", int, 1, Bounds(2, 9), "Unused."),)},
            "a default of period within its bounds",
        ),
    ],
)
def test_tool_from_a_table_is_refused_for_the_same_reasons(changes: dict[str, Any], named: str) -> None:
    entry = replace(get_tool("ema"), name="halved")
    with pytest.raises(InvariantBroken, match=named):
        add_tool(replace(entry, **changes))
    add_tool(entry)
    assert get_tool("halved") is entry


# -- tools that estimate


def estimated(answer: ToolValue) -> Tool:
    def function(bars: Bars, *, period: Annotated[int, Bounds(1, 9)] = 3) -> ToolValue:
        return answer

    function.__doc__, function.__name__ = DOC, "estimated"
    registered = estimate(
        group="test",
        unit="price",
        reads=("close",),
        min_bars=lambda period: period,
        undefined="undefined: for a test",
    )(function)
    assert registered is function
    return get_tool("estimated")


@pytest.mark.usefixtures("table")
def test_estimate_answers_for_the_newest_bar_and_has_no_series() -> None:
    answer = ToolValue(2.0, 7, None, ("far off",))
    entry, bars = estimated(answer), random_bars(1, 20)
    assert entry.call(bars) == entry.call(SharedBars.of(bars)) == answer
    assert entry.call(bars[:2]) == ToolValue(None, 2, "needs 3 bars, has 2")
    with pytest.raises(ToolInputError, match="ask for its newest value"):
        entry.series(bars)
    with pytest.raises(ToolInputError, match="period of estimated"):
        entry.call(bars, period=10)


@pytest.mark.usefixtures("table")
def test_estimate_without_value_or_reason_missed_a_column_it_read_or_is_undefined() -> None:
    entry, bars = estimated(ToolValue(None, 7)), random_bars(1, 20)
    assert entry.call(bars).reason == "undefined: for a test"
    gapped = with_missing(bars, "close", 15)
    assert entry.call(gapped).reason == "needs close on every bar, missing on 1 of 7"
    assert entry.call(with_missing(bars, "close", 5)).reason == "undefined: for a test"


@pytest.mark.parametrize("said", ["NaN policy", "Smallest sample", "Look-ahead", "Cost"])
def test_notes_of_every_tool_of_ours_say_what_it_needs_and_costs(said: str) -> None:
    # TA-Lib's are written from a table, and cost what TA-Lib takes.
    ours = [entry for entry in all_tools() if entry.group not in SETS and entry.name not in catalogue()]
    assert len(ours) > 50
    silent = [entry.name for entry in ours if said.lower() not in " ".join(entry.doc.notes.split()).lower()]
    assert silent == []


def test_unknown_tool_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(ToolInputError, match=r"nearest: .*macd_signal"):
        get_tool("macd_signl")


def test_groups_hold_every_tool_once() -> None:
    listed = [entry for entries in groups().values() for entry in entries]
    assert sorted(entry.name for entry in listed) == [entry.name for entry in all_tools()]
    assert set(groups()) >= {"momentum", "trend", "volatility", *SETS}


def test_unknown_parameter_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ToolInputError, match="nearest: period") as caught:
        get_tool("rsi").call(random_bars(1, 30), perod=14)
    assert caught.value.fields == {"parameter": "perod"}


@pytest.mark.parametrize("value", [1, 0, -14, 1001, 14.0, 14.5, True, "14", None, float("nan"), float("inf")])
def test_value_that_is_no_whole_number_in_bounds_is_refused(value: object) -> None:
    with pytest.raises(ToolInputError, match=r"period of rsi to be a whole number from 2 to 1000, found"):
        get_tool("rsi").check(period=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0.0, 0.05, 10.5, True, "2", float("nan"), float("inf")])
def test_value_that_is_no_number_in_bounds_is_refused(value: object) -> None:
    with pytest.raises(ToolInputError, match=r"deviations of percent_b to be a number from 0.1 to 10, found"):
        get_tool("percent_b").check(deviations=value)  # type: ignore[arg-type]


def test_checked_parameters_keep_their_kind_and_fill_the_defaults() -> None:
    chosen = get_tool("percent_b").check(deviations=2)
    assert chosen == {"period": 20, "deviations": 2.0}
    assert [type(value) for value in chosen.values()] == [int, float]


@pytest.mark.parametrize("name", ["macd_line", "macd_signal", "macd_histogram"])
@pytest.mark.parametrize("fast", [26, 27])
def test_fast_average_not_under_the_slow_one_is_refused_everywhere(name: str, fast: int) -> None:
    entry, bars = get_tool(name), random_bars(1, 60)
    for attempt in (
        lambda: entry.check(fast=fast),
        lambda: entry.series(bars, fast=fast),
        lambda: entry.call(bars, fast=fast),
        lambda: entry.function(bars, fast=fast),
    ):
        with pytest.raises(ToolInputError, match="fast under slow"):
            attempt()


def test_text_for_models_has_use_and_parameters_without_bars_notes_or_references() -> None:
    text = get_tool("rsi").doc.for_models
    assert "share of recent closing moves" in text
    assert "over 70 overbought" in " ".join(text.split())
    assert "period : int Length of Wilder's average in bars" in text
    assert "bars : Bars" not in text
    assert "New Concepts" not in text
    assert "U and D are" not in text


# -- calling


def test_value_comes_with_the_bars_it_read() -> None:
    bars = random_bars(3, 200)
    recursive, windowed = get_tool("rsi").call(bars), get_tool("realized_volatility").call(bars)
    assert (recursive.n_obs, windowed.n_obs) == (200, 21)
    assert recursive.reason is windowed.reason is None


def test_missing_column_is_the_reason() -> None:
    bars = random_bars(3, 40)
    without = replace(bars, high=np.full(40, np.nan))
    assert get_tool("atr").call(without).reason == "needs high, which these bars do not have"


def test_gap_in_a_column_is_the_reason_with_how_many() -> None:
    bars = with_missing(random_bars(3, 40), "close", 10)
    found = get_tool("rsi").call(bars)
    assert found == ToolValue(None, 40, "needs close on every bar, missing on 1 of 40", found.warnings)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("rsi", "undefined: no price has moved on these bars"),
        ("adx", "undefined: no price has moved on these bars"),
        ("percent_b", "undefined: the bands have no width, every close in the window is the same"),
    ],
)
def test_still_market_has_no_value_and_says_why(name: str, reason: str) -> None:
    found = get_tool(name).call(closes_only([1.1] * 300))
    assert (found.value, found.reason) == (None, reason)


def test_price_under_zero_has_no_volatility_and_says_why() -> None:
    found = get_tool("realized_volatility").call(closes_only(np.linspace(5.0, -5.0, 40)))
    assert found == ToolValue(None, 21, "undefined: a price at or under zero, or one outside its bar's range")


@pytest.mark.parametrize(("name", "settled"), [("rsi", 78), ("ema", 67), ("adx", 121), ("macd_line", 86)])
def test_short_history_of_a_recursive_average_is_warned_of(name: str, settled: int) -> None:
    warned, sound = (get_tool(name).call(random_bars(3, n)) for n in (settled - 1, settled))
    assert warned.warnings == (
        f"has {settled - 1} bars; under {settled} where they begin still counts for over 1 % of the value",
    )
    assert sound.warnings == ()
    assert warned.value is not None


@pytest.mark.slow
def test_registry_alone_loads_no_heavy_library() -> None:
    code = (
        "import sys, tools.registry\n"
        "heavy = {'talib', 'pandas', 'polars', 'scipy', 'tools.indicators'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "tools.registry.get_tool('rsi')\n"
        "assert 'talib' in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
