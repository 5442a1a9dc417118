"""The line on top of every screen: which desk, which account, and whether money is real."""

from textual.content import Content
from textual.widgets import Static

from tui.door import Status


class StatusLine(Static):
    """Renders the application's `status`, and follows it."""

    def __init__(self) -> None:
        super().__init__("opening the desk", markup=False)

    def on_mount(self) -> None:
        self.watch(self.app, "status", self.show)

    def show(self, status: Status | None) -> None:
        """Show what the desk is now."""
        if status is None:
            return
        self.set_class(status.halted_by is not None, "halted")
        self.set_class(not status.is_paper, "live")
        self.update(Content(status_words(status)))


def status_words(status: Status) -> str:
    """The line as text; a halted desk says so first."""
    where = "own desk" if status.is_own else "attached"
    parts = [
        "PAPER" if status.is_paper else "LIVE",
        f"desk {status.desk}",
        f"account {status.account_id}",
        status.user,
        f"{where}: {status.doing}",
    ]
    line = " · ".join(parts)
    return line if status.halted_by is None else f"HALTED · {line}\n{status.halted_by}"
