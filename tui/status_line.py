"""The line on top of every screen: which desk, which account, and whether money is real.

It stays one line in whatever a desk ordinarily does, so that nothing below it jumps: what is being done is
shortened, the names and PAPER or LIVE never are. What is wrong is told whole, on as many lines as it takes.
"""

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from tui.door import Status

_BETWEEN = " · "
_LEAST = 10
"""Columns under which what is being done says nothing, and gets a line of its own."""


class StatusLine(Widget):
    """Renders the application's `status`, and follows it."""

    def __init__(self) -> None:
        super().__init__()
        self._status: Status | None = None
        self._unread = ""

    def on_mount(self) -> None:
        self.watch(self.app, "status", self.show)
        self.watch(self.app, "unread", self._tell_unread)

    def show(self, status: Status | None) -> None:
        """Show what the desk is now."""
        self._status = status
        if status is None:
            return
        self.set_class(status.halted_by is not None, "halted")
        self.set_class(not status.is_paper, "live")
        self.set_class(bool(self._unread), "unread")
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return len(self._lines(width))

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.content_size.width))

    def _tell_unread(self, unread: str) -> None:
        self._unread = unread
        self.show(self._status)

    def _lines(self, width: int) -> list[Content]:
        words = (
            "opening the desk" if self._status is None else status_words(self._status, self._unread, width)
        )
        return Content(words).wrap(max(1, width))


def status_words(status: Status, unread: str, width: int) -> str:
    """The line as text; a desk that cannot be read, or is halted, says so first."""
    parts = [
        "PAPER" if status.is_paper else "LIVE",
        f"desk {status.desk}",
        f"account {status.account_id}",
        status.user,
    ]
    if unread:
        parts.insert(0, "OLD")
    if status.halted_by is not None:
        parts.insert(0, "HALTED")
    names = _BETWEEN.join(parts)
    room = width - cell_len(names) - len(_BETWEEN)
    doing = _doing(status, room if room >= _LEAST else width)
    is_apart = room < _LEAST and not status.is_stopped
    head = f"{names}\n{doing}" if is_apart else f"{names}{_BETWEEN}{doing}"
    return "\n".join(filter(None, (head, status.halted_by, unread)))


def _doing(status: Status, room: int) -> str:
    """Who runs the desk and what is being done, in this many columns; whole where it has stopped."""
    where = "own desk" if status.is_own else "attached"
    whole = f"{where}: {status.doing}"
    if status.is_stopped or cell_len(whole) <= room:
        return whole
    shorter = f"{where.removesuffix(' desk')}: {status.doing}"
    if cell_len(shorter) <= room:
        return shorter
    return f"{set_cell_size(shorter, room - 1).rstrip(' ,;:')}…" if room > 1 else ""
