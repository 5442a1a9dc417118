"""A breaker on each line: a server that keeps failing is left alone for a while.

After some failures in a row the line rests; then a request is let through, and its end decides. While it
rests the seat abstains at once, saying so, which costs the panel no time. A seat asks one thing at a time, so
there is never more than one to try.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from agents.exchanges import Caller
from contracts.exchange import Exchange

_FAILED = frozenset({"cut", "deadline", "timeout", "unreachable"})


@dataclass
class _Line:
    failures: int = 0
    rests_until: float = 0.0


class Breaker:
    """Lines are told apart by role, seat, provider and model; `now` is in seconds and never goes back."""

    def __init__(self, failures: int, rest_s: float, now: Callable[[], float] = monotonic) -> None:
        self._limit = failures
        self._rest_s = rest_s
        self._now = now
        self._lines: dict[tuple[str, ...], _Line] = {}

    def why_not(self, caller: Caller) -> str | None:
        """Why this line is left alone, or None."""
        line = self._lines.get(_key(caller))
        if line is None or line.failures < self._limit:
            return None
        left = line.rests_until - self._now()
        if left <= 0:
            return None
        return f"its last {line.failures} requests failed; it rests for another {left:.0f} s"

    def note(self, exchange: Exchange) -> None:
        """An exchange has ended."""
        if exchange.outcome in ("not_asked", "late"):
            return
        line = self._lines.setdefault(_key(exchange), _Line())
        if exchange.outcome in _FAILED or (exchange.status or 0) >= 500 or exchange.status == 429:
            line.failures += 1
            line.rests_until = self._now() + self._rest_s
        else:
            line.failures = 0


def _key(of: Caller | Exchange) -> tuple[str, ...]:
    return (of.role, of.seat, of.provider, of.model)
