"""A chart of closed bars with the prices of a trade drawn across it, each with its name.

A rising bar is hollow, a falling one solid, one that ended where it began a cross: told by shape, and by
colour beside it. A level is told by name at its line.
"""

from collections.abc import Sequence

from textual.markup import escape

from tui.chart import Chart, named_rows, row_of
from tui.door import Candles, Question

_RISES, _FALLS, _STAYS = "▒", "█", "┼"
_TICK_ROOM = 20
"""Columns that a moment under the chart takes."""
_FEW_BARS = 20
_SPOKEN_OUT = 48
"""Columns from which on a level has its price beside its name."""
_MAX_DECIMALS = 6


class CandleChart(Chart):
    """Renders one run of bars, the newest on the right; the oldest are left out where there is no room."""

    def __init__(self) -> None:
        super().__init__()
        # Nothing is shown before it is known whether there is anything.
        self.add_class("unread")
        self._candles: Candles | None = None
        self._levels: list[tuple[str, float]] = []

    def show(self, candles: Candles | None, question: Question | None = None) -> None:
        """Draw anew."""
        self._candles = candles if candles is not None and candles.times else None
        self._levels = _levels(question)
        self.remove_class("unread").set_class(self._candles is None, "empty")
        if self._candles is None:
            self.border_title = "no bars on record"
        else:
            last = _decimal(self._candles.close[-1], _decimals(self._candles.close))
            self.border_title = (
                f"{escape(self._candles.label)}  ·  {_RISES} up  {_FALLS} down  ·  last {last}"
            )
        self.refresh()

    def draw(self, width: int, height: int) -> None:
        if self._candles is None:
            return
        candles, decimals, n_rows = self._candles, _decimals(self._candles.close), height - 2
        levels = [price for _, price in self._levels]
        room = 1 + max(len(_decimal(price, decimals)) for price in (*candles.low, *candles.high, *levels))
        n_columns = width - 1 - room
        if n_columns < 1:
            return
        columns = _columns(len(candles.times), n_columns)
        seen = [*(candles.low[bar] for bar in columns), *(candles.high[bar] for bar in columns), *levels]
        low, high = _span(seen)
        step = (high - low) / (n_rows - 1)
        labels = [(row, f" {_decimal(low + step * row, decimals)}".ljust(room)) for row in named_rows(n_rows)]
        self.scale((n_columns, n_rows), labels)
        named: dict[int, list[str]] = {}
        for name, price in self._levels:
            words = f"{name} {_decimal(price, decimals)}" if n_columns >= _SPOKEN_OUT else name
            named.setdefault(row_of(price, low, high, n_rows), []).append(words)
        for row in named:
            self.dots([(column, row) for column in range(n_columns)], "╌", self.colour("foreground"))
        self._draw_bars(candles, columns, (low, high, n_rows))
        for row, names in named.items():
            self.words(f"{', '.join(names)} "[:n_columns], 0, row)

    def _draw_bars(self, candles: Candles, columns: dict[int, int], scale: tuple[float, float, int]) -> None:
        for direction, marker, colour in (
            (1, _RISES, "success"),
            (-1, _FALLS, "error"),
            (0, _STAYS, "foreground"),
        ):
            wicks, bodies = [], []
            for bar, column in columns.items():
                opened, closed = candles.open[bar], candles.close[bar]
                if (closed > opened) - (closed < opened) == direction:
                    wicks += [(column, row) for row in _rows(candles.low[bar], candles.high[bar], scale)]
                    bodies += [(column, row) for row in _rows(opened, closed, scale)]
            self.dots(wicks, "│", self.colour(colour))
            self.dots(bodies, marker, self.colour(colour))
        newest = max(columns.values())
        ticks = [bar for bar, column in columns.items() if (newest - column) % _TICK_ROOM == 0]
        self.plt.xticks(
            [columns[bar] for bar in ticks], [f"{candles.times[bar]:%d %b %H:%M}" for bar in ticks]
        )


def _columns(n_bars: int, n_columns: int) -> dict[int, int]:
    """Where the bars stand that there is room for, the newest beside the scale.

    With a column of air between them where enough of them are still seen.
    """
    stride = 2 if n_columns // 2 >= _FEW_BARS else 1
    first = max(0, n_bars - 1 - (n_columns - 1) // stride)
    return {bar: n_columns - 1 - stride * (n_bars - 1 - bar) for bar in range(first, n_bars)}


def _rows(one: float, other: float, scale: tuple[float, float, int]) -> range:
    return range(row_of(min(one, other), *scale), row_of(max(one, other), *scale) + 1)


def _span(prices: Sequence[float]) -> tuple[float, float]:
    low, high = min(prices), max(prices)
    around = 0.0 if low < high else abs(low) / 100 or 1.0
    return low - around, high + around


def _decimals(prices: Sequence[float]) -> int:
    """As many as the prices were written with."""
    return min(_MAX_DECIMALS, max(len(f"{price:.10g}".partition(".")[2]) for price in prices))


def _decimal(price: float, decimals: int) -> str:
    return f"{price:,.{decimals}f}"


def _levels(question: Question | None) -> list[tuple[str, float]]:
    if question is None:
        return []
    named = (("entry", question.entry), ("stop", question.stop), ("target", question.target))
    return [(name, level) for name, level in named if level is not None]
