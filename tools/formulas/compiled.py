"""The one border between typed Python and Numba.

A kernel is compiled once on a machine, kept on disk beside its source, and loaded at its first call (about
2 ms each). No fast mathematics: additions stay in the order they are written, so machines agree to the bit.
"""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import ParamSpec, TypeVar, cast


def _numba_alone() -> ModuleType:
    """Numba without a look at SciPy's linear algebra, which takes a third of a second and no kernel needs."""
    hidden = {} if "scipy" in sys.modules else {"scipy": None}
    sys.modules.update(hidden)  # type: ignore[arg-type]  # None is Python's own mark for "not importable"
    try:
        import numba
        import numba.np.arraymath
        import numba.np.linalg
    finally:
        for name in hidden:
            del sys.modules[name]
    return numba


numba = _numba_alone()

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """`function` as machine code that lets other threads run, divides by zero in silence, and is cached."""
    return cast("Callable[P, R]", numba.njit(nogil=True, cache=True, error_model="numpy")(function))
