"""Halting a desk and letting it go on: one key, then one confirmation; and what is open meanwhile."""

import asyncio
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from contracts.errors import DualbrainError
from tui.door import Door, Overview, Rows, Status
from tui.fact_list import FactList
from tui.typed_line import TypedLine


class HaltScreen(ModalScreen[None]):
    """Enter in the line of the reason confirms; it needs nothing of a model and waits for none.

    Once the desk is halted it stays, and shows what is still open.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Back")]

    def __init__(self, door: Door, status: Status) -> None:
        super().__init__()
        self._door, self._desk, self._halted_by = door, status.desk, status.halted_by
        self._open: Rows = ()

    def compose(self) -> ComposeResult:
        is_halted = self._halted_by is not None
        with Vertical(classes="box"):
            yield Static(self._words(), id="halt-words", markup=False)
            if not is_halted:
                yield TypedLine(placeholder="why (Enter halts)", id="why", max_length=2_000)
            with VerticalScroll(id="halt-open", can_focus=False):
                yield FactList(title="Still open" if is_halted else "What stays open", id="still-open")
            with Horizontal(classes="buttons"):
                yield Button("Let it go on" if is_halted else "HALT", id="do", variant="error")
                yield Button("Back (Esc)", id="back")

    def on_mount(self) -> None:
        self.watch(self.app, "overview", self._show_open)
        self._focus_first()

    def on_input_submitted(self) -> None:
        self._act()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "do":
            self._act()
        else:
            self.dismiss()

    @work(exclusive=True)
    async def _act(self) -> None:
        try:
            if self._halted_by is not None:
                self.notify(await asyncio.to_thread(self._door.resume), markup=False)
                self.dismiss()
                return
            why = self.query_one("#why", Input).value.strip()
            self._halted_by = await asyncio.to_thread(self._door.halt, why)
        except DualbrainError as error:
            self.query_one("#halt-words", Static).update(f"! {error}")
            return
        await self.recompose()
        self._list_open()
        self._focus_first()

    def _focus_first(self) -> None:
        # Halting may be quick; letting a desk go on again is to be meant.
        self.query_one("#back" if self._halted_by is not None else "#why").focus()

    def _show_open(self, overview: Overview | None) -> None:
        self._open = () if overview is None else overview.still_open
        self._list_open()

    def _list_open(self) -> None:
        rows = self._open or (("nothing", "no position, no order, no question"),)
        self.query_one("#still-open", FactList).show(rows)

    def _words(self) -> str:
        if self._halted_by is None:
            return (
                f"Halt desk {self._desk}? No new decision and no new order from the next check on. "
                "Stops and targets stay at work."
            )
        return f"Desk {self._desk} is halted.\n{self._halted_by}\nLet it go on?"
