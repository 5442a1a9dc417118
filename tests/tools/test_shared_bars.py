"""What bars carry: values that are computed once, and trades, quotes and a book beside them."""

from dataclasses import replace
from typing import Annotated

import numpy as np
import pytest

from contracts.errors import InvariantBroken
from contracts.market import Bars
from contracts.ticks import Beside, Quotes, Trades
from tests.tools.price_paths import random_bars, traded_bars
from tests.tools.test_bar_tools import PLENTY, TOOLS
from tests.tools.test_registry import DOC
from tests.tools.test_registry import table as table
from tools.parameters import Bounds, Parameter
from tools.registry import Tool, ToolValue, add_tool, estimate, get_tool
from tools.shared_bars import SharedBars, shared
from tools.tool_docs import parsed_doc


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


def test_kept_values_cannot_be_written_over() -> None:
    kept = SharedBars.of(random_bars(1, 60))
    for name in ("rsi", "macd_signal", "macd_histogram", "bollinger_upper"):
        values = get_tool(name).series(kept)
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1.0


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


# -- what stands beside the bars

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


def test_text_for_models_leaves_out_what_the_desk_gives() -> None:
    assert "trades" not in parsed_doc("half_trade", TICK_DOC).for_models


# -- looking up and checking
