"""The one place a tool is registered: `@tool` above a function, and everyone reads the same table.

    @tool(group=..., unit=..., reads=..., min_bars=...)
    def rsi(bars, *, period: Annotated[int, Bounds(2, 1000)] = 14) -> Float1D

A series tool gives one value a bar: value i uses bars 0..i and nothing later, NaN while it is not known.
`series` gives all of them, `call` the newest one, or the reason why there is none. What fits a model has
`@estimate` above it and gives the newest value only: a fit a bar would cost too much. So has what reads
anything else than bars; it names that in place of `bars`: `trades`, `quotes`, `book`, or `bars, other` for a
pair. Where a market does not give it, the tool says so and has no value. A table of tools goes through
`add_tool`. A tool without a full docstring, a unit or its own name stops the import: an agent
reads those words to choose.

Importing this module is cheap; the tools, and TA-Lib with them, come in at the first look-up.
"""

import difflib
import importlib
import inspect
import math
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn, TypeAlias, TypeVar

import numpy as np

from contracts.errors import InvariantBroken, ToolInputError
from contracts.market import Bars, Float1D
from contracts.ticks import Beside
from tools.parameters import Parameter, parameters_of
from tools.shared_bars import SharedBars, shared
from tools.tool_docs import INPUTS, Doc, parsed_doc, too_few, unfit

Column: TypeAlias = Literal["open", "high", "low", "close", "volume", "traded_volume"]
"""A column of the bars; `traded_volume` is volume that has to be what was traded."""
BarCount: TypeAlias = Callable[..., int]
"""Bars, or rows of what else a tool reads first, counted from its parameters, given by name.

Raises ToolInputError where they clash.
"""

SeriesFunction = TypeVar("SeriesFunction", bound=Callable[..., Float1D])
EstimateFunction = TypeVar("EstimateFunction", bound=Callable[..., "ToolValue"])

_MODULES = (
    "tools.bollinger",
    "tools.book_readings",
    "tools.change_points",
    "tools.cointegration",
    "tools.har",
    "tools.har_edge",
    "tools.harq",
    "tools.indicators",
    "tools.long_memory",
    "tools.mean_reversion",
    "tools.order_flow",
    "tools.pair_correlation",
    "tools.pivots",
    "tools.price_impact",
    "tools.range_volatility",
    "tools.ranges",
    "tools.realized_variance",
    "tools.regime",
    "tools.regime_switching",
    "tools.schedule_cost",
    "tools.spread_estimators",
    "tools.square_root_impact",
    "tools.stationarity",
    "tools.talib_functions",
    "tools.trade_signs",
    "tools.trading_costs",
    "tools.volatility",
    "tools.volatility_cone",
    "tools.volatility_models",
    "tools.volatility_state",
    "tools.volume_confirmation",
    "tools.vpin",
)
_BARS = ("bars",)
_NOT_FINITE = "the result is not a finite number on these bars"
_TOOLS: dict[str, "Tool"] = {}


