"""Candles: direction by shape, one column a bar, levels by name, at every size and in every theme."""

from datetime import UTC, datetime, timedelta

import pytest
from textual.app import App, ComposeResult
from textual.color import Color

from contracts.market import Side
from tests.tui.still_door import NOW
from tests.tui.still_watch import wavy_candles
from tui.candle_chart import CandleChart
from tui.door import Candles, Question
from tui.theme import THEMES


class ChartApp(App[None]):
    def __init__(self, candles: Candles | None, question: Question | None = None) -> None:
        super().__init__()
        self._candles, self._question = candles, question
        for theme in THEMES:
            self.register_theme(theme)

    def compose(self) -> ComposeResult:
        yield CandleChart()

    def on_mount(self) -> None:
        self.query_one(CandleChart).show(self._candles, self._question)

    @property
    def lines(self) -> list[str]:
        return [strip.text for strip in self.screen._compositor.render_strips()]


def bars(*ohlc: tuple[float, float, float, float]) -> Candles:
    opened, high, low, closed = zip(*ohlc, strict=True)
    return Candles(
        label="EURUSD 1h, bid",
        times=tuple(datetime(2017, 1, 4, tzinfo=UTC) + timedelta(hours=i) for i in range(len(ohlc))),
        open=opened,
        high=high,
        low=low,
        close=closed,
    )


def question(entry: float, stop: float | None, target: float | None) -> Question:
    return Question(
        cycle_id="a" * 64,
        request_id="b" * 64,
        round=1,
        title="SELL",
        facts=(),
        ballots=(),
        evidence=(),
        checks=(),
        side=Side.SELL,
        quantity=1,
        entry=entry,
        stop=stop,
        target=target,
        until=NOW,
        asked_anew=None,
        state="open",
        came_of_it="",
    )


def column(lines: list[str], at: int) -> str:
    """What stands in one column of the canvas, from the top down."""
    return "".join(line[at] for line in lines[:-2])


async def test_rising_bars_are_hollow_falling_ones_solid_and_flat_ones_a_cross() -> None:
    candles = bars((1.0, 5.0, 0.0, 4.0), (4.0, 5.0, 0.0, 1.0), (2.0, 5.0, 0.0, 2.0))
    app = ChartApp(candles)
    # Eight rows: a scale of six from 0 to 5, then the axis and the moments.
    async with app.run_test(size=(30, 8)) as pilot:
        await pilot.pause()
        axis = app.lines[0].index("├")
        assert column(app.lines, axis - 3) == "│▒▒▒▒│"
        assert column(app.lines, axis - 2) == "│████│"
        assert column(app.lines, axis - 1) == "│││┼││"


async def test_a_chart_with_room_leaves_a_column_between_bars() -> None:
    app = ChartApp(bars(*[(1.0, 5.0, 0.0, 4.0)] * 30))
    async with app.run_test(size=(80, 8)) as pilot:
        await pilot.pause()
        (row,) = [line for line in app.lines if line.count("▒") == 30 and "├" in line][:1]
        assert row[: row.index("├")].strip() == " ".join("▒" * 30)


async def test_the_newest_bars_are_shown_where_there_is_no_room_for_all() -> None:
    candles = bars(*[(1.0, 5.0, 0.0, 4.0)] * 50, (4.0, 5.0, 0.0, 1.0))
    app = ChartApp(candles)
    async with app.run_test(size=(30, 8)) as pilot:
        await pilot.pause()
        (row,) = [line for line in app.lines if "█" in line and "├" in line][:1]
        canvas = row[: row.index("├")]
        assert canvas == "▒" * (len(canvas) - 1) + "█"


@pytest.mark.parametrize("size", [(120, 12), (80, 24), (40, 9), (20, 6)], ids=str)
async def test_the_scale_names_the_highest_and_the_lowest_price(size: tuple[int, int]) -> None:
    candles = wavy_candles(10)
    app = ChartApp(candles)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert app.lines[0].rstrip().endswith(f"{max(candles.high):.5f}")
        assert app.lines[-3].rstrip().endswith(f"{min(candles.low):.5f}")


@pytest.mark.parametrize(("width", "words"), [(100, "stop 1.04700"), (40, "stop ")], ids=str)
async def test_every_level_has_its_name_at_its_line(width: int, words: str) -> None:
    app = ChartApp(wavy_candles(), question(1.044, 1.047, 1.041))
    async with app.run_test(size=(width, 20)) as pilot:
        await pilot.pause()
        (line,) = [each for each in app.lines if each.startswith(words)]
        assert "╌" in line
        assert [each[:4] for each in app.lines if each[0] in "est"] == ["stop", "entr", "targ"]


async def test_levels_on_one_row_are_named_side_by_side() -> None:
    app = ChartApp(wavy_candles(), question(1.0438, 1.0440, None))
    async with app.run_test(size=(100, 8)) as pilot:
        await pilot.pause()
        assert any("entry 1.04380, stop 1.04400" in line for line in app.lines)


async def test_no_bars_are_said_in_words_and_the_title_names_shape_and_last_price() -> None:
    chart = CandleChart()
    chart.show(None)
    assert chart.border_title == "no bars on record"
    chart.show(bars((1.0, 5.0, 0.0, 1.04371)))
    assert chart.border_title == "EURUSD 1h, bid  ·  ▒ up  █ down  ·  last 1.04371"


async def test_it_is_drawn_anew_when_the_terminal_changes_its_size() -> None:
    app = ChartApp(wavy_candles())
    async with app.run_test(size=(120, 12)) as pilot:
        await pilot.pause()
        wide = app.lines
        await pilot.resize_terminal(50, 10)
        await pilot.pause()
        assert len(app.lines) == 10
        assert app.lines[0].rstrip().endswith(f"{max(wavy_candles().high):.5f}")
        await pilot.resize_terminal(3, 2)
        await pilot.pause()
        await pilot.resize_terminal(120, 12)
        await pilot.pause()
        assert app.lines == wide


@pytest.mark.parametrize("theme", ["textual-light", "dualbrain-light", "dualbrain", "ansi-light"])
async def test_the_canvas_takes_the_colours_of_the_theme(theme: str) -> None:
    app = ChartApp(wavy_candles())
    async with app.run_test(size=(80, 12)) as pilot:
        app.theme = theme
        await pilot.pause(0.2)
        segments = [each for strip in app.screen._compositor.render_strips() for each in strip if each.style]
        papers = {each.style.bgcolor for each in segments if each.style}
        inks = {each.style.color for each in segments if each.style and "▒" in each.text}
        colours = [Color.parse(app.theme_variables[name]).rich_color for name in ("background", "success")]
    assert papers == {colours[0]}
    assert {ink and (ink.triplet, ink.number) for ink in inks} == {(colours[1].triplet, colours[1].number)}


async def test_the_scale_is_of_the_bars_that_are_seen() -> None:
    app = ChartApp(bars((90.0, 99.0, 80.0, 90.0), *[(1.0, 5.0, 0.0, 4.0)] * 60))
    async with app.run_test(size=(30, 8)) as pilot:
        await pilot.pause()
        assert app.lines[0].rstrip().endswith(" 5")
