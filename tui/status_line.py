"""The line on top of every screen: which desk, which account, and whether money is real."""

from textual.content import Content
from textual.widgets import Static

from tui.door import Status


class StatusLine(Static):
    """Renders the application's `status`, and follows it."""

    def __init__(self) -> None:
        super().__init__("opening the desk", markup=False)
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
        self.update(Content(status_words(status, self._unread)))

    def _tell_unread(self, unread: str) -> None:
        self._unread = unread
        self.show(self._status)


def status_words(status: Status, unread: str = "") -> str:
    """The line as text; a desk that cannot be read, or is halted, says so first."""
    where = "own desk" if status.is_own else "attached"
    parts = [
        "PAPER" if status.is_paper else "LIVE",
        f"desk {status.desk}",
        f"account {status.account_id}",
        status.user,
        f"{where}: {status.doing}",
    ]
    if unread:
        parts.insert(0, "OLD")
    if status.halted_by is not None:
        parts.insert(0, "HALTED")
    return "\n".join(filter(None, (" · ".join(parts), status.halted_by, unread)))
