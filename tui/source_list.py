"""What an answer rests on, under the answer: Enter or a click opens one."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.door import Source
from tui.messages import CycleChosen, SourceChosen
from tui.plain_words import printable


class SourceList(OptionList):
    """Renders sources; posts CycleChosen for a cycle and SourceChosen for the rest."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Open", tooltip="open the source the cursor is on")
    ]

    def __init__(self, sources: Sequence[Source]) -> None:
        super().__init__(*(Option(Content(printable(each.label))) for each in sources), compact=True)
        self._sources = sources

    def on_focus(self) -> None:
        if self.highlighted is None:
            self.highlighted = 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        source = self._sources[event.option_index]
        self.post_message(SourceChosen(source) if source.cycle_id is None else CycleChosen(source.cycle_id))
