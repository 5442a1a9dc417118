"""Equity over time, and under it how far it stood below its peak."""

from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from tui.chart import Chart, named_rows
from tui.door import Curve

_BETWEEN_DATES = 8
"""Columns; Plotext leaves out a date that stands closer to another."""
_CENTS_UNDER = 20
"""A span of money that is shown with cents."""


class EquityChart(Vertical, can_focus=True):
    """Renders one curve."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._shown: Curve | None = None

    def compose(self) -> ComposeResult:
        yield Static("", markup=False, classes="nothing")
        yield EquityLine()
        yield DrawdownArea()

    def on_mount(self) -> None:
        self.border_title = "Equity"

    def show(self, curve: Curve) -> None:
        """Draw anew where it is another one."""
        if curve == self._shown:
            return
        self._shown = curve
        is_drawn = len(set(curve.times)) > 1
        words = self.query_one(Static)
        words.update(_too_few(curve))
        words.display = not is_drawn
        self.set_class(not is_drawn, "empty")
        for chart in self.query(Chart).results(_CurveChart):
            chart.display = is_drawn
            chart.show(curve)
        self.border_title = f"Equity, {_span(curve.times[0], curve.times[-1])}" if is_drawn else "Equity"


class _CurveChart(Chart):
    """One of two charts with the same times and a scale of the same width."""

    def __init__(self) -> None:
        super().__init__()
        self._curve = Curve()

    def show(self, curve: Curve) -> None:
        self._curve = curve
        self.refresh()

    def _columns(self, width: int) -> int:
        money = (f"{min(self._curve.equity):,.2f}", f"{max(self._curve.equity):,.2f}")
        return width - 2 - max(map(len, money))

    def _column_of(self, at: datetime, n_columns: int) -> int:
        first, last = self._curve.times[0], self._curve.times[-1]
        return int(0.5 + (n_columns - 1) * ((at - first) / (last - first)))


class EquityLine(_CurveChart):
    """Money over time, as a fine line."""

    def draw(self, width: int, height: int) -> None:
        if not self._curve.times or (n_columns := self._columns(width)) < 1:
            return
        low, high = min(self._curve.equity), max(self._curve.equity)
        if low == high:
            low, high = low - 1, high + 1
        n_rows, decimals = height - 1, 2 if high - low < _CENTS_UNDER else 0
        step = (high - low) / (n_rows - 1)
        names = [f" {low + step * row:,.{decimals}f}" for row in named_rows(n_rows)]
        self.scale(
            (n_columns, n_rows),
            zip(named_rows(n_rows), [n.ljust(width - 1 - n_columns) for n in names], strict=True),
        )
        self.plt.xticks([], [])
        first, last = self._curve.times[0], self._curve.times[-1]
        columns = [(n_columns - 1) * ((at - first) / (last - first)) for at in self._curve.times]
        rows = [(each - low) / step for each in self._curve.equity]
        self.plt.plot(columns, rows, marker="braille", color=self.colour("primary"), yside="right")


class DrawdownArea(_CurveChart):
    """Percent under the peak, filled downwards, with the dates under both charts."""

    def draw(self, width: int, height: int) -> None:
        if not self._curve.times or (n_columns := self._columns(width)) < 1:
            return
        n_rows, worst = height - 2, max(self._curve.drawdown_pct)
        names = {0: f" -{worst:,.2f} %", n_rows - 1: " 0 %"} if worst else {n_rows - 1: " 0 %"}
        self.scale((n_columns, n_rows), [(r, n.ljust(width - 1 - n_columns)) for r, n in names.items()])
        self._name_dates(n_columns)
        if not worst:
            self.words("never under its peak", 0, n_rows - 1)
            return
        depths = [depth / worst * n_rows for depth in self._depths(n_columns)]
        top = n_rows - 1
        full = [(x, top - k) for x, depth in enumerate(depths) for k in range(int(depth))]
        half = [(x, top - int(depth)) for x, depth in enumerate(depths) if depth % 1 >= 0.5]
        thin = [(x, top) for x, depth in enumerate(depths) if depth < 0.5]
        for cells, marker in ((full, "█"), (half, "▀"), (thin, "▔")):
            self.dots(cells, marker, self.colour("secondary"))
        self._name_worst(n_columns, worst)

    def _depths(self, n_columns: int) -> list[float]:
        """The deepest of every column; a column without a point is as deep as the one before ended."""
        deepest, last = [-1.0] * n_columns, [0.0] * n_columns
        for at, depth in zip(self._curve.times, self._curve.drawdown_pct, strict=True):
            column = self._column_of(at, n_columns)
            deepest[column], last[column] = max(deepest[column], depth), depth
        for column in range(1, n_columns):
            if deepest[column] < 0:
                deepest[column] = last[column] = last[column - 1]
        return deepest

    def _name_worst(self, n_columns: int, worst: float) -> None:
        at = self._curve.times[self._curve.drawdown_pct.index(worst)]
        named, column = f" worst {worst:,.2f} %, {at.day} {at:%b} ", self._column_of(at, n_columns)
        start = column + 1 if column < n_columns // 2 else column - len(named)
        self.words(named[:n_columns], max(0, min(start, n_columns - len(named))), 0)

    def _name_dates(self, n_columns: int) -> None:
        first, last = self._curve.times[0], self._curve.times[-1]
        days = (last - first).days
        form = "%d %b %H:%M" if days < 3 else "%d %b" if days < 300 else "%b %Y"
        gaps = max(1, min(4, n_columns // (len(f"{first:{form}}") + _BETWEEN_DATES)))
        columns = [(n_columns - 1) * i / gaps for i in range(gaps + 1)]
        self.plt.xticks(columns, [f"{first + (last - first) * i / gaps:{form}}" for i in range(gaps + 1)])


def _too_few(curve: Curve) -> str:
    if not curve.times:
        return "no equity on record yet"
    return (
        f"one point so far: {curve.equity[-1]:,.2f} {curve.currency} at {curve.times[-1]:%Y-%m-%d %H:%M} UTC"
    )


def _span(first: datetime, last: datetime) -> str:
    return f"{_date(first)} to {_date(last)}"


def _date(at: datetime) -> str:
    return f"{at.day} {at:%b %Y}"
