"""Bars with what was computed from them, and with what else is known of the market beside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from contracts.market import Bars
from contracts.ticks import Beside

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SharedBars(Bars):
    """Bars that keep what `shared` computed from them, so that all rows of one report use it.

    Make them for one piece of work and drop them with it. Arrays that are kept are read-only.
    """

    others: tuple[Bars, ...] = field(default=(), repr=False, compare=False)
    """Bars of the other instruments of the universe, for what compares instruments."""
    beside: Beside = field(default=Beside(), repr=False, compare=False)
    """What else is known of the market; nothing in it is later than the newest bar's close."""
    kept: dict[tuple[object, ...], Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, bars: Bars, others: Sequence[Bars] = (), beside: Beside | None = None) -> "SharedBars":
        """The same columns, with nothing kept yet."""
        columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
        return cls(bars.open_time, bars.close_time, *columns, bars.side, tuple(others), beside or Beside())


def shared(kernel: Callable[Concatenate[Bars, P], T], bars: Bars, *args: P.args, **kwargs: P.kwargs) -> T:
    """`kernel(bars, ...)`; of `SharedBars` it is computed once for the same arguments."""
    if not isinstance(bars, SharedBars):
        return kernel(bars, *args, **kwargs)
    key = (kernel, args, tuple(kwargs.items()))
    found: T | None = bars.kept.get(key)
    if found is None:
        found = bars.kept[key] = kernel(bars, *args, **kwargs)
        for part in found if isinstance(found, tuple) else (found,):
            if isinstance(part, np.ndarray):
                part.flags.writeable = False
    return found
