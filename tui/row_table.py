"""A table whose rows are opened: by Enter, or by one click, as in a list."""

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import DataTable


class RowTable(DataTable[Text]):
    """Posts RowSelected."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "Open", tooltip="tell the cycle stage by stage")
    ]

    def on_click(self, event: events.Click) -> None:
        # Textual itself opens a row only where the cursor stands already, in the very cell.
        row = event.style.meta.get("row", -1)
        if row >= 0:
            event.prevent_default()
            self.move_cursor(row=row)
            self.action_select_cursor()
