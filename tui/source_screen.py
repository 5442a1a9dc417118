"""One source of an answer: what a tool was asked, and what it said."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from tui.door import Source
from tui.fact_list import FactList
from tui.plain_words import printable


class SourceScreen(ModalScreen[None]):
    """Esc goes back to the answer."""

    AUTO_FOCUS = "#source"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Back"),
        Binding("c", "copy", "Copy", tooltip="copy all of it to the clipboard"),
        Binding("f1,question_mark", "app.help", "Help", key_display="?"),
        Binding("f9", "app.halt", "HALT", priority=True),
    ]

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(printable(self._source.label), markup=False, classes="source-title")
            with VerticalScroll(id="source", can_focus=True):
                yield FactList(self._source.rows)
        yield Footer()

    def action_copy(self) -> None:
        rows = (f"{name}: {text}" for name, text in self._source.rows)
        self.app.copy_to_clipboard("\n".join([self._source.label, *rows]))
        self.notify(f"{self._source.label} is copied", markup=False)
