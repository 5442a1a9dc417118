"""Equity and drawdown: what is drawn of a curve, and what is said where there is none."""

from datetime import UTC, datetime, timedelta

import pytest
from textual.app import App, ComposeResult

from tests.tui.still_watch import still_curve
from tui.door import Curve
from tui.equity_chart import DrawdownArea, EquityChart, EquityLine

START = datetime(2017, 1, 2, tzinfo=UTC)


class ChartApp(App[None]):
    CSS = "EquityChart { height: 100%; border-top: solid red; } EquityLine, DrawdownArea { height: 1fr; }"

    def compose(self) -> ComposeResult:
        yield EquityChart()

    def lines(self, kind: type[EquityLine | DrawdownArea]) -> list[str]:
        region = self.query_one(kind).region
        strips = self.screen._compositor.render_strips()[region.y : region.bottom]
        return [strip.text for strip in strips]


def curve(*equity: float, drawdown: tuple[float, ...] | None = None, hours: int = 24) -> Curve:
    return Curve(
        currency="USD",
        times=tuple(START + timedelta(hours=hours * i) for i in range(len(equity))),
        equity=equity,
        drawdown_pct=drawdown or (0.0,) * len(equity),
    )


async def test_nothing_and_one_point_are_said_in_words() -> None:
    app = ChartApp()
    async with app.run_test(size=(80, 20)) as pilot:
        chart = app.query_one(EquityChart)
        chart.show(Curve())
        await pilot.pause()
        assert "no equity on record yet" in [
            strip.text.strip() for strip in app.screen._compositor.render_strips()
        ]
        chart.show(curve(100_000))
        await pilot.pause()
        lines = " ".join(strip.text for strip in app.screen._compositor.render_strips())
        assert "one point so far: 100,000.00 USD at 2017-01-02 00:00 UTC" in lines
        chart.show(curve(100_000, 100_500))
        await pilot.pause()
        assert "100,500" in "".join(app.lines(EquityLine))
        chart.show(Curve())
        await pilot.pause()
        assert not app.query_one(EquityLine).display


async def test_two_points_at_one_moment_are_one_point() -> None:
    app = ChartApp()
    async with app.run_test(size=(80, 20)) as pilot:
        app.query_one(EquityChart).show(curve(1, 2, hours=0))
        await pilot.pause()
        assert not app.query_one(EquityLine).display


@pytest.mark.parametrize("size", [(52, 14), (80, 24), (120, 30)], ids=str)
async def test_money_has_thousands_and_the_dates_both_ends_and_the_worst_point_its_name(
    size: tuple[int, int],
) -> None:
    shown_curve = still_curve()
    app = ChartApp()
    async with app.run_test(size=size) as pilot:
        app.query_one(EquityChart).show(shown_curve)
        await pilot.pause()
        money, fallen = app.lines(EquityLine), app.lines(DrawdownArea)
        title = app.query_one(EquityChart).border_title
    assert money[0].rstrip().endswith(f"{max(shown_curve.equity):,.0f}")
    assert money[-2].rstrip().endswith(f"{min(shown_curve.equity):,.0f}")
    assert "0 %" in fallen[0]
    worst = max(shown_curve.drawdown_pct)
    at = shown_curve.times[shown_curve.drawdown_pct.index(worst)]
    assert f"worst {worst:,.2f} %, {at.day} {at:%b}" in fallen[-3]
    assert fallen[-1].split()[:2] == ["26", "Sep"]
    assert fallen[-1].split()[-2:] == ["04", "Jan"]
    assert title == "Equity, 26 Sep 2016 to 4 Jan 2017"
    # Both scales stand at the same column, so that a moment stands under itself.
    assert money[0].index("├") == fallen[0].index("├")


async def test_the_area_is_as_deep_as_the_fall_at_its_moment_and_fills_downwards() -> None:
    app = ChartApp()
    depths = (0.0, 1.0, 2.0, 4.0, 0.0, 0.0)
    async with app.run_test(size=(80, 25)) as pilot:
        app.query_one(EquityChart).show(curve(100, 99, 98, 96, 100, 100, drawdown=depths))
        await pilot.pause()
        lines = app.lines(DrawdownArea)
    canvas, n_columns = lines[:-2], lines[0].index("├")
    found = []
    for day in range(5):
        middle = int((n_columns - 1) * (day + 0.5) / 5)
        column = "".join(line[middle] for line in canvas)
        found.append(column.count("█") + 0.5 * column.count("▀"))
    assert found[0] == 0
    assert found[1] == pytest.approx(len(canvas) / 4, abs=0.5)
    assert found[2] == pytest.approx(len(canvas) / 2, abs=0.5)
    assert found[3] >= len(canvas) - 1
    assert found[4] == 0


async def test_a_curve_that_never_fell_says_so() -> None:
    app = ChartApp()
    async with app.run_test(size=(80, 20)) as pilot:
        app.query_one(EquityChart).show(curve(100, 101, 102))
        await pilot.pause()
        assert "never under its peak" in "".join(app.lines(DrawdownArea))


async def test_a_curve_that_never_moved_and_a_tiny_screen_are_drawn_without_a_word() -> None:
    app = ChartApp()
    async with app.run_test(size=(80, 20)) as pilot:
        app.query_one(EquityChart).show(curve(100_000, 100_000))
        await pilot.pause()
        assert "100,001.00" in "".join(app.lines(EquityLine))
        for size in ((10, 5), (2, 2), (80, 20)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert "100,001.00" in "".join(app.lines(EquityLine))


async def test_hours_are_named_where_the_curve_is_short() -> None:
    app = ChartApp()
    async with app.run_test(size=(80, 20)) as pilot:
        app.query_one(EquityChart).show(curve(100, 101, 102, hours=1))
        await pilot.pause()
        assert "02 Jan 00:00" in app.lines(DrawdownArea)[-1]
        assert "02 Jan 02:00" in app.lines(DrawdownArea)[-1]
