"""The journal: cycles newest first, searched by the words of their reasons."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Input, Static

from contracts.errors import DualbrainError
from tui.copying import copy_cycle
from tui.door import CycleRow, Door
from tui.messages import CycleChosen
from tui.row_table import RowTable
from tui.status_line import StatusLine
from tui.typed_line import TypedLine

_NEAR_THE_END = 10
"""Rows; the next page is asked for before one arrives there."""
_MAX_ENDED = 24
"""Characters; a person's reason may be long, and the story has all of it."""


class JournalScreen(Screen[None]):
    """Enter opens a cycle's story, r runs the cycle again."""

    AUTO_FOCUS = "#found"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Back"),
        Binding("slash", "search", "Search", key_display="/", tooltip="search the words of reasons"),
        Binding("r", "replay", "Replay", tooltip="run the cycle again from its records, and compare"),
        Binding("c", "copy", "Copy", show=False, tooltip="copy the id of the cycle to the clipboard"),
    ]

    def __init__(self, door: Door) -> None:
        super().__init__()
        self._door = door
        self._words, self._last_row = "", 0
        self._is_whole = True
        """Whether the list goes back to the beginning."""

    def compose(self) -> ComposeResult:
        yield StatusLine()
        yield TypedLine(
            placeholder="words of a reason, such as daily loss or price moved; Enter searches",
            id="words",
            max_length=200,
        )
        yield RowTable(id="found", cursor_type="row")
        yield Static("", id="verdict", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self._table.add_columns("decided on (UTC)", "instrument", "came to", "ended", "cycle")
        self.watch(
            self._table, "scroll_y", lambda y: self._look_ahead(self._table.max_scroll_y - y), init=False
        )
        self._search("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        # The list that still stands is not gone on with.
        self._is_whole = True
        self._search(event.value)
        self._table.focus()

    def on_data_table_row_selected(self, event: "DataTable.RowSelected") -> None:
        if event.row_key.value is not None:
            self.post_message(CycleChosen(event.row_key.value))

    def on_data_table_row_highlighted(self, event: "DataTable.RowHighlighted") -> None:
        self._look_ahead(self._table.row_count - event.cursor_row)

    def _look_ahead(self, n_left: float) -> None:
        """Older cycles follow before one arrives at the end, by keys or by the wheel."""
        if not self._is_whole and n_left <= _NEAR_THE_END:
            self._is_whole = True
            self._go_on()

    def action_search(self) -> None:
        self.query_one("#words", Input).focus()

    def action_replay(self) -> None:
        if (cycle_id := self._pointed_at()) is not None:
            self._replay(cycle_id)

    def action_copy(self) -> None:
        if (cycle_id := self._pointed_at()) is not None:
            copy_cycle(self, cycle_id)

    @work(exclusive=True, group="search")
    async def _search(self, words: str) -> None:
        self._say("reading the journal")
        try:
            found = await asyncio.to_thread(self._door.cycles, words)
        except DualbrainError as error:
            self._say(f"! {error}")
            return
        if self.app.is_running:
            self._table.clear()
            self._words = words
            self._add(found)

    @work(exclusive=True, group="search")
    async def _go_on(self) -> None:
        try:
            found = await asyncio.to_thread(self._door.cycles, self._words, self._last_row)
        except DualbrainError as error:
            # Asked again when the person goes on.
            self._is_whole = False
            self._say(f"! {error}")
            return
        if self.app.is_running:
            self._add(found)

    def _add(self, found: Sequence[CycleRow]) -> None:
        for each in found:
            ended = each.ended if len(each.ended) <= _MAX_ENDED else f"{each.ended[:_MAX_ENDED]}…"
            cells = (f"{each.as_of:%Y-%m-%d %H:%M}", each.instrument_id, each.came_to, ended)
            self._table.add_row(*map(Text, cells), Text(each.cycle_id[:12]), key=each.cycle_id)
        self._is_whole = not found
        if found:
            self._last_row = found[-1].row
        self._say(_count(self._table.row_count, self._words))

    @work(exclusive=True, group="replay")
    async def _replay(self, cycle_id: str) -> None:
        self._say(f"replaying {cycle_id[:12]}")
        try:
            told = await asyncio.to_thread(self._door.replay, cycle_id)
        except DualbrainError as error:
            self._say(f"! {error}")
            return
        self._say(
            "\n".join([f"{cycle_id[:12]} {told.title}", *(f"{name}: {text}" for name, text in told.rows[:3])])
        )

    def _say(self, text: str) -> None:
        # Widgets go before their workers when the terminal is left.
        if self.app.is_running:
            self.query_one("#verdict", Static).update(text)

    def _pointed_at(self) -> str | None:
        """The cycle under the cursor."""
        if not self._table.row_count:
            return None
        return self._table.coordinate_to_cell_key(self._table.cursor_coordinate).row_key.value

    @property
    def _table(self) -> RowTable:
        return self.query_one("#found", RowTable)


def _count(n: int, words: str) -> str:
    """How many cycles stand in the list, and which."""
    is_searched, cycles = bool(words.strip()), "1 cycle" if n == 1 else f"{n:,} cycles"
    if not n:
        return f"no cycle says {words!r}" if is_searched else "no cycle on record yet"
    if is_searched:
        return f"{cycles} that {'says' if n == 1 else 'say'} {words!r}"
    return f"{cycles}, the newest"
