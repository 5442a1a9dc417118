"""The question: everything an approval binds on one screen, and the answer to exactly that.

What is shown is one request by its id. Where the desk asks anew, the new one is shown, says so, and has to
be answered by itself. A quantity may be made smaller here, never larger.
"""

import asyncio
import re
import time
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Footer, Input, Static

from contracts.errors import DualbrainError
from tui.candle_chart import CandleChart
from tui.copying import copy_cycle
from tui.desk_panels import left
from tui.door import Door, Question
from tui.fact_list import FactList
from tui.status_line import StatusLine
from tui.typed_line import TypedLine

_QUANTITY = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?|\d+(\.\d*)?|\.\d+")
"""A comma parts thousands: where it might mean a fraction, nobody may guess a size."""
_MAX_REASON = 2_000
_READ_S = 1.0
"""What was asked anew takes no yes so long: the finger may have been on its way to the question before."""


class QuestionScreen(ModalScreen[None]):
    """One cycle's question until it is left."""

    AUTO_FOCUS = "#case"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "approve", "Approve", tooltip="approve exactly what is shown"),
        Binding("n", "refuse", "Refuse", tooltip="refuse it, with the reason in the line"),
        # Before what is typed next finds its widget, or a hasty quantity would be lost, and y approve all.
        Binding("s", "shrink", "Shrink", tooltip="type a smaller quantity, then approve", priority=True),
        Binding("c", "copy", "Copy", show=False, tooltip="copy the id of the cycle to the clipboard"),
        Binding("escape", "back", "Back", tooltip="out of a line, then out of the screen"),
        Binding("f1,question_mark", "app.help", "Help", key_display="?"),
        Binding("f9", "app.halt", "HALT", priority=True),
    ]

    def __init__(self, door: Door, cycle_id: str) -> None:
        super().__init__()
        self._door, self._cycle_id = door, cycle_id
        self._shown: Question | None = None
        self._is_saying = False
        self._takes_from_s = 0.0

    def compose(self) -> ComposeResult:
        yield StatusLine()
        yield Static("", id="asked", markup=False)
        with VerticalScroll(id="case", can_focus=True), Horizontal(id="halves"):
            with Vertical(id="trade"):
                yield FactList(title="Trade", id="facts")
                yield FactList(title="Votes", id="ballots")
                yield FactList(title="Evidence", id="evidence")
            with Vertical(id="limits"):
                yield FactList(title="Risk checks", id="checks")
                yield CandleChart()
        yield Static("", id="fate", markup=False)
        with Horizontal(id="answer"):
            yield TypedLine(placeholder="smaller quantity", id="quantity", restrict=r"[0-9.,]*")
            yield TypedLine(placeholder="reason", id="reason", max_length=_MAX_REASON)
            yield Button("Approve (y)", id="yes", variant="success")
            yield Button("Refuse (n)", id="no", variant="error")
        yield Footer()

    def on_mount(self) -> None:
        self.watch(self.app, "overview", self._look)
        self.set_interval(1, self._count_down)
        self._draw()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self._answer(is_granted=event.button.id == "yes")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        # Enter in a line answers nothing: it leads on to the buttons.
        event.stop()
        self.query_one("#yes" if event.input.id == "quantity" else "#no", Button).focus()

    def action_approve(self) -> None:
        self._answer(is_granted=True)

    def action_refuse(self) -> None:
        self._answer(is_granted=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """An s in a line is a letter."""
        return not (action == "shrink" and isinstance(self.focused, Input))

    def action_shrink(self) -> None:
        self.set_focus(self.query_one("#quantity", Input))

    def action_copy(self) -> None:
        copy_cycle(self, self._cycle_id)

    def action_back(self) -> None:
        """Out of a line first, then out of the screen."""
        if isinstance(self.focused, Input):
            self.query_one("#case").focus()
        else:
            self.dismiss()

    def _look(self) -> None:
        self._read()

    @work(exclusive=True, group="look")
    async def _read(self) -> None:
        try:
            found = await asyncio.to_thread(self._door.question, self._cycle_id)
        except DualbrainError as error:
            self._tell(f"! {error}")
            return
        if found is not None and self.app.is_running:
            self._show(found)

    @work(exclusive=True, group="chart")
    async def _draw(self) -> None:
        try:
            candles = await asyncio.to_thread(self._door.candles, self._cycle_id)
            question = await asyncio.to_thread(self._door.question, self._cycle_id)
        except DualbrainError as error:
            self._tell(f"! {error}")
            return
        if self.app.is_running:
            self.query_one(CandleChart).show(candles, question)

    def _show(self, question: Question) -> None:
        before, self._shown = self._shown, question
        if before is None or before.request_id != question.request_id:
            self.query_one("#facts", FactList).show(question.facts)
            self.query_one("#ballots", FactList).show(question.ballots)
            self.query_one("#evidence", FactList).show(question.evidence)
            self.query_one("#checks", FactList).show(question.checks)
            self.query_one("#quantity", Input).placeholder = f"less than {question.quantity:,g}"
            self.query_one("#quantity", Input).clear()
        if before is not None and before.request_id != question.request_id:
            self._takes_from_s = time.monotonic() + _READ_S
            self._draw()
            self.notify(question.asked_anew or "asked anew", title="Look again", markup=False)
        if before is None or (before.came_of_it, before.request_id) != (
            question.came_of_it,
            question.request_id,
        ):
            self._tell(question.came_of_it)
        for button in self.query(Button):
            button.disabled = question.state != "open"
        self._count_down()

    def _count_down(self) -> None:
        if self._shown is None:
            return
        asks = {"open": "Approve?", "expired": "Not answered:"}.get(self._shown.state, "Answered:")
        head = f"{asks} {self._shown.title} · {left(self._shown, self._door.now())}"
        anew = "" if self._shown.asked_anew is None else f"\n{self._shown.asked_anew}"
        self.query_one("#asked", Static).update(f"{head}{anew}")

    def _answer(self, *, is_granted: bool) -> None:
        if self._shown is None or self._shown.state != "open":
            self._tell(self._shown.came_of_it if self._shown is not None else "not read yet")
            return
        if is_granted and time.monotonic() < self._takes_from_s:
            self._tell("! asked anew this moment: read what has changed, then answer")
            return
        typed = self.query_one("#quantity", Input).value.strip()
        if typed and is_granted and _QUANTITY.fullmatch(typed) is None:
            self._tell(f"! expected a quantity such as 10,000 or 10000, found {typed!r}")
            return
        quantity = float(typed.replace(",", "")) if typed and is_granted else None
        if self._is_saying:
            return
        self._say(self._shown, is_granted, quantity, self.query_one("#reason", Input).value.strip())

    @work(group="say")
    async def _say(self, question: Question, is_granted: bool, quantity: float | None, reason: str) -> None:
        self._is_saying = True
        try:
            said = await asyncio.to_thread(
                self._door.say, question, is_granted=is_granted, quantity=quantity, reason=reason
            )
            self._tell(said)
        except DualbrainError as error:
            self._tell(f"! {error}")
        finally:
            self._is_saying = False
        self._read()

    def _tell(self, text: str) -> None:
        # Widgets go before their workers when the terminal is left.
        if self.app.is_running:
            self.query_one("#fate", Static).update(text)
