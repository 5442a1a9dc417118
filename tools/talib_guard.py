"""TA-Lib 0.8, guarded against what it does in silence; each line has a test.

- A NaN in the input does not always come out as one: RSI says 0.0 for every bar after it, which reads as
  deeply oversold. Here nothing is known from the first bar that lacks a needed price onward; nothing is
  filled in. A recursive average has no way back, and one rule for all is easier to trust.
- On prices that have never moved RSI and the directional lines are 0 / 0, and TA-Lib says 0. Here they
  are unknown until something moves.
- Recursive averages never forget where the data begins. Of the choice of the first bar there remains,
  600 bars on, under 1e-9 in everything with default settings and in an EMA of 50; 2 % in an EMA of 200.
  The functions below count the bars until it falls under 1 %; a value before that carries a warning.
- An EMA starts from the plain average of its first `period` bars. Inside MACD the fast one starts later,
  beside the slow one, so it is not quite the EMA of the same period.
- The directional sums start from `period` - 1 bars and smooth the next one in, as in Wilder's worksheet.
- MACD with `fast` over `slow` swaps them.
"""

import math
from collections.abc import Callable
from typing import Annotated, TypeAlias

import numpy as np
import numpy.typing as npt

from contracts.market import Bars, Float1D
from tools.parameters import Bounds
from tools.registry import Column
from tools.shared_bars import shared

Bool1D: TypeAlias = npt.NDArray[np.bool_]
Period: TypeAlias = Annotated[int, Bounds(2, 1000)]
NEVER_MOVED = "undefined: no price has moved on these bars"
_REMNANT = 0.01


def window(*, period: int, **_: float) -> int:
    """Bars that fill a window of `period`."""
    return period


def changes(*, period: int) -> int:
    """Bars that hold `period` changes."""
    return period + 1


def wilder_settled(*, period: int) -> int:
    """Bars until one of Wilder's averages has forgotten its start."""
    return changes(period=period) + remembered(1 - 1 / period)


def remembered(decay: float) -> int:
    """Bars after which what is multiplied by `decay` every bar is under 1 %."""
    return math.ceil(math.log(_REMNANT) / math.log(decay))


def floats(column: Float1D) -> Float1D:
    """The column as TA-Lib needs it: contiguous float64."""
    return np.ascontiguousarray(column, dtype=np.float64)


def until_gap(values: Float1D, bars: Bars, *columns: Column) -> Float1D:
    """`values`, unknown from the first bar on which a column is not finite."""
    values[shared(_first_gap, bars, *columns) :] = np.nan
    return values


def once_moved(values: Float1D, bars: Bars, moves: Callable[[Bars], Bool1D]) -> Float1D:
    """`values`, unknown until the first true entry of `moves(bars)`, whose entry i is about bar i + 1."""
    values[: shared(_first_move, bars, moves) + 1] = np.nan
    return values


def _first_gap(bars: Bars, *columns: Column) -> int:
    known: Bool1D = np.logical_and.reduce([np.isfinite(getattr(bars, column)) for column in columns])
    return len(known) if known.all() else int(np.argmin(known))


def _first_move(bars: Bars, moves: Callable[[Bars], Bool1D]) -> int:
    moved = moves(bars)
    return int(np.argmax(moved)) if moved.any() else len(moved)
