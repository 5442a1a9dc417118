"""Names on the left, what they are on the right, as the desk worded them."""

from rich.table import Table
from rich.text import Text
from textual.widgets import Static

from tui.door import Rows


class FactList(Static):
    """Renders rows of words; nothing in them is read as markup, for models wrote some of them."""

    def __init__(self, rows: Rows = (), *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(_table(rows), id=id, classes=classes)

    def show(self, rows: Rows) -> None:
        """Show other rows."""
        self.update(_table(rows))


def _table(rows: Rows) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0), expand=True)
    table.add_column(style="bold", no_wrap=False, min_width=8, max_width=20)
    table.add_column(overflow="fold", ratio=1)
    for name, text in rows:
        table.add_row(Text(name), Text(_printable(text)))
    return table


def _printable(text: str) -> str:
    """Words of a model may hold codes that would move the cursor."""
    return "".join(each if each.isprintable() or each == "\n" else " " for each in text)
