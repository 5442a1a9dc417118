"""Names on the left, what they are on the right, as the desk worded them; a word at the right end if given.

Drawn as plain content, line by line: text of a Rich table cannot be selected with the mouse.
"""

from collections.abc import Sequence

from textual.content import Content
from textual.css.styles import RulesMap
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widgets import Static

from tui.door import Rows
from tui.plain_words import printable

_NAME_MIN, _NAME_MAX = 8, 22


class FactList(Static):
    """Renders rows of words; nothing in them is read as markup, for models wrote some of them."""

    def __init__(self, rows: Rows = (), *, title: str = "", id: str | None = None) -> None:
        super().__init__(id=id, classes="titled" if title else None)
        self.border_title = title
        self.show(rows)

    def show(self, rows: Rows, ends: Sequence[str] = ()) -> None:
        """Show other rows; `ends` stand at their right end, muted."""
        self._facts = _Facts(rows, ends or ("",) * len(rows))
        self.update(self._facts)

    def get_selection(self, selection: Selection) -> tuple[str, str]:
        """What was selected, as it stands on the screen."""
        return selection.extract(self._facts.laid(self.content_size.width).plain), "\n"


class _Facts(Visual):
    """Rows laid out for whatever width there is."""

    def __init__(self, rows: Rows, ends: Sequence[str]) -> None:
        self._rows = [(printable(name), printable(text)) for name, text in rows]
        self._ends = ends
        self._laid: tuple[int, Content] = (0, Content(""))

    def laid(self, width: int) -> Content:
        """Lines none of which is wider than `width`."""
        if self._laid[0] != width:
            self._laid = (width, Content("\n").join(self._lines(width)))
        return self._laid[1]

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:  # noqa: ARG002 - Textual's signature
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:  # noqa: ARG002 - as above
        return len(self.laid(width).split(allow_blank=True)) if self._rows else 0

    def render_strips(
        self, width: int, height: int | None, style: Style, options: RenderOptions
    ) -> list[Strip]:
        return self.laid(width).render_strips(width, height, style, options)

    def _lines(self, width: int) -> list[Content]:
        longest = max((Content(name).cell_length for name, _ in self._rows), default=0)
        names = min(max(longest, _NAME_MIN), _NAME_MAX, width // 2)
        ends = max((len(end) for end in self._ends), default=0)
        words = max(width - names - 1 - (ends + 1 if ends else 0), 1)
        lines = []
        for (name, text), end in zip(self._rows, self._ends, strict=True):
            left, right = Content.styled(name, "bold").wrap(max(names, 1)), Content(text).wrap(words)
            for at in range(max(len(left), len(right))):
                head = left[at] if at < len(left) else Content("")
                line = head.pad_right(names + 1 - head.cell_length) + (
                    right[at] if at < len(right) else Content("")
                )
                if end and at == 0:
                    line = line.pad_right(width - len(end) - line.cell_length)
                    line += Content.styled(end, "$foreground-muted")
                lines.append(line.rstrip())
        return lines
