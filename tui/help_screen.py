"""Keys and commands, on one page."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Label

from tui.door import Command
from tui.fact_list import FactList

_KEYS = (
    ("F1 or ?", "this page (? where no line is being typed)"),
    ("F2", "the journal: / searches reasons, Enter tells a cycle, r replays it"),
    ("F3", "the oldest open question; y approves, n refuses, s shrinks"),
    ("F9", "halt the desk, or let it go on; asks once more"),
    ("Tab", "the next part of a screen; in the line, completes a command"),
    ("Up, Down", "in the line, what was typed before"),
    ("Esc", "back"),
    ("Ctrl+P", "every command by name"),
    ("Ctrl+Q", "leave; a desk of one's own ends in good order"),
)


class HelpScreen(ModalScreen[None]):
    """What can be pressed and typed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,f1", "dismiss", "Back")]

    def __init__(self, commands: Sequence[Command]) -> None:
        super().__init__()
        self._commands = commands

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="box", can_focus=True):
            yield Label("Keys")
            yield FactList(_KEYS)
            yield Label("Commands")
            yield FactList(tuple((f"{c.name} {c.takes}".strip(), c.does) for c in self._commands))
