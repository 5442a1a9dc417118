"""Two clocks: the one on the wall, and the one a replay feed moves."""

from datetime import UTC, datetime

from contracts.errors import InvariantBroken


class SystemClock:
    """Wall time."""

    def now(self) -> datetime:
        """The current moment, UTC."""
        return datetime.now(UTC)

    def advance(self, to: datetime) -> None:
        """Nothing: wall time moves by itself."""


class SimulatedClock:
    """Time that stands still until the session moves it."""

    def __init__(self) -> None:
        self._now = datetime.fromtimestamp(0, UTC)

    def now(self) -> datetime:
        """The moment last moved to."""
        return self._now

    def advance(self, to: datetime) -> None:
        """Move forward; standing still is fine, going back is not."""
        if to < self._now:
            raise InvariantBroken(f"expected time to go forward from {self._now}, found a move to {to}")
        self._now = to
