"""The path of a cycle in one line: a sign and a name a step."""

from collections.abc import Mapping

from textual.content import Content
from textual.widgets import Static

from tui.door import Step

_SIGNS: Mapping[str, tuple[str, str]] = {
    "done": ("✓", "$text-success"),
    "under way": ("▶", "bold $text-warning"),
    "ended": ("■", "bold $text-accent"),
    "left out": ("–", "$foreground-muted"),
    "not reached": ("·", "$foreground-muted"),
}
"""A sign, because colour alone tells nobody who cannot see it."""


class PathLine(Static):
    """Renders steps; close together where the screen is narrow."""

    def __init__(self) -> None:
        super().__init__(id="path")
        self._path: tuple[Step, ...] = ()

    def show(self, path: tuple[Step, ...]) -> None:
        """Show how far a cycle has come."""
        self._path = path
        roomy = self._line(" ", "  ")
        self.update(roomy if roomy.cell_length <= self.content_size.width else self._line("", " "))

    def on_resize(self) -> None:
        self.show(self._path)

    def _line(self, after_sign: str, between: str) -> Content:
        steps = []
        for step in self._path:
            sign, style = _SIGNS[step.state]
            steps.append(Content.styled(f"{sign}{after_sign}{step.name}", style))
        return Content(between).join(steps)
