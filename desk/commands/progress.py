"""How far along, on stderr: a bar on a terminal, a line every tenth of the way elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

_LINES = 10


class ProgressReport:
    """Told where the work stands between its first and its last point (counts or seconds, as one likes)."""

    def __init__(self, console: Console, what: str) -> None:
        self._console = console
        self._what = what
        self._first: float | None = None
        self._tenth = 0
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, transient=True) if console.is_terminal else None
        self._task = self._bar.add_task(what, total=None) if self._bar is not None else None

    def update(self, now: float, last: float | None, text: str) -> None:
        """Show that `now` is reached on the way to `last` (None: nobody knows), and what is at hand."""
        if self._first is None:
            self._first = now
        done, total = now - self._first, None if last is None else last - self._first
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, description=f"{self._what} {text}")
        elif total:
            self._print_line(done / total, text)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The bar off the screen while a person is asked."""
        if self._bar is not None:
            self._bar.stop()
        try:
            yield
        finally:
            if self._bar is not None:
                self._bar.start()

    def _print_line(self, share: float, text: str) -> None:
        if int(_LINES * share) > self._tenth:
            self._tenth = int(_LINES * share)
            self._console.print(f"{self._what} {100 * share:.0f} %  {text}")
