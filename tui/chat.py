"""The chat: what was said by the person, the desk and the models, and the line to type in."""

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.suggester import SuggestFromList
from textual.widgets import Input, Markdown, Static
from textual.widgets.markdown import MarkdownStream

from tui.door import Command, Spoke, Told
from tui.fact_list import FactList
from tui.messages import LineTyped

_MAX_ENTRIES = 200
_HINTS_SHOWN = 4
_MAX_LINE = 4_000
"""The assistant takes no longer question."""
_NEAR_THE_END = 12
"""Lines; what was just added counts as not seen yet."""


class CommandInput(Input):
    """A line with completion of commands by Tab, and the lines before it by the arrows."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self._names = [command.name for command in commands]
        super().__init__(
            placeholder="ask the desk, or type / for commands",
            suggester=SuggestFromList([f"{name} " for name in self._names]),
            id="line",
            max_length=_MAX_LINE,
        )
        self._lines: list[str] = []
        self._at = 0

    def restricted(self) -> None:
        super().restricted()
        self.notify(f"a line holds up to {_MAX_LINE:,} characters; nothing was added", severity="warning")

    def remember(self, line: str) -> None:
        """Keep a line for the arrow keys."""
        self._lines.append(line)
        self._at = len(self._lines)

    def on_key(self, event: events.Key) -> None:
        if event.key == "tab" and self.value.startswith("/") and " " not in self.value:
            event.prevent_default().stop()
            found = [name for name in self._names if name.startswith(self.value)]
            if found:
                self._put(f"{found[0]} ")
        elif event.key in ("up", "down") and self._lines:
            event.prevent_default().stop()
            self._at = min(max(self._at + (1 if event.key == "down" else -1), 0), len(self._lines))
            self._put(self._lines[self._at] if self._at < len(self._lines) else "")

    def _put(self, line: str) -> None:
        self.value = line
        self.cursor_position = len(line)


class Chat(Vertical):
    """Renders what is said; posts LineTyped."""

    def __init__(self, commands: Sequence[Command]) -> None:
        super().__init__(id="chat")
        self._commands = commands
        self._streams: dict[tuple[str, str], MarkdownStream] = {}
        self._streamed: dict[str, list[Static | Markdown]] = {}

    def compose(self) -> ComposeResult:
        yield VerticalScroll(id="said", can_focus=True)
        yield Static("", id="hints", markup=False)
        yield CommandInput(self._commands)

    def on_mount(self) -> None:
        self.query_one("#hints").display = False

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        hints = self._hints(event.value)
        widget = self.query_one("#hints", Static)
        widget.update("\n".join(hints))
        widget.display = bool(hints)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        line = event.value.strip()
        if line:
            self.query_one(CommandInput).remember(line)
            self.query_one(CommandInput).clear()
            self.post_message(LineTyped(line))

    async def tell(self, told: Told, *, is_prose: bool = False) -> None:
        """Show an answer of the desk, or of a model that writes prose."""
        if told.is_mistake:
            await self._add(Static(f"! {told.title}", markup=False, classes="mistake"))
            return
        head = (
            Markdown(told.title, open_links=False, classes="answer")
            if is_prose
            else Static(told.title, markup=False, classes="title")
        )
        await self._add(head)
        if told.rows:
            await self._add(FactList(told.rows))
            # A long answer is read from its beginning.
            said = self.query_one("#said", VerticalScroll)
            self.call_after_refresh(said.scroll_to_widget, head, top=True, animate=False)

    async def say(self, who: str, text: str) -> None:
        """Show one line of somebody."""
        await self._add(Static(f"{who}: {text}", markup=False, classes="line"))
        self._follow()

    async def hear(self, spoken: Sequence[Spoke]) -> None:
        """Show words as they come; each speaker goes on where it was."""
        for spoke in spoken if self.is_attached else ():
            if spoke.kind == "desk":
                await self.hush()
                await self.say(spoke.who, spoke.text)
                continue
            stream = self._streams.get((spoke.who, spoke.kind))
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
        said = self.query_one("#said", VerticalScroll)
        if said.max_scroll_y - said.scroll_y <= _NEAR_THE_END:
            self.call_after_refresh(said.scroll_end, animate=False)

    async def _begin(self, spoke: Spoke) -> MarkdownStream:
        said = Markdown(classes=spoke.kind, open_links=False)
        verb = "thinks" if spoke.kind == "thinks" else "says"
        head = Static(f"{spoke.who} {verb}", markup=False, classes="who")
        await self._add(head)
        await self._add(said)
        still_shown = [entry for entry in self._streamed.get(spoke.who, []) if entry.is_attached]
        self._streamed[spoke.who] = [*still_shown, head, said]
        stream = self._streams[spoke.who, spoke.kind] = Markdown.get_stream(said)
        return stream

    async def _add(self, entry: Static | Markdown) -> None:
        # Words may still come in while the terminal is being left.
        if not self.is_attached:
            return
        said = self.query_one("#said", VerticalScroll)
        await said.mount(entry)
        if len(said.children) > _MAX_ENTRIES and not self._streams:
            await said.remove_children(said.children[: len(said.children) - _MAX_ENTRIES])

    def _hints(self, line: str) -> list[str]:
        if not line.startswith("/"):
            return []
        name, space, _ = line.partition(" ")
        found = [
            each for each in self._commands if (each.name == name if space else each.name.startswith(name))
        ]
        more = [f"and {len(found) - _HINTS_SHOWN} more; Tab completes"] if len(found) > _HINTS_SHOWN else []
        return [
            f"{c.name} {c.takes}: {c.does}" if c.takes else f"{c.name}: {c.does}"
            for c in found[:_HINTS_SHOWN]
        ] + more
