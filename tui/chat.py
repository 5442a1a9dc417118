"""The chat: what was said by the person, the desk and the models, and the line to type in."""

from collections.abc import Callable, Sequence
from datetime import datetime

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.suggester import SuggestFromList
from textual.widgets import Input, Markdown, Static

from tui.door import Command, Told
from tui.fact_list import FactList
from tui.messages import LineTyped
from tui.source_list import SourceList
from tui.speech import Speech
from tui.typed_line import TypedLine
from tui.waiting_line import WaitingLine

_HINTS_SHOWN = 4
_MAX_LINE = 4_000
"""The assistant takes no longer question."""


class CommandInput(TypedLine):
    """A line with completion of commands by Tab, and the lines before it by the arrows; posts LineTyped."""

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

    async def action_submit(self) -> None:
        # Empty at once: what is typed next may be there already when the chat hears of this.
        line = self.value.strip()
        self.clear()
        if line:
            self._lines.append(line)
            self._at = len(self._lines)
            self.post_message(LineTyped(line))

    async def on_key(self, event: events.Key) -> None:
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
    """Renders what is said."""

    def __init__(self, commands: Sequence[Command], now: Callable[[], datetime]) -> None:
        super().__init__(id="chat")
        self._commands, self._now = commands, now
        self._hinted = ""

    def compose(self) -> ComposeResult:
        yield Speech(id="said")
        yield WaitingLine(self._now)
        yield Static("", id="hints", markup=False)
        yield CommandInput(self._commands)

    def on_mount(self) -> None:
        self.query_one("#hints").display = False

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        hints = "\n".join(self._hints(event.value))
        if hints == self._hinted:
            # Else every key would lay the whole screen out anew.
            return
        self._hinted = hints
        widget = self.query_one("#hints", Static)
        widget.update(hints)
        widget.display = bool(hints)

    async def tell(self, told: Told, *, is_prose: bool = False, to: str = "") -> None:
        """Show an answer of the desk, or of a model that writes prose; `to` names an earlier line."""
        if to:
            await self.said.add(Static(f"the answer to: {to}", markup=False, classes="line"))
        if told.is_mistake:
            await self.said.add(Static(f"! {told.title}", markup=False, classes="mistake"))
            # That something was not done is never left out of sight.
            self.said.anchor()
            return
        head = (
            Markdown(told.title, open_links=False, classes="answer")
            if is_prose
            else Static(told.title, markup=False, classes="title")
        )
        await self.said.add(head)
        if told.rows:
            await self.said.add(FactList(told.rows))
        if told.sources:
            await self.said.add(Static("rests on", classes="rests-on"))
            await self.said.add(SourceList(told.sources))
        if told.rows or told.sources:
            self.call_after_refresh(self.said.show_from, head, self.said.children[-1])

    def focus_sources(self) -> bool:
        """Go to what the newest answer rests on; False where nothing said so far rests on anything."""
        lists = self.query(SourceList)
        if lists:
            lists.last().focus()
        return bool(lists)

    @property
    def said(self) -> Speech:
        """What was said."""
        return self.query_one("#said", Speech)

    @property
    def waiting(self) -> WaitingLine:
        """What has no answer yet."""
        return self.query_one(WaitingLine)

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
