"""Halting a desk and letting it go on: one key, then one confirmation."""

import asyncio
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from contracts.errors import DualbrainError
from tui.door import Door, Status


class HaltScreen(ModalScreen[None]):
    """Enter in the line of the reason confirms; it needs nothing of a model and waits for none."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Back")]

    def __init__(self, door: Door, status: Status) -> None:
        super().__init__()
        self._door, self._status = door, status

    def compose(self) -> ComposeResult:
        is_halted = self._status.halted_by is not None
        with Vertical(classes="box"):
            yield Static(self._words(), id="halt-words", markup=False)
            if not is_halted:
                yield Input(placeholder="why (Enter halts)", id="why", max_length=2_000)
            with Horizontal(classes="buttons"):
                yield Button("Let it go on" if is_halted else "HALT", id="do", variant="error")
                yield Button("Back (Esc)", id="back")

    def on_mount(self) -> None:
        # Halting may be quick; letting a desk go on again is to be meant.
        self.query_one("#back" if self._status.halted_by is not None else "#why").focus()

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
            if self._status.halted_by is None:
                said = await asyncio.to_thread(self._door.halt, self.query_one("#why", Input).value.strip())
            else:
                said = await asyncio.to_thread(self._door.resume)
        except DualbrainError as error:
            self.query_one("#halt-words", Static).update(f"! {error}")
            return
        self.notify(said, markup=False)
        self.dismiss()

    def _words(self) -> str:
        if self._status.halted_by is None:
            return (
                f"Halt desk {self._status.desk}? No new decision and no new order from the next check on. "
                "Stops and targets stay at work."
            )
        return f"Desk {self._status.desk} is halted.\n{self._status.halted_by}\nLet it go on?"
