"""One pass over a plan: arrays come and go as formulas are asked for.

A step's array lives until the last step that reads it has run; then its memory serves the next one.
`delay` costs nothing: arrays that are looked at from d bars ago have d missing rows before their first, and
the delayed array is a view into the same memory. With one wanted row each step computes just the rows that
this row needs. Large arrays are cut by rows over the cores; recursive averages, which know no cut, are not.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from contracts.errors import InvariantBroken
from tools.formulas.conventions import Conventions
from tools.formulas.plan import Plan, Step

Float2D: TypeAlias = npt.NDArray[np.float64]

_WORTH_SPLITTING = 60_000
"""Cells; below it, handing rows to another thread costs more than it saves."""


@dataclass(slots=True)
class _Extent:
    """How much of a step's array is needed, and by how many."""

    rows: int = 0
    """Newest rows that are computed."""
    pad: int = 0
    """Missing rows kept before them, for delays that reach before the panel."""
    readers: int = 0


class PlanRun:
    """Computes the steps of a plan as far as they are asked for; a context, for its threads."""

    def __init__(
        self,
        plan: Plan,
        panel: Mapping[str, Float2D],
        conventions: Conventions,
        *,
        last_only: bool,
        threads: int,
    ) -> None:
        # Kernels bring Numba with them: not before there is something to compute.
        from tools.formulas.kernels import kernel_of

        self._kernel_of = kernel_of
        self._plan = plan
        self._panel = panel
        self._conventions = conventions
        self._bars, self._columns = next(iter(panel.values())).shape
        self._rows = 1 if last_only else self._bars
        self._extents = self._measured()
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
            self._compute(self._next)
            self._next += 1
        value = self._values[number][-self._rows :]
        is_free = self._extents[number].readers == 1 and number in self._buffers
        if is_free:
            del self._buffers[number]  # It is the caller's now, and must not serve another step.
        else:
            value = value.copy()
        self._release(number)
        return value

    def _measured(self) -> list[_Extent]:
        """Rows, pad and readers of every step, from the formulas back to the fields."""
        extents = [_Extent() for _ in self._plan.steps]
        for number in self._plan.outputs.values():
            extents[number].readers += 1
            extents[number].rows = self._rows
        for number in range(len(extents) - 1, -1, -1):
            step, wanted = self._plan.steps[number], extents[number]
            if step.lookback < 0:
                wanted.rows = self._bars
            for place in step.args:
                self._widen(extents[place], wanted, step)
        return extents

    def _widen(self, source: _Extent, wanted: _Extent, reader: Step) -> None:
        source.readers += 1
        rows = self._bars if reader.lookback < 0 else wanted.rows + reader.lookback
        source.rows = max(source.rows, min(rows, self._bars))
        if reader.operation == "delay":
            source.pad = max(source.pad, rows - self._bars)

    def _compute(self, number: int) -> None:
        step, extent = self._plan.steps[number], self._extents[number]
        if extent.readers == 0:
            return
        if step.operation == "field":
            self._values[number] = self._field(number, step.label, extent)
        elif step.operation == "number":
            self._values[number] = np.full((1, self._columns), step.settings[0])
        elif step.operation == "delay":
            self._values[number] = self._delayed(step, extent)
        else:
            self._values[number] = self._applied(number, step, extent)
        for place in step.args:
            if step.operation != "delay":
                self._release(place)

    def _applied(self, number: int, step: Step, extent: _Extent) -> Float2D:
        out = self._buffer(number, extent)
        kernel = self._kernel_of(step, self._conventions)
        values = [self._values[place] for place in step.args]
        if step.lookback < 0 or self._parts == 1:
            kernel(_reaching(values, extent.rows, 0, step.lookback), out)
            return out
        cuts = [extent.rows * part // self._parts for part in range(self._parts + 1)]
        parts = [
            (_reaching(values, extent.rows - begin, extent.rows - end, step.lookback), out[begin:end])
            for begin, end in pairwise(cuts)
        ]
        if self._pool is None:
            raise InvariantBroken(f"expected threads for {self._parts} parts, found none; mend the engine")
        others = [self._pool.submit(kernel, read, write) for read, write in parts[1:]]
        kernel(*parts[0])
        for other in others:
            other.result()
        return out

    def _field(self, number: int, name: str, extent: _Extent) -> Float2D:
        given = self._panel[name][-extent.rows :]
        if extent.pad == 0:
            return np.ascontiguousarray(given)
        out = self._buffer(number, extent)
        out[:] = given
        return out

    def _delayed(self, step: Step, extent: _Extent) -> Float2D:
        source = step.args[0]
        bars = int(step.settings[0])
        rows = self._padded(source)
        return rows[len(rows) - bars - extent.rows : len(rows) - bars]

    def _padded(self, number: int) -> Float2D:
        """The step's rows with the missing ones before them."""
        buffer = self._buffers.get(number)
        return self._values[number] if buffer is None else buffer

    def _buffer(self, number: int, extent: _Extent) -> Float2D:
        spare = self._spare.get(extent.rows + extent.pad)
        shape = (extent.rows + extent.pad, self._columns)
        buffer = spare.pop() if spare else np.empty(shape)
        buffer[: extent.pad] = np.nan
        self._buffers[number] = buffer
        return buffer[extent.pad :]

    def _release(self, number: int) -> None:
        extent = self._extents[number]
        extent.readers -= 1
        if extent.readers:
            return
        step = self._plan.steps[number]
        del self._values[number]
        buffer = self._buffers.pop(number, None)
        if buffer is not None:
            self._spare.setdefault(len(buffer), []).append(buffer)
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
        found.append(value if rows == 1 else value[first : rows - end])
    return found
