"""What reaches the terminal itself: text, and never a code that would move its cursor or turn its lines.

Words come from models, from files and from the clipboard. Every widget draws through this, so that none has
to remember it.
"""

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_KEPT = ("\n", "\u200d")
"""Ends of lines, and what holds an emoji of several parts together."""


class PlainWords(LineFilter):
    """Puts blanks, as wide as it was, in the place of what cannot be printed."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's
        return [
            segment if segment.text.isprintable() else Segment(printable(segment.text), segment.style)
            for segment in segments
        ]


def printable(text: str) -> str:
    """The text without control codes, marks of direction and halves of characters; as wide as before."""
    return "".join(each if each.isprintable() or each in _KEPT else " " * cell_len(each) for each in text)
