"""What comes of every failure at every model: measured, and held against the laws, never typed.

The faults and the laws are those of the tests; a fault that ends otherwise stops the generator.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import groupby

from tests.agents.failure_scene import BRAINS, SEATS, Found, undergo
from tests.agents.failures import ALL

HEAD = ("fault", "model", "on record", "the desk", "requests", "tokens", "dollars")
LAWS = (
    f"No fault ended as HOLD, as a number or as a traceback, and each replay was identical: {len(ALL)} cases "
    f"at {len(SEATS)} seats and {len(BRAINS)} kinds of brain, checked whenever this table is made."
)
_MOST = 110
"""Characters of what is on record."""


@cache
def measured() -> tuple[tuple[str, ...], ...]:
    """A row for each fault and each group of models with the same end; Lawless where one has a bad one."""
    return tuple(asyncio.run(_rows()))


async def _rows() -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for fault in ALL:
        for group in (SEATS, tuple(BRAINS)):
            found = [await undergo(fault, who) for who in group]
            rows += [(fault.name, *row) for row in _merged(found)]
    return rows


def _merged(found: Sequence[Found]) -> Iterator[tuple[str, ...]]:
    for (on_record, decision), same in groupby(found, lambda each: (each.on_record, each.decision)):
        of = list(same)
        shown = on_record if len(on_record) <= _MOST else f"{on_record[:_MOST].rstrip()} ..."
        requests = _each(of, lambda each: str(each.n_requests))
        tokens, usd = _each(of, lambda each: f"{each.tokens:,}"), _each(of, lambda each: f"{each.usd:f}")
        yield _named(of, found), f"`{shown}`", decision, requests, tokens, usd


def _named(of: Sequence[Found], group: Sequence[Found]) -> str:
    if len(of) < len(group):
        return "; ".join(each.who for each in of)
    return "brain" if of[0].who in BRAINS else "all seats"


def _each(of: Sequence[Found], told: Callable[[Found], str]) -> str:
    """One figure where it is the same for all."""
    figures = [told(each) for each in of]
    return figures[0] if len(set(figures)) == 1 else " / ".join(figures)
