"""What is said, newest last: entries that stand, and words of models as they come.

Whoever has scrolled up to read is left there.
"""

from collections.abc import Sequence

from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Markdown, Static
from textual.widgets.markdown import MarkdownStream

from tui.door import Spoke

_MAX_ENTRIES = 200
_MAX_KEPT = 20_000
"""Characters of one speaker that are kept for a screen that opens in the middle."""
_NEAR_THE_END = 12
"""Lines; what was just added counts as not seen yet."""


class Speech(VerticalScroll):
    """Renders what is said."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, can_focus=True)
        self._streams: dict[tuple[str | None, str, str], MarkdownStream] = {}
        self._streamed: dict[str, list[Widget]] = {}
        self._left_at = 0.0
        """Where the newest was shown; elsewhere, the person has scrolled."""

    def on_resize(self) -> None:
        # Narrower means more lines: whoever saw the newest would see it no more.
        if self.scroll_y == self._left_at:
            self.call_after_refresh(self._show_newest)

    async def on_unmount(self) -> None:
        await self.hush()

    async def add(self, entry: Widget) -> None:
        """Show one entry more; the oldest go."""
        # Words may still come in while the terminal is being left.
        if not self.is_attached:
            return
        await self.mount(entry)
        if len(self.children) > _MAX_ENTRIES and not self._streams:
            await self.remove_children(self.children[: len(self.children) - _MAX_ENTRIES])

    async def say(self, who: str, text: str) -> None:
        """Show one line of somebody."""
        await self.add(Static(f"{who}: {text}", markup=False, classes="line"))
        self._follow()

    async def hear(self, spoken: Sequence[Spoke]) -> None:
        """Show words as they come; each speaker goes on where it was."""
        for spoke in spoken if self.is_attached else ():
            if spoke.kind == "desk":
                await self.hush()
                await self.say(spoke.who, spoke.text)
                continue
            stream = self._streams.get((spoke.cycle_id, spoke.who, spoke.kind))
            await (stream or await self._begin(spoke)).write(spoke.text)
        self._follow()

    async def hush(self) -> None:
        """End what is being said; the next words begin anew."""
        streams, self._streams = list(self._streams.values()), {}
        for stream in streams:
            await stream.stop()

    async def settle(self, who: str) -> None:
        """Take away what somebody said while it was coming; the whole follows."""
        await self.hush()
        for entry in self._streamed.pop(who, []):
            await entry.remove()

    def _follow(self) -> None:
        """Show the newest, unless the person has scrolled up to read."""
        if self.max_scroll_y - self.scroll_y <= _NEAR_THE_END:
            self.call_after_refresh(self._show_newest)

    def _show_newest(self) -> None:
        self.scroll_end(animate=False, immediate=True)
        self._left_at = self.scroll_y

    async def _begin(self, spoke: Spoke) -> MarkdownStream:
        if any(cycle_id not in (None, spoke.cycle_id) for cycle_id, _, _ in self._streams):
            # A seat speaks in every cycle, and begins anew in each.
            await self.hush()
        said = Markdown(classes=spoke.kind, open_links=False)
        verb = "thinks" if spoke.kind == "thinks" else "says"
        head = Static(f"{spoke.who} {verb}", markup=False, classes="who")
        await self.add(head)
        await self.add(said)
        still_shown = [entry for entry in self._streamed.get(spoke.who, []) if entry.is_attached]
        self._streamed[spoke.who] = [*still_shown, head, said]
        stream = self._streams[spoke.cycle_id, spoke.who, spoke.kind] = Markdown.get_stream(said)
        return stream


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