@dataclass(frozen=True, slots=True)
class ToolValue:
    """The newest value of a tool and how many bars it read; None comes with the reason."""

    value: float | None
    n_obs: int
    reason: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool with all its parameters, checked; it can be asked bar after bar."""

    tool: "Tool"
    params: Mapping[str, int | float]
    min_bars: int
    settled_bars: int
    """0 for a tool that reads a window."""

    def series(self, bars: Bars) -> Float1D:
        """One value a bar, NaN where it is not known."""
        values = shared(self.tool.function, bars, **self.params)
        if values.shape != (len(bars),):
            raise InvariantBroken(
                f"expected {len(bars)} values from {self.tool.name}, found an array of {values.shape}; "
                "mend it"
            )
        return values

    def newest(self, bars: Bars) -> ToolValue:
        """The newest value, or None with the reason."""
        given = self._given(bars)
        if isinstance(given, str):
            return ToolValue(None, 0, given)
        has = len(given[0])
        if has < self.min_bars:
            return ToolValue(None, has, too_few(self.min_bars, self.tool.inputs[0], has))
        if self.tool.estimate:
            found = (
                shared(self.tool.estimate, bars, **self.params)
                if self.tool.inputs == _BARS
                else self.tool.estimate(*given, **self.params)
            )
            if found.value is None and found.reason is None:
                return replace(found, reason=self._why_missing(bars[len(bars) - found.n_obs :]))
            return found
        read = bars if self.settled_bars else shared(_newest, bars, self.min_bars)
        value, warnings = float(self.series(read)[-1]), self._warnings(has)
        if math.isfinite(value):
            return ToolValue(value, len(read), None, warnings)
        return ToolValue(None, len(read), self._why_missing(read), warnings)

    def _given(self, bars: Bars) -> tuple[Any, ...] | str:
        """What the tool reads, or what of it is not there."""
        if self.tool.inputs == _BARS and "traded_volume" not in self.tool.reads:
            return (bars,)
        beside = bars.beside if isinstance(bars, SharedBars) else Beside()
        found = {name: bars if name == "bars" else getattr(beside, name) for name in self.tool.inputs}
        missing = [INPUTS[name][0] for name, rows in found.items() if rows is None]
        if missing:
            return f"needs {' and '.join(missing)}, not given here"
        if "traded_volume" in self.tool.reads and not beside.is_volume_traded:
            return "needs traded volume; what these bars count as volume are changes of the price"
        return tuple(found.values())

    def _warnings(self, has: int) -> tuple[str, ...]:
        settled = self.settled_bars
        if has >= settled:
            return ()
        return (f"has {has} bars; under {settled} where they begin still counts for over 1 % of the value",)

    def _why_missing(self, read: Bars) -> str:
        for column in self.tool.columns:
            n_missing = int(np.count_nonzero(~np.isfinite(getattr(read, column))))
            if n_missing == len(read):
                return f"needs {column}, which these bars do not have"
            if n_missing:
                return f"needs {column} on every bar, missing on {n_missing} of {len(read)}"
        return self.tool.undefined


@dataclass(frozen=True, slots=True)
class Tool:
    """A registered tool; one with an `estimate` has no series."""

    name: str
    group: str
    unit: str
    doc: Doc
    parameters: tuple[Parameter, ...]
    reads: tuple[Column, ...]
    min_bars: BarCount
    settled_bars: BarCount | None
    undefined: str
    function: Callable[..., Float1D]
    estimate: Callable[..., ToolValue] | None = None
    inputs: tuple[str, ...] = _BARS
    """What it reads, in the order of its arguments: keys of `INPUTS`."""

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return self.doc.summary

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the bars it reads."""
        return tuple("volume" if name == "traded_volume" else name for name in self.reads)

    def check(self, /, **params: float) -> dict[str, int | float]:
        """All parameters, given and default; ToolInputError names the first that cannot be used."""
        known = [parameter.name for parameter in self.parameters]
        for name in params:
            if name not in known:
                raise ToolInputError(
                    f"expected parameters of {self.name} among {', '.join(known) or 'none'}, found "
                    f"{name!r}; {_nearest(name, known)}",
                    parameter=name,
                )
        chosen = {p.name: self._checked(p, params.get(p.name, p.default)) for p in self.parameters}
        self.min_bars(**chosen)
        return chosen

    def prepare(self, /, **params: float) -> ToolCall:
        """The tool with these parameters, checked once. ToolInputError for ones it cannot use."""
        chosen = self.check(**params)
        settled = self.settled_bars(**chosen) if self.settled_bars else 0
        return ToolCall(self, chosen, self.min_bars(**chosen), settled)

    def series(self, bars: Bars, /, **params: float) -> Float1D:
        """One value a bar, NaN where it is not known. ToolInputError for parameters it cannot use."""
        return self.prepare(**params).series(bars)

    def call(self, bars: Bars, /, **params: float) -> ToolValue:
        """The newest value, or None with the reason. ToolInputError for parameters it cannot use."""
        return self.prepare(**params).newest(bars)

    def _checked(self, parameter: Parameter, value: object) -> int | float:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        bounds = parameter.bounds
        if (is_whole or (parameter.kind is float and isinstance(value, float))) and (
            bounds.low <= typing.cast("float", value) <= bounds.high
        ):
            return parameter.kind(typing.cast("float", value))
        what = "a whole number" if parameter.kind is int else "a number"
        raise ToolInputError(
            f"expected {parameter.name} of {self.name} to be {what} from {bounds.low:g} to "
            f"{bounds.high:g}, found {value!r}; give one in that range",
            parameter=parameter.name,
        )


