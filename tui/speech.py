"""What is said, newest last: entries that stand, and words of models as they come.

Whoever has scrolled up to read is left there.
"""

from collections.abc import Sequence
from itertools import groupby

from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from tui.door import Spoke
from tui.streamed_words import StreamedWords

_MAX_ENTRIES = 200
_MAX_KEPT = 20_000
"""Characters of one speaker that are kept for a screen that opens in the middle."""


class Speech(VerticalScroll):
    """Renders what is said."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, can_focus=True)
        self._streams: dict[tuple[str | None, str, str], StreamedWords] = {}
        self._streamed: dict[str, list[Widget]] = {}

    def on_mount(self) -> None:
        # The newest stays in sight, whatever grows or is resized, until the person scrolls.
        self.anchor()

    async def add(self, entry: Widget) -> None:
        """Show one entry more; the oldest go."""
        # Words may still come in while the terminal is being left.
        if not self.is_attached:
            return
        await self.mount(entry)
        if len(self.children) > _MAX_ENTRIES and not self._streams:
            await self.remove_children(self.children[: len(self.children) - _MAX_ENTRIES])

    def show_from(self, first: Widget, last: Widget) -> None:
        """Entries longer than the screen are read from their beginning; after others the end is shown."""
        if last.virtual_region.bottom - first.virtual_region.y > self.size.height:
            self.scroll_to_widget(first, top=True, animate=False)

    async def say(self, who: str, text: str) -> None:
        """Show one line of somebody."""
        await self.add(Static(f"{who}: {text}", markup=False, classes="line"))
        # Whoever speaks wants to see what comes of it, however far up was being read.
        self.anchor()

    async def hear(self, spoken: Sequence[Spoke]) -> None:
        """Show words as they come; each speaker goes on where it was."""
        attached = spoken if self.is_attached else ()
        for is_desk, together in groupby(attached, lambda each: each.kind == "desk"):
            if is_desk:
                # In one piece: a replay does dozens of things a second, each piece lays the screen out.
                self.hush()
                lines = "\n".join(f"{each.who}: {each.text}" for each in together)
                # What comes a moment later looks as if it had come at once.
                goes_on = bool(self.children) and self.children[-1].has_class("desk")
                classes = "line desk goes-on" if goes_on else "line desk"
                await self.add(Static(lines, markup=False, classes=classes))
                continue
            for spoke in together:
                stream = self._streams.get((spoke.cycle_id, spoke.who, spoke.kind))
                await (stream or await self._begin(spoke)).write(spoke.text)

    def hush(self) -> None:
        """End what is being said; the next words begin anew."""
        self._streams = {}

    async def settle(self, who: str) -> None:
        """Take away what somebody said while it was coming; the whole follows."""
        self.hush()
        for entry in self._streamed.pop(who, []):
            await entry.remove()

    async def _begin(self, spoke: Spoke) -> StreamedWords:
        if any(cycle_id not in (None, spoke.cycle_id) for cycle_id, _, _ in self._streams):
            # A seat speaks in every cycle, and begins anew in each.
            self.hush()
        said = StreamedWords(classes=spoke.kind)
        verb = "thinks" if spoke.kind == "thinks" else "says"
        head = Static(f"{spoke.who} {verb}", markup=False, classes="who")
        await self.add(head)
        await self.add(said)
        still_shown = [entry for entry in self._streamed.get(spoke.who, []) if entry.is_attached]
        self._streamed[spoke.who] = [*still_shown, head, said]
        self._streams[spoke.cycle_id, spoke.who, spoke.kind] = said
        return said


class SaidSoFar:
    """What the models have said in the cycle that spoke last."""

    def __init__(self) -> None:
        self._cycle_id: str | None = None
        self._said: dict[tuple[str, str], Spoke] = {}

    def add(self, spoken: Sequence[Spoke]) -> None:
        """Keep the words of models in a cycle."""
        for spoke in spoken:
            if spoke.cycle_id is None or spoke.kind == "desk":
                continue
            if spoke.cycle_id != self._cycle_id:
                self._cycle_id, self._said = spoke.cycle_id, {}
            before = self._said.get((spoke.who, spoke.kind))
            text = spoke.text if before is None else before.text + spoke.text
            self._said[spoke.who, spoke.kind] = spoke.model_copy(update={"text": text[-_MAX_KEPT:]})

    def of(self, cycle_id: str) -> tuple[Spoke, ...]:
        """What was said in this cycle; nothing of any but the newest."""
        return tuple(self._said.values()) if cycle_id == self._cycle_id else ()
