"""One pass over a plan: arrays come and go as formulas are asked for.

    prepare(plan, ...) -> Prepared      how many rows of which step, by which kernel: for one shape of panel
    PlanRun(prepared, panel)            computes

A step's array lives until the last step that reads it has run; then its memory serves the next one.
`delay` costs nothing: arrays that are looked at from d bars ago have d missing rows before their first, and
the delayed array is a view into the same memory. With one wanted row each step computes just the rows that
this row needs. Large arrays are cut by rows over the cores; recursive averages, which know no cut, are not.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from contracts.errors import InvariantBroken
from contracts.market import Float2D
from tools.formulas.conventions import Conventions
from tools.formulas.kernels import Kernel, kernel_of
from tools.formulas.plan import Plan, Step

_WORTH_SPLITTING = 60_000
"""Cells; below it, handing rows to another thread costs more than it saves."""

_NOT_COMPUTED = frozenset({"field", "number", "delay"})


@dataclass(slots=True)
class _Extent:
    """How much of a step's array is needed, and by how many."""

    rows: int = 0
    """Newest rows that are computed."""
    pad: int = 0
    """Missing rows kept before them, for delays that reach before the panel."""
    readers: int = 0
    lookback: int = 0
    """Of the step itself; -1 for all there is."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan for panels of so many bars, of which the newest `rows` are wanted."""

    plan: Plan
    bars: int
    rows: int
    extents: tuple[_Extent, ...]
    kernels: tuple[Kernel | None, ...]


def prepare(plan: Plan, conventions: Conventions, bars: int, rows: int) -> Prepared:
    """Rows, pad and readers of every step, from the formulas back to the fields, and its kernel."""
    extents = [_Extent(lookback=step.lookback) for step in plan.steps]
    for number in plan.outputs.values():
        extents[number].readers += 1
        extents[number].rows = rows
    for number in range(len(extents) - 1, -1, -1):
        step, wanted = plan.steps[number], extents[number]
        if wanted.lookback < 0:
            wanted.rows = bars
        for place in step.args:
            _widen(extents[place], wanted, bars, is_delayed=step.operation == "delay")
    kernels = tuple(
        None if step.operation in _NOT_COMPUTED else kernel_of(step, conventions) for step in plan.steps
    )
    return Prepared(plan, bars, rows, tuple(extents), kernels)


def _widen(source: _Extent, reader: _Extent, bars: int, *, is_delayed: bool) -> None:
    source.readers += 1
    rows = bars if reader.lookback < 0 else reader.rows + reader.lookback
    source.rows = max(source.rows, min(rows, bars))
    if is_delayed:
        source.pad = max(source.pad, rows - bars)


class PlanRun:
    """Computes the steps of a plan as far as they are asked for; a context, for its threads."""

    def __init__(self, prepared: Prepared, panel: Mapping[str, Float2D], threads: int) -> None:
        self._plan = prepared.plan
        self._extents = prepared.extents
        self._kernels = prepared.kernels
        self._rows = prepared.rows
        self._readers = [extent.readers for extent in prepared.extents]
        self._panel = panel
        self._columns = next(iter(panel.values())).shape[1]
        self._values: dict[int, Float2D] = {}
        self._buffers: dict[int, Float2D] = {}
        self._spare: dict[int, list[Float2D]] = {}
        self._next = 0
        self._parts = threads if self._rows * self._columns >= _WORTH_SPLITTING else 1
        self._pool = ThreadPoolExecutor(self._parts - 1) if self._parts > 1 else None

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def array(self, name: str) -> Float2D:
        """The formula's rows, for the caller to keep."""
        number = self._plan.outputs.get(name)
        if number is None:
            return np.full((self._rows, self._columns), np.nan)
        while self._next <= number:
            if self._readers[self._next]:
                self._compute(self._next)
            self._next += 1
        value = self._values[number]
        if self._readers[number] == 1 and number in self._buffers and len(value) == self._rows:
            del self._buffers[number]  # It is the caller's now, and must not serve another step.
        else:
            value = value[-self._rows :].copy()
        self._release(number)
        return value

    def _compute(self, number: int) -> None:
        step, kernel = self._plan.steps[number], self._kernels[number]
        if kernel is not None:
            self._values[number] = self._applied(number, step, kernel)
        elif step.operation == "delay":
            # Its source lives as long as it does.
            self._values[number] = self._delayed(number, step)
            return
        elif step.operation == "field":
            self._values[number] = self._field(number, step.label)
        else:
            self._values[number] = np.full((1, self._columns), step.settings[0])
        for place in step.args:
            self._release(place)

    def _applied(self, number: int, step: Step, kernel: Kernel) -> Float2D:
        extent, out = self._extents[number], self._buffer(number)
        values = [self._values[place] for place in step.args]
        if extent.lookback < 0 or self._parts == 1:
            kernel(_reaching(values, extent.rows, 0, extent.lookback), out)
            return out
        cuts = [extent.rows * part // self._parts for part in range(self._parts + 1)]
        parts = [
            (_reaching(values, extent.rows - begin, extent.rows - end, extent.lookback), out[begin:end])
            for begin, end in pairwise(cuts)
        ]
        if self._pool is None:
            raise InvariantBroken(f"expected threads for {self._parts} parts, found none; mend the engine")
        others = [self._pool.submit(kernel, read, write) for read, write in parts[1:]]
        kernel(*parts[0])
        for other in others:
            other.result()
        return out

    def _field(self, number: int, name: str) -> Float2D:
        extent = self._extents[number]
        given = self._panel[name][-extent.rows :]
        if extent.pad == 0:
            return np.ascontiguousarray(given)
        out = self._buffer(number)
        out[:] = given
        return out

    def _delayed(self, number: int, step: Step) -> Float2D:
        source, rows = step.args[0], self._extents[number].rows
        # With the missing rows before them.
        padded = self._buffers.get(source, self._values[source])
        end = len(padded) - int(step.settings[0])
        return padded[end - rows : end]

    def _buffer(self, number: int) -> Float2D:
        extent = self._extents[number]
        spare = self._spare.get(extent.rows + extent.pad)
        buffer = spare.pop() if spare else np.empty((extent.rows + extent.pad, self._columns))
        self._buffers[number] = buffer
        if extent.pad == 0:
            return buffer
        buffer[: extent.pad] = np.nan
        return buffer[extent.pad :]

    def _release(self, number: int) -> None:
        self._readers[number] -= 1
        if self._readers[number]:
            return
        del self._values[number]
        buffer = self._buffers.pop(number, None)
        if buffer is not None:
            self._spare.setdefault(len(buffer), []).append(buffer)
        step = self._plan.steps[number]
        if step.operation == "delay":
            self._release(step.args[0])


def _reaching(values: Sequence[Float2D], begin: int, end: int, lookback: int) -> list[Float2D]:
    """Of each array the rows that results from `begin` to `end` rows before the last need.

    A number's single row stands for all.
    """
    found = []
    for value in values:
        rows = len(value)
        first = 0 if lookback < 0 else max(rows - begin - lookback, 0)
        is_whole = rows == 1 or (first == 0 and end == 0)
        found.append(value if is_whole else value[first : rows - end])
    return found
