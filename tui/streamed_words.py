"""Words of a model as they come: plain text, for they may be half a table, or JSON.

Markdown would be a widget a paragraph and more. Whatever grows lays every widget of the screen out anew, so
after a page of it keys would wait.
"""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

_PIECE = 2_000
"""Characters after which a line ends a piece; a piece that is over is never wrapped anew."""


class StreamedWords(Vertical):
    """Renders what was written so far; a piece in one widget."""

    def __init__(self, *, classes: str) -> None:
        super().__init__(classes=f"streamed {classes}")
        self._last = ""

    def compose(self) -> ComposeResult:
        yield Static("", markup=False)

    async def write(self, words: str) -> None:
        """Show these words behind the others; dropped where the terminal is being left."""
        if not self.is_attached:
            return
        self._last += words
        while (end := self._last.find("\n", _PIECE)) >= 0:
            self._newest.update(self._last[:end])
            self._last = self._last[end + 1 :]
            await self.mount(Static("", markup=False))
        self._newest.update(self._last)

    @property
    def _newest(self) -> Static:
        return self.query(Static).last()
