"""Keys and commands, on one page: those of the screen one came from first."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen

from tui.door import Command, Rows
from tui.fact_list import FactList

_KEYS = (
    ("F1 or ?", "this page (? where no line is being typed)"),
    ("F2", "the journal: / searches reasons, Enter tells a cycle, r replays it"),
    ("F3", "the oldest open question; y approves, n refuses, s shrinks"),
    ("F4", "everything at one glance; Tab goes from panel to panel, Enter on a row tells its cycle"),
    ("F5", "the newest cycle, stage by stage; the one that runs, where one does"),
    ("F9", "halt the desk, or let it go on; asks once more"),
    ("Tab", "the next part of a screen; in the line, completes a command"),
    ("Up, Down", "in the line, what was typed before"),
    ("Esc", "back"),
    ("Mouse", "a click opens what is in a list; text that is dragged over is copied by Ctrl+C"),
    ("Ctrl+P", "every command by name"),
    ("Ctrl+Q", "leave; a desk of one's own ends in good order"),
)


class HelpScreen(ModalScreen[None]):
    """What can be pressed and typed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,f1", "dismiss", "Back")]

    def __init__(self, commands: Sequence[Command], here: Rows) -> None:
        super().__init__()
        self._commands, self.here = commands, here

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="box", can_focus=True):
            if self.here:
                yield FactList(self.here, title="Keys here")
            yield FactList(_KEYS, title="Keys")
            commands = tuple((f"{c.name} {c.takes}".strip(), c.does) for c in self._commands)
            yield FactList(commands, title="Commands")


def keys_of(screen: Screen[object]) -> Rows:
    """The keys of a screen, and those of its widgets that explain themselves, from their bindings."""
    kinds = dict.fromkeys(type(node) for node in screen.walk_children(with_self=True))
    found = [
        (screen.app.get_key_display(binding), binding.tooltip or binding.description)
        for kind in kinds
        for binding in Binding.make_bindings(vars(kind).get("BINDINGS", ()))
        if (binding.tooltip or kind is type(screen)) and not binding.action.startswith("app.")
    ]
    return tuple(dict.fromkeys(found))
