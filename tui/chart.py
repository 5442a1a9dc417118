"""A chart that is drawn anew at every size and in every theme."""

from collections.abc import Iterable

from rich.text import Text
from textual.color import Color
from textual_plotext import PlotextPlot

Colour = tuple[int, int, int] | int | str
"""What Plotext takes: red, green and blue, the number of a terminal's own colour, or a name."""
_RIGHT = 2
"""Plotext's number of the scale on the right."""
_SMALLEST = 4
"""Columns and rows under which nothing can be read."""


class Chart(PlotextPlot):
    """Lays out a canvas with a scale on its right; subclasses draw on it, counting in character cells."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        # Without colours of Plotext's own: background, axes and words are those of the style sheet. What it
        # makes of a theme by itself is black on black where a theme leaves them to the terminal.
        self.theme = "clear"

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self.refresh())

    def render(self) -> Text:
        """Draw for the size that there is now."""
        self.plt.clear_figure()
        self.plt.yaxes(False, True)
        self.plt.xaxes(True, False)
        if self.size.width >= _SMALLEST and self.size.height >= _SMALLEST:
            self.draw(self.size.width, self.size.height)
        drawn = super().render()
        assert isinstance(drawn, Text)
        return drawn

    def draw(self, width: int, height: int) -> None:
        """Put everything on `plt`."""
        raise NotImplementedError

    def scale(self, cells: tuple[int, int], labels: Iterable[tuple[int, str]]) -> None:
        """Count in cells of a canvas of this width and height; name some of its rows on the right."""
        n_columns, n_rows = cells
        named = list(labels)
        self.plt.xlim(0, n_columns - 1)
        self.plt.ylim(0, n_rows - 1, _RIGHT)
        self.plt.yticks([row for row, _ in named], [label for _, label in named], _RIGHT)

    def dots(self, cells: Iterable[tuple[int, int]], marker: str, colour: Colour) -> None:
        """One character in each of these cells."""
        found = list(cells)
        if found:
            columns, rows = [x for x, _ in found], [y for _, y in found]
            self.plt.scatter(columns, rows, marker=marker, color=colour, yside="right")

    def words(self, text: str, column: int, row: int) -> None:
        """A text from this cell on, over whatever stands there."""
        colour = self.colour("foreground")
        self.plt.text(text, column, row, alignment="left", yside="right", color=colour, background="default")

    def colour(self, name: str) -> Colour:
        """A colour of the theme."""
        found = Color.parse(self.app.theme_variables[name])
        if found.ansi is None:
            return found.rgb
        return "default" if found.ansi < 0 else found.ansi


def row_of(value: float, low: float, high: float, n_rows: int) -> int:
    """The row, counted from below, that a value falls on."""
    return int(0.5 + (n_rows - 1) * (value - low) / (high - low))


def named_rows(n_rows: int) -> list[int]:
    """Rows to put a number beside: top, bottom and some between."""
    gaps = max(1, (n_rows - 1) // 2)
    return sorted({round((n_rows - 1) * i / gaps) for i in range(gaps + 1)})
