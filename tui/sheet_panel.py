"""A table that is kept up to date in place: cursor and scroll stay with what a person looks at."""

import re

from rich.cells import cell_len
from rich.segment import Segment
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.coordinate import Coordinate
from textual.strip import Strip
from textual.widgets import DataTable, Static

from tui.door import Sheet
from tui.messages import CycleChosen
from tui.plain_words import printable
from tui.row_table import RowTable

_NUMBER = re.compile(r"[-+−]?\d[\d,]*(\.\d+)?( \S{1,4})?")
"""A number, with a unit such as USD or % where it has one."""
_NOTHING = ("", "-", "none")


class SheetTable(RowTable):
    """A number is shown whole or not at all."""

    def render_line(self, y: int) -> Strip:
        line, at = super().render_line(y), -self.scroll_offset.x
        width = self.scrollable_content_region.width
        for column in self.ordered_columns:
            start, at = at, at + column.get_render_width(self)
            left, right = max(start, 0), min(at, width)
            if left >= right or (left, right) == (start, at):
                continue
            if column.label.justify == "right":
                line = Strip.join([line.crop(0, left), _blank(line.crop(left, right)), line.crop(right)])
            elif right < at and line.crop(right - 2, right).text.strip():
                line = Strip.join([line.crop(0, right - 2), _goes_on(line.crop(right - 2, right))])
        return line


class SheetPanel(Vertical):
    """Renders one sheet; posts CycleChosen."""

    def __init__(self, title: str, nothing: str, *, id: str, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.border_title, self._title, self._nothing = title, title, nothing
        self._sheet = Sheet(head=())

    def compose(self) -> ComposeResult:
        yield SheetTable(cursor_type="row")
        yield Static(self._nothing, markup=False, classes="nothing")

    def on_mount(self) -> None:
        self._table.display = False
        self.add_class("empty")

    def on_resize(self) -> None:
        self.call_after_refresh(self._entitle)

    def show(self, sheet: Sheet) -> None:
        """Show another; only the cells that differ are drawn."""
        before, self._sheet = self._sheet, sheet
        if sheet == before:
            return
        table = self._table
        table.display, self.query_one(Static).display = bool(sheet.rows), not sheet.rows
        self.set_class(not sheet.rows, "empty")
        at, top = table.cursor_row, table.scroll_y
        drawn = before
        if sheet.head != before.head or _numeric(sheet) != _numeric(before):
            table.clear(columns=True)
            drawn = Sheet(head=sheet.head)
            for name, is_number in zip(sheet.head, _numeric(sheet), strict=True):
                table.add_column(_cell(name, is_number=is_number))
        self._change(drawn)
        # A height of its own finding would come with its next idle moment, and where the screen is laid out
        # before that, Textual 8.2.8 goes on with the height of nothing (Widget._get_box_model's cache).
        table.styles.height = len(sheet.rows) + table.header_height
        if before.rows:
            self._follow(before, at, top)
        self.call_after_refresh(self._entitle)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        cycle_id, _ = _key(self._sheet, event.cursor_row)
        if cycle_id is None:
            self.notify("no cycle on record stands behind this row", markup=False)
        else:
            self.post_message(CycleChosen(cycle_id))

    def _change(self, drawn: Sheet) -> None:
        """From the rows that are drawn to those that are to be."""
        table, rows, numeric = self._table, self._sheet.rows, _numeric(self._sheet)
        for index, (old, new) in enumerate(zip(drawn.rows, rows, strict=False)):
            for column, (was, now) in enumerate(zip(old, new, strict=True)):
                if was != now:
                    cell = _cell(now, is_number=numeric[column])
                    table.update_cell_at(Coordinate(index, column), cell, update_width=True)
        for row in rows[len(drawn.rows) :]:
            table.add_row(*(_cell(text, is_number=n) for text, n in zip(row, numeric, strict=True)))
        for _ in range(len(rows), len(drawn.rows)):
            table.remove_row(table.coordinate_to_cell_key(Coordinate(table.row_count - 1, 0)).row_key)

    def _follow(self, before: Sheet, at: int, top: float) -> None:
        """Go where the row under the cursor went; who looks at the newest row stays on the newest."""
        is_at_top = at == 0 and not self._table.has_focus
        found = [i for i in range(len(self._sheet.rows)) if _key(self._sheet, i) == _key(before, at)]
        goal = at if is_at_top or at in found or not found else found[0]
        self._table.move_cursor(row=goal)
        if top:
            self.call_after_refresh(self._table.scroll_to, y=top + goal - at, animate=False)

    def _entitle(self) -> None:
        """The title, which says so where there are columns to the side."""
        is_wider = self._table.display and self._table.virtual_size.width > self._table.size.width
        self.border_title = f"{self._title}  ◂ ▸" if is_wider else self._title

    @property
    def _table(self) -> SheetTable:
        return self.query_one(SheetTable)


def _blank(strip: Strip) -> Strip:
    return Strip([Segment(" " * cell_len(text), style) for text, style, _ in strip])


def _goes_on(strip: Strip) -> Strip:
    """Two cells that say so, the second for the scrollbar beside it."""
    return Strip([Segment("… ", next(iter(strip)).style)])


def _key(sheet: Sheet, row: int) -> tuple[str | None, str]:
    """What makes a row the same one at the next look."""
    cycle_id = sheet.cycles[row] if row < len(sheet.cycles) else None
    return cycle_id, sheet.rows[row][0] if row < len(sheet.rows) and sheet.rows[row] else ""


def _numeric(sheet: Sheet) -> tuple[bool, ...]:
    """Which columns hold numbers."""
    columns = zip(*sheet.rows, strict=True) if sheet.rows else (() for _ in sheet.head)
    return tuple(_is_numeric(tuple(column)) for column in columns)


def _is_numeric(column: tuple[str, ...]) -> bool:
    said = [cell for cell in column if cell not in _NOTHING]
    return bool(said) and all(_NUMBER.fullmatch(cell) for cell in said)


def _cell(text: str, *, is_number: bool) -> Text:
    shown = printable(text).replace("\n", " ")
    return Text(shown, justify="right" if is_number else "left", no_wrap=True, overflow="ellipsis")
