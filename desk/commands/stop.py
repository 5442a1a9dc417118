"""A clean stop: the first Ctrl+C or SIGTERM is heard between two acts, a second one leaves at once."""

import signal
from types import FrameType, TracebackType
from typing import Self


class StopRequest:
    """Listens while it is entered; whoever drives the desk asks `requested_by` between two steps."""

    def __init__(self) -> None:
        self.requested_by: str | None = None
        self.is_person_asked = False
        """At a prompt nothing is half done, so a stop may cut it short."""
        self._before: dict[signal.Signals, signal.Handlers] = {}

    def __enter__(self) -> Self:
        for which in (signal.SIGINT, signal.SIGTERM):
            self._before[which] = signal.signal(which, self._hear)  # type: ignore[assignment]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for which, handler in self._before.items():
            signal.signal(which, handler)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        is_second = self.requested_by is not None
        self.requested_by = signal.Signals(number).name
        if is_second or self.is_person_asked:
            raise KeyboardInterrupt
