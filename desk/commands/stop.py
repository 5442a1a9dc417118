"""A clean stop: the first Ctrl+C or SIGTERM is heard between two acts, a second one leaves at once."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Self

_HEARD = (signal.SIGINT, signal.SIGTERM)
_STDERR = 2
_STOPPING = b"\nstopping after this step; Ctrl+C again leaves at once, and the next run finishes it\n"
"""A model that is being asked is waited for, up to its deadline."""


class StopRequest:
    """Listens while it is entered; whoever drives the desk asks `requested_by` between two steps."""

    def __init__(self) -> None:
        self.requested_by: str | None = None
        self._is_person_asked = False
        self._before: dict[signal.Signals, signal.Handlers] = {}

    def __enter__(self) -> Self:
        for which in _HEARD:
            self._before[which] = signal.signal(which, self._hear)  # type: ignore[assignment]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for which, handler in self._before.items():
            signal.signal(which, handler)

    @contextmanager
    def cutting_short(self) -> Iterator[None]:
        """While a person is asked nothing is half done, so a signal raises KeyboardInterrupt here."""
        if sys.platform != "win32":
            for which in _HEARD:
                # Polars puts its own handler before ours, and with it a read that was interrupted is
                # begun again: the prompt would not hear Ctrl+C before the next Enter.
                signal.siginterrupt(which, True)
        self._is_person_asked = True
        try:
            yield
        finally:
            self._is_person_asked = False

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        is_second = self.requested_by is not None
        self.requested_by = signal.Signals(number).name
        if is_second or self._is_person_asked:
            raise KeyboardInterrupt
        # What prints may be at work just now, and cannot be entered twice.
        with suppress(OSError):
            os.write(_STDERR, _STOPPING)
