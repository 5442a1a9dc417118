"""The rest of TA-Lib through the registry, under names of the field: a table of texts, and one way to call.

    talib_catalogue/*.toml   what each tool says, reads and needs, where it is from, which function it is
    talib_entries.py         reads the table
    talib_counts.py          counts of bars, written in the table as text
    talib_undefined.py       where a tool has no value although TA-Lib gives one
    this file                makes a `Tool` of each entry

A tool with `settled` is recursive: nothing is known from the first bar that lacks a needed price onward. One
without reads a window: TA-Lib is asked anew for every run of whole bars, and a gap leaves with the window.
A price at or under zero is a gap to a tool that divides by prices (`positive`).

Left out: TA-Lib's maths operators and transforms, which by themselves measure nothing; MA, which only picks
another function; MAVP and BETA, which need a second series that one instrument's bars do not have. The level
of a running line (OBV, AD, PVT, NVI, PVI, WAD, VWAP) depends on where the data begin: the tools tell what it
gained over a window. What TA-Lib calls 0 while there is no value yet (patterns, modes) is unknown here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import talib

from contracts.errors import ToolInputError
from contracts.market import Bars, Float1D
from tools.parameters import Bounds, Parameter
from tools.registry import Column, Tool, add_tool
from tools.shared_bars import shared
from tools.talib_counts import count_of
from tools.talib_entries import Entry, catalogue, doc_of
from tools.talib_guard import floats
from tools.talib_undefined import UNDEFINED, Params

Outputs: TypeAlias = tuple[Float1D, ...]
Run: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Call:
    """What TA-Lib is asked; tools that read different outputs of one answer share it."""

    function: str
    inputs: tuple[Column, ...]
    arguments: tuple[int | float, ...]
    positive: bool
    recursive: bool


def make_tool(name: str, entry: Entry) -> Tool:
    """The tool that an entry describes."""
    counted = count_of(entry.min_bars)

    def min_bars(**params: float) -> int:
        _refuse_disorder(name, entry, params)
        return counted(**params)

    def series(bars: Bars, **params: float) -> Float1D:
        chosen = {key: params.get(key, setting.default) for key, setting in entry.parameters.items()}
        return _series(bars, name, entry, chosen, min_bars(**chosen))

    settled, doc = count_of(entry.settled) if entry.settled else None, doc_of(entry)
    parameters = tuple(
        Parameter(key, type(s.default), s.default, Bounds(s.low, s.high), doc.parameters[key])
        for key, s in entry.parameters.items()
    )
    reads = tuple(dict.fromkeys(entry.inputs))
    return Tool(
        name, entry.group, entry.unit, doc, parameters, reads, min_bars, settled, entry.undefined, series
    )


def _refuse_disorder(name: str, entry: Entry, params: Mapping[str, float]) -> None:
    for smaller, larger in entry.under:
        if params[smaller] >= params[larger]:
            raise ToolInputError(
                f"expected {smaller} of {name} under {larger}, found {params[smaller]:g} and "
                f"{params[larger]:g}; give the smaller one first"
            )
    for smaller, larger in entry.not_over:
        if params[smaller] > params[larger]:
            raise ToolInputError(
                f"expected {smaller} of {name} not over {larger}, found {params[smaller]:g} and "
                f"{params[larger]:g}; TA-Lib would lower it in silence"
            )


def _series(bars: Bars, name: str, entry: Entry, params: Params, needed: int) -> Float1D:
    arguments = tuple(params[a] if isinstance(a, str) else a for a in entry.arguments)
    call = _Call(entry.calls, entry.inputs, arguments, entry.positive, bool(entry.settled))
    values = np.full(len(bars), np.nan)
    for (start, stop), outputs in zip(_runs(bars, call), shared(_outputs, bars, call), strict=True):
        part = _MADE_OF.get(name, _as_it_is)(outputs[entry.output], params)
        unknown = ~np.isfinite(part)
        unknown[: needed - 1] = True
        if name in UNDEFINED:
            unknown |= UNDEFINED[name](bars[start:stop], params)
        values[start:stop] = np.where(unknown, np.nan, part)
    return values


def _outputs(bars: Bars, call: _Call) -> list[Outputs]:
    """What TA-Lib answers for every run of whole bars."""
    columns = [floats(getattr(bars, column)) for column in call.inputs]
    ask: Callable[..., object] = _vwap if call.function == "VWAP" else getattr(talib, call.function)
    found = []
    for start, stop in _runs(bars, call):
        answer = ask(*(column[start:stop] for column in columns), *call.arguments)
        arrays = answer if isinstance(answer, tuple) else (answer,)
        found.append(tuple(np.asarray(array, dtype=np.float64) for array in arrays))
    return found


def _runs(bars: Bars, call: _Call) -> list[Run]:
    """Where each run of whole bars begins and ends; a recursive tool has one, if it begins with the bars."""
    columns = [getattr(bars, column) for column in call.inputs]
    whole = np.logical_and.reduce([np.isfinite(column) for column in columns])
    if call.positive:
        whole &= np.logical_and.reduce([column > 0 for column in columns])
    edges = np.flatnonzero(np.diff(np.concatenate(([False], whole, [False]))))
    runs = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
    return [run for run in runs[:1] if run[0] == 0] if call.recursive else runs


def _as_it_is(values: Float1D, _: Params) -> Float1D:
    return values


def _gained(line: Float1D, params: Params) -> Float1D:
    """What a running line gained over the window."""
    period = int(params["period"])
    gained = np.full(len(line), np.nan)
    gained[period:] = line[period:] - line[:-period]
    return gained


def _percent_gained(line: Float1D, params: Params) -> Float1D:
    period = int(params["period"])
    gained = np.full(len(line), np.nan)
    gained[period:] = 100 * (line[period:] / line[:-period] - 1)
    return gained


def _vwap(high: Float1D, low: Float1D, close: Float1D, volume: Float1D, period: int) -> Float1D:
    average: Float1D = talib.VWMA(talib.TYPPRICE(high, low, close), volume, period)
    return average


# What is made of TA-Lib's answer; that of all others is taken as it is.
_MADE_OF: Mapping[str, Callable[[Float1D, Params], Float1D]] = {
    "accumulation_distribution": _gained,
    "fractal_high": lambda marks, _: marks / 100,
    "fractal_low": lambda marks, _: marks / 100,
    "negative_volume_index": _percent_gained,
    "on_balance_volume": _gained,
    "parabolic_sar_extended": lambda stop, _: np.abs(stop),
    "parabolic_sar_side": lambda stop, _: np.sign(stop),
    "positive_volume_index": _percent_gained,
    "price_volume_trend": _gained,
    "williams_accumulation": _gained,
}

for _name, _entry in catalogue().items():
    add_tool(make_tool(_name, _entry))
