"""A line to type in, in which keys take effect in the order they were pressed, however fast."""

from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widgets import Input

_BOUND = [bound for bound in Input.BINDINGS if isinstance(bound, Binding)]
_ACTIONS = {key: bound.action for bound in _BOUND for key in bound.key.split(",")}


class TypedLine(Input):
    """Textual's own, where a quantity that is mended in haste is the one that was meant.

    Textual writes a letter at once, and what another key does only when that key has gone up to the
    application and back: of 10000, Backspace, 5 in one go it makes 1000 (8.2.8, Input and App.on_event).
    """

    # Textual lays the whole screen out with every letter; one line of fixed height needs none of it.
    virtual_size: Reactive[Size] = Reactive(Size(0, 0), layout=False)

    async def on_key(self, event: events.Key) -> None:
        if (action := _ACTIONS.get(event.key)) and await self.app.run_action(action, self):
            event.prevent_default().stop()
