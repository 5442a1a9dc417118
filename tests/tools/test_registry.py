"""What the registry refuses, what it tells, and what holds for every tool it has."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import InvariantBroken, ToolInputError
from contracts.market import Bars, Float1D
from contracts.ticks import Beside, Quotes, Trades
from tests.tools.price_paths import closes_only, random_bars, scaled, traded_bars, with_missing
from tools import registry
from tools.formulas.catalogue import SETS
from tools.parameters import Bounds, Parameter
from tools.registry import Tool, ToolValue, add_tool, all_tools, estimate, get_tool, groups, tool
from tools.shared_bars import SharedBars, shared
from tools.talib_entries import catalogue
from tools.tool_docs import parsed_doc

TOOLS = [entry for entry in all_tools() if entry.group not in SETS and entry.estimate is None]
"""Those with a series; a tool that estimates has its laws where its model is tested."""
TALIB = frozenset(catalogue())
"""These sum as they run, so that their last digits depend on where the bars begin."""
every_tool = pytest.mark.parametrize("entry", TOOLS, ids=lambda entry: entry.name)
quickly = settings(max_examples=10, deadline=None)
PLENTY = 300
"""More bars than any tool needs with its default settings."""

POWERS: dict[str, tuple[int | None, int]] = {
    "price": (1, 0),
    "price per bar": (1, 0),
    "price squared": (2, 0),
    "price x volume": (1, 1),
    "price per volume": (1, -1),
    "volume": (0, 1),
    "bps per million traded": (-1, -1),
    # An angle on paper: no power of the price.
    "degrees of one price unit a bar": (None, 0),
}
"""How a unit grows with prices and with volumes; every other one with neither."""
LATER = ("no pivot of this level is confirmed on these bars",)
"""Of tools whose first value waits for the market, not for a count of bars."""

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


TICK_DOC = (
    DOC.replace(
        "bars : Bars\n    Closed bars.", "trades : Trades\n    Prints.\nquotes : Quotes\n    Changes."
    )
    .replace("array of shape (n,)", "ToolValue")
    .replace("Newest closes", "Newest trade")
)


def of_ticks(doc: str = TICK_DOC) -> Tool:
    def half_trade(trades: Trades, quotes: Quotes, *, period: Annotated[int, Bounds(1, 9)] = 3) -> ToolValue:
        return ToolValue(float(trades.price[-1]) / 2, period + len(quotes))

    half_trade.__doc__ = doc
    estimate(group="test", unit="price", min_bars=lambda period: period)(half_trade)
    return get_tool("half_trade")


def some_trades(n: int) -> Trades:
    return Trades(np.arange(n), np.full(n, 4.0), np.ones(n), np.ones(n, dtype=np.int64))


def some_quotes(n: int) -> Quotes:
    return Quotes(np.arange(n), *(np.full(n, price) for price in (3.9, 4.1, 1.0, 1.0)))


@pytest.mark.usefixtures("table")
def test_tool_of_trades_and_quotes_reads_what_is_known_beside_the_bars_or_says_what_it_needs() -> None:
    entry, bars = of_ticks(), random_bars(1, 20)
    assert entry.inputs == ("trades", "quotes")
    both = Beside(trades=some_trades(8), quotes=some_quotes(5))
    assert entry.call(SharedBars.of(bars, beside=both)) == ToolValue(2.0, 8)
    few = replace(both, trades=some_trades(2))
    assert entry.call(SharedBars.of(bars, beside=few)) == ToolValue(None, 2, "needs 3 trades, has 2")
    one = SharedBars.of(bars, beside=Beside(trades=some_trades(8)))
    assert entry.call(one).reason == "needs quotes as they changed, not given here"
    assert entry.call(bars).reason == "needs trades and quotes as they changed, not given here"


def test_tool_of_traded_volume_refuses_bars_that_count_changes_of_the_price() -> None:
    entry, bars = get_tool("square_root_impact"), traded_bars(1, 200)
    ticks = SharedBars.of(bars, beside=Beside(is_volume_traded=False))
    assert entry.call(bars).value is not None
    assert entry.call(ticks).value is None
    assert "needs traded volume" in (entry.call(ticks).reason or "")
    assert entry.columns == ("close", "volume")


@pytest.mark.usefixtures("table")
def test_tool_that_reads_what_no_market_gives_stops_the_import() -> None:
    with pytest.raises(InvariantBroken, match="to have arguments among bars, other, trades"):
        add_tool(replace(get_tool("rsi"), name="rumour", inputs=("gossip",)))
    with pytest.raises(InvariantBroken, match="documented"):
        of_ticks(TICK_DOC.replace("quotes : Quotes", "news : News"))


@pytest.mark.parametrize("said", ["NaN policy", "Smallest sample", "Look-ahead", "Cost"])
def test_notes_of_every_tool_of_ours_say_what_it_needs_and_costs(said: str) -> None:
    # TA-Lib's are written from a table, and cost what TA-Lib takes.
    ours = [entry for entry in all_tools() if entry.group not in SETS and entry.name not in TALIB]
    assert len(ours) > 50
    silent = [entry.name for entry in ours if said.lower() not in " ".join(entry.doc.notes.split()).lower()]
    assert silent == []


def test_text_for_models_leaves_out_what_the_desk_gives() -> None:
    assert "trades" not in parsed_doc("half_trade", TICK_DOC).for_models


# -- looking up and checking


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
    found = get_tool(name).call(closes_only([1.1] * PLENTY))
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


# -- sharing


def test_shared_bars_compute_a_kernel_once_for_the_same_arguments() -> None:
    asked = []

    def kernel(bars: Bars, period: int) -> int:
        asked.append(period)
        return len(bars) // period

    bars = random_bars(1, 30)
    kept = SharedBars.of(bars)
    assert [shared(kernel, kept, 3), shared(kernel, kept, 3), shared(kernel, kept, 5)] == [10, 10, 6]
    assert asked == [3, 5]
    assert [shared(kernel, bars, 3), shared(kernel, SharedBars.of(bars), 3)] == [10, 10]
    assert asked == [3, 5, 3, 3]


def test_no_tool_takes_the_values_of_another_or_of_other_parameters() -> None:
    bars = traded_bars(8, PLENTY)
    kept = SharedBars.of(bars)
    asked = [entry.prepare(**params) for entry in TOOLS for params in _settings_of(entry)]
    for _ in range(2):
        for call in asked:
            plain = call.tool.function(bars, **call.params)
            np.testing.assert_array_equal(call.series(kept), plain, strict=True)
            assert call.newest(kept) == call.newest(bars)


def _settings_of(entry: Tool) -> list[dict[str, float]]:
    shorter = {p.name: _another(p) for p in entry.parameters}
    return [{}, *({name: value} for name, value in shorter.items()), shorter]


def _another(parameter: Parameter) -> float:
    if parameter.kind is float:
        return (parameter.default + parameter.bounds.low) / 2 or 0.01
    return parameter.default - 1 if parameter.default > parameter.bounds.low else parameter.default + 1


def test_kept_values_cannot_be_written_over() -> None:
    kept = SharedBars.of(random_bars(1, 60))
    for name in ("rsi", "macd_signal", "macd_histogram", "bollinger_upper"):
        values = get_tool(name).series(kept)
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1.0


# -- what holds for every tool


@every_tool
@quickly
@given(st.integers(0, 2**32 - 1), st.integers(0, PLENTY), st.sampled_from([0.0, 0.3, 0.9]))
def test_series_has_one_value_a_bar_and_none_infinite(entry: Tool, seed: int, n: int, still: float) -> None:
    values = entry.series(traded_bars(seed, n, still))
    assert values.shape == (n,)
    assert values.dtype == np.float64
    assert not np.isinf(values).any()


@every_tool
@quickly
@given(st.integers(0, 2**32 - 1), st.integers(1, PLENTY))
def test_changed_future_leaves_every_earlier_value_as_it_was(entry: Tool, seed: int, known: int) -> None:
    bars, other = traded_bars(seed, PLENTY, 0.2), traded_bars(seed + 1, PLENTY, level=7.0)
    columns = ("open", "high", "low", "close", "volume")
    changed = replace(
        bars, **{name: np.r_[getattr(bars, name)[:known], getattr(other, name)[known:]] for name in columns}
    )
    before = entry.series(bars)[:known]
    np.testing.assert_array_equal(entry.series(changed)[:known], before)
    np.testing.assert_allclose(entry.series(bars[:known]), before, rtol=1e-12, atol=0)


@every_tool
@quickly
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e5))
def test_scaled_prices_and_volumes_scale_the_units_that_name_them_and_nothing_else(
    entry: Tool, seed: int, factor: float
) -> None:
    bars = traded_bars(seed, PLENTY, 0.1)
    of_price, of_volume = POWERS.get(entry.unit, (0, 0))
    if of_price is not None:
        _assert_alike(entry.series(scaled(bars, factor)), entry.series(bars) * factor**of_price)
    busier = replace(bars, volume=bars.volume * factor)
    _assert_alike(entry.series(busier), entry.series(bars) * factor**of_volume)


def _assert_alike(found: Float1D, expected: Float1D) -> None:
    # Differences of averages lose digits near zero: the size to compare with is the series' own.
    size = float(np.nanmax(np.abs(expected), initial=0.0))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * size)


@every_tool
def test_short_sample_has_a_reason_and_one_bar_more_a_value(entry: Tool) -> None:
    needed = entry.min_bars(**entry.check())
    for n in range(needed):
        found = entry.call(traded_bars(5, n))
        assert found == ToolValue(None, n, f"needs {needed} bars, has {n}")
        assert np.isnan(entry.series(traded_bars(5, n))).all()
    bars = traded_bars(5, PLENTY)
    first = np.flatnonzero(np.isfinite(entry.series(bars)))[0]
    if entry.undefined in LATER:
        assert first >= needed - 1
        assert entry.call(bars[:first]).reason == entry.undefined
    else:
        assert first == needed - 1
        assert entry.call(traded_bars(5, needed)).value is not None


@every_tool
@quickly
@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, PLENTY - 1),
    st.sampled_from([np.nan, np.inf, -np.inf]),
    st.data(),
)
def test_missing_price_is_never_read_over(
    entry: Tool, seed: int, index: int, missing: float, data: st.DataObject
) -> None:
    column = data.draw(st.sampled_from(entry.columns))
    bars = with_missing(traded_bars(seed, PLENTY), column, index, missing)
    values = entry.series(bars)
    covered = PLENTY if entry.settled_bars else entry.min_bars(**entry.check()) - 1
    assert np.isnan(values[index : index + covered]).all()
    if PLENTY - index < covered:
        found = entry.call(bars)
        assert found.value is None
        assert found.reason is not None
        assert column in found.reason


@every_tool
def test_windowed_tool_forgets_a_missing_price(entry: Tool) -> None:
    bars = traded_bars(4, PLENTY)
    gapped = with_missing(bars, entry.columns[-1], 20)
    if entry.settled_bars:
        assert np.isnan(entry.series(gapped)[20:]).all()
    else:
        beyond = 20 + entry.min_bars(**entry.check())
        found, expected = entry.series(gapped)[beyond:], entry.series(bars)[beyond:]
        if entry.name in TALIB:
            _assert_alike(found, expected)
        else:
            np.testing.assert_array_equal(found, expected)


@every_tool
@quickly
@given(st.integers(0, 2**32 - 1), st.integers(1, PLENTY), st.sampled_from([0.0, 0.5]))
def test_call_is_the_end_of_the_series(entry: Tool, seed: int, n: int, still: float) -> None:
    bars = traded_bars(seed, n, still)
    found, last = entry.call(bars), entry.series(bars)[-1]
    assert (found.value is None) == bool(np.isnan(last))
    assert (found.value is None) == (found.reason is not None)
    if found.value is not None:
        size = float(np.nanmax(np.abs(entry.series(bars))))
        assert found.value == pytest.approx(last, rel=1e-12, abs=1e-9 * size * (entry.name in TALIB))


@every_tool
def test_tool_leaves_the_bars_as_they_were(entry: Tool) -> None:
    bars = traded_bars(6, PLENTY)
    frozen = replace(bars, **{name: getattr(bars, name).copy() for name in entry.columns})
    for name in entry.columns:
        getattr(frozen, name).flags.writeable = False
    entry.series(frozen)
    for name in entry.columns:
        np.testing.assert_array_equal(getattr(frozen, name), getattr(bars, name))


@every_tool
def test_every_other_bar_of_a_longer_history_reads_like_its_copy(entry: Tool) -> None:
    strided = traded_bars(7, 2 * PLENTY)[::2]
    copied = replace(strided, **{name: getattr(strided, name).copy() for name in entry.columns})
    np.testing.assert_array_equal(entry.series(strided), entry.series(copied))


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