def tool(
    *,
    group: str,
    unit: str,
    reads: Sequence[Column],
    min_bars: BarCount,
    settled_bars: BarCount | None = None,
    undefined: str = _NOT_FINITE,
) -> Callable[[SeriesFunction], SeriesFunction]:
    """Register the series tool below; the function itself is left as it is.

    `reads` are the bar columns it needs. `min_bars` counts the bars up to the first value. A tool whose
    value depends on every bar it is given (a recursive average) has `settled_bars`: from there on the
    choice of the first bar weighs under 1 %; without it the tool reads its newest `min_bars` and no more.
    `undefined` says why there may be no value on sound bars. InvariantBroken for a tool that is not fit
    to be shown.
    """

    def register(function: SeriesFunction) -> SeriesFunction:
        described = _described(function, group, unit)
        add_tool(Tool(*described, tuple(reads), min_bars, settled_bars, undefined, function))
        return function

    return register


def estimate(
    *, group: str, unit: str, reads: Sequence[Column] = (), min_bars: BarCount, undefined: str = _NOT_FINITE
) -> Callable[[EstimateFunction], EstimateFunction]:
    """Register the function below, which answers for the newest moment alone, with a `ToolValue`.

    It gets what its arguments name, at least `min_bars` rows of the first, says how many of the newest it
    read, and why it has no value. Where it gives no reason, a missing column among `reads` is one, and else
    `undefined`. InvariantBroken as in `tool`.
    """

    def register(function: EstimateFunction) -> EstimateFunction:
        def no_series(*_: object, **__: object) -> NoReturn:
            raise ToolInputError(
                f"expected a tool with one value a bar, found {function.__name__}, which fits a model to the "
                "newest bars; ask for its newest value"
            )

        described = _described(function, group, unit)
        inputs = _inputs(function)
        add_tool(Tool(*described, tuple(reads), min_bars, None, undefined, no_series, function, inputs))
        return function

    return register


def add_tool(entry: Tool, *, replaces: bool = False) -> None:
    """Put a tool into the table; InvariantBroken for one that is not fit to be shown."""
    name = entry.name
    if name in _TOOLS and not replaces:
        raise unfit(name, "a name of its own", "a second tool of that name")
    if not entry.inputs or any(each not in INPUTS for each in entry.inputs):
        raise unfit(name, f"arguments among {', '.join(INPUTS)}", f"{entry.inputs}")
    if not (entry.group and entry.unit and (entry.reads or "bars" not in entry.inputs)):
        found = f"{entry.group!r}, {entry.unit!r}, {entry.reads!r}"
        raise unfit(name, "a group, a unit and the columns it reads", found)
    for setting in entry.parameters:
        if (
            type(setting.default) is not setting.kind
            or not setting.bounds.low <= setting.default <= setting.bounds.high
        ):
            raise unfit(name, f"a default of {setting.name} within its bounds", f"{setting.default!r}")
    _TOOLS[name] = entry


def load_tools() -> None:
    """Import every module that registers tools; the formulas, 810 more, come when one is asked for."""
    for module in _MODULES:
        importlib.import_module(module)


def load_formulas() -> None:
    """Register the formulas of the published sets."""
    importlib.import_module("tools.formulas.tools")


def get_tool(name: str) -> Tool:
    """The tool of that name; ToolInputError with the nearest names where there is none."""
    for load in (load_tools, load_formulas):
        if name not in _TOOLS:
            load()
    if name not in _TOOLS:
        raise ToolInputError(
            f"expected the name of a tool, found {name!r}; {_nearest(name, list(_TOOLS))}", tool=name
        )
    return _TOOLS[name]


def all_tools() -> tuple[Tool, ...]:
    """Every tool, by name."""
    load_tools()
    load_formulas()
    return tuple(_TOOLS[name] for name in sorted(_TOOLS))


def groups() -> Mapping[str, tuple[Tool, ...]]:
    """Every tool, by group and then name."""
    tools = all_tools()
    names = sorted({entry.group for entry in tools})
    return {name: tuple(entry for entry in tools if entry.group == name) for name in names}


def _newest(bars: Bars, count: int) -> Bars:
    newest = bars[len(bars) - count :]
    return SharedBars.of(newest) if isinstance(bars, SharedBars) else newest


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    return f"nearest: {', '.join(near)}" if near else "no name is near it"


def _described(
    function: Callable[..., object], group: str, unit: str
) -> tuple[str, str, str, Doc, tuple[Parameter, ...]]:
    name = function.__name__
    doc = parsed_doc(name, inspect.getdoc(function) or "")
    return name, group, unit, doc, parameters_of(name, function, doc)


def _inputs(function: Callable[..., object]) -> tuple[str, ...]:
    entries = inspect.signature(function).parameters.values()
    return tuple(entry.name for entry in entries if entry.kind is not entry.KEYWORD_ONLY)
