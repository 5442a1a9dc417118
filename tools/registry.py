"""The one place a tool is registered: `@tool` above a function, and everyone reads the same table.

    @tool(group=..., unit=..., reads=..., min_bars=...)
    def rsi(bars, *, period: Annotated[int, Bounds(2, 1000)] = 14) -> Float1D

A series tool gives one value a bar: value i uses bars 0..i and nothing later, NaN while it is not known.
`series` gives all of them, `call` the newest one, or the reason why there is none. A function
without a full docstring, a unit or its own name stops the import: an agent reads those words to choose.

Importing this module is cheap; the tools, and TA-Lib with them, come in at the first look-up.
"""

import difflib
import importlib
import inspect
import math
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Concatenate, Literal, ParamSpec, TypeAlias, TypeVar

import numpy as np

from contracts.errors import InvariantBroken, ToolInputError
from contracts.market import Bars, Float1D

Column: TypeAlias = Literal["open", "high", "low", "close", "volume"]
BarCount: TypeAlias = Callable[..., int]
"""Bars counted from a tool's parameters, given by name; raises ToolInputError where they clash."""

SeriesFunction = TypeVar("SeriesFunction", bound=Callable[..., Float1D])
P = ParamSpec("P")
T = TypeVar("T")

_MODULES = ("tools.bollinger", "tools.indicators", "tools.ranges", "tools.volatility")
_SECTIONS = ("Parameters", "Returns", "Notes", "References")
_TOOLS: dict[str, "Tool"] = {}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Smallest and largest value a parameter may have, both allowed."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting of a tool."""

    name: str
    kind: type[int] | type[float]
    default: int | float
    bounds: Bounds
    text: str


@dataclass(frozen=True, slots=True)
class Doc:
    """A tool's docstring, split: models read `for_models`, people the notes and references as well."""

    summary: str
    use: str
    parameters: Mapping[str, str]
    returns: str
    notes: str
    references: str

    @property
    def for_models(self) -> str:
        """Summary, when to use it, parameters and result; bars come from the desk, not from a model."""
        given = [f"{name} : {text}" for name, text in self.parameters.items() if name != "bars"]
        listed = "\n".join(given) or "none"
        return f"{self.summary}\n\n{self.use}\n\nParameters\n{listed}\n\nReturns\n{self.returns}"


@dataclass(frozen=True, slots=True)
class ToolValue:
    """The newest value of a tool and how many bars it read; None comes with the reason."""

    value: float | None
    n_obs: int
    reason: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SharedBars(Bars):
    """Bars that keep what `shared` computed from them, so that all rows of one report use it.

    Make them for one piece of work and drop them with it. Arrays that are kept are read-only.
    """

    kept: dict[tuple[object, ...], Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, bars: Bars) -> "SharedBars":
        """The same columns, with nothing kept yet."""
        times = (bars.open_time, bars.close_time)
        return cls(*times, bars.open, bars.high, bars.low, bars.close, bars.volume, bars.side)


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
        has = len(bars)
        if has < self.min_bars:
            return ToolValue(None, has, f"needs {self.min_bars} bars, has {has}")
        read = bars if self.settled_bars else shared(_newest, bars, self.min_bars)
        value, warnings = float(self.series(read)[-1]), self._warnings(has)
        if math.isfinite(value):
            return ToolValue(value, len(read), None, warnings)
        return ToolValue(None, len(read), self._why_missing(read), warnings)

    def _warnings(self, has: int) -> tuple[str, ...]:
        settled = self.settled_bars
        if has >= settled:
            return ()
        return (f"has {has} bars; under {settled} where they begin still counts for over 1 % of the value",)

    def _why_missing(self, read: Bars) -> str:
        for column in self.tool.reads:
            n_missing = int(np.count_nonzero(~np.isfinite(getattr(read, column))))
            if n_missing == len(read):
                return f"needs {column}, which these bars do not have"
            if n_missing:
                return f"needs {column} on every bar, missing on {n_missing} of {len(read)}"
        return self.tool.undefined


@dataclass(frozen=True, slots=True)
class Tool:
    """A registered series tool."""

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

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return self.doc.summary

    def check(self, **params: float) -> dict[str, int | float]:
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

    def prepare(self, **params: float) -> ToolCall:
        """The tool with these parameters, checked once. ToolInputError for ones it cannot use."""
        chosen = self.check(**params)
        settled = self.settled_bars(**chosen) if self.settled_bars else 0
        return ToolCall(self, chosen, self.min_bars(**chosen), settled)

    def series(self, bars: Bars, **params: float) -> Float1D:
        """One value a bar, NaN where it is not known. ToolInputError for parameters it cannot use."""
        return self.prepare(**params).series(bars)

    def call(self, bars: Bars, **params: float) -> ToolValue:
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
    undefined: str = "the result is not a finite number on these bars",
) -> Callable[[SeriesFunction], SeriesFunction]:
    """Register the series tool below; the function itself is left as it is.

    `reads` are the bar columns it needs. `min_bars` counts the bars up to the first value. A tool whose
    value depends on every bar it is given (a recursive average) has `settled_bars`: from there on the
    choice of the first bar weighs under 1 %; without it the tool reads its newest `min_bars` and no more.
    `undefined` says why there may be no value on sound bars. InvariantBroken for a tool that is not fit
    to be shown.
    """

    def register(function: SeriesFunction) -> SeriesFunction:
        name = function.__name__
        if name in _TOOLS:
            raise _unfit(name, "a name of its own", "a second tool of that name")
        if not (group and unit and reads):
            raise _unfit(name, "a group, a unit and the columns it reads", f"{group!r}, {unit!r}, {reads!r}")
        doc = _parsed_doc(name, inspect.getdoc(function) or "")
        parameters = _parameters(name, function, doc)
        _TOOLS[name] = Tool(
            name, group, unit, doc, parameters, tuple(reads), min_bars, settled_bars, undefined, function
        )
        return function

    return register


def load_tools() -> None:
    """Import every module that registers tools."""
    for module in _MODULES:
        importlib.import_module(module)


def get_tool(name: str) -> Tool:
    """The tool of that name; ToolInputError with the nearest names where there is none."""
    if name not in _TOOLS:
        load_tools()
    if name not in _TOOLS:
        raise ToolInputError(
            f"expected the name of a tool, found {name!r}; {_nearest(name, list(_TOOLS))}", tool=name
        )
    return _TOOLS[name]


def all_tools() -> tuple[Tool, ...]:
    """Every tool, by name."""
    load_tools()
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


def _unfit(name: str, expected: str, found: str) -> InvariantBroken:
    return InvariantBroken(f"expected tool {name} to have {expected}, found {found}; mend it", tool=name)


def _parsed_doc(name: str, text: str) -> Doc:
    head, *rest = re.split(r"^([A-Z][a-z]+)\n-{3,}\n", text, flags=re.MULTILINE)
    sections = {title: body.strip() for title, body in zip(rest[::2], rest[1::2], strict=True)}
    summary, _, use = head.strip().partition("\n\n")
    missing = [title for title in _SECTIONS if not sections.get(title)]
    if not summary or not use or missing:
        absent = [] if summary else ["a summary"]
        absent += [] if use else ["a paragraph saying when to use it"]
        raise _unfit(name, "a whole docstring", f"it lacks {', '.join(absent + missing)}")
    return Doc(
        summary=summary,
        use=use,
        parameters=_entries(sections["Parameters"]),
        returns=sections["Returns"],
        notes=sections["Notes"],
        references=sections["References"],
    )


def _entries(section: str) -> dict[str, str]:
    _, *rest = re.split(r"^(\w+) : ", section, flags=re.MULTILINE)
    return {
        name: " ".join(line.strip() for line in body.split("\n") if line.strip())
        for name, body in zip(rest[::2], rest[1::2], strict=True)
    }


def _parameters(name: str, function: Callable[..., Float1D], doc: Doc) -> tuple[Parameter, ...]:
    signature = inspect.signature(function).parameters
    if set(signature) != set(doc.parameters):
        raise _unfit(
            name,
            f"the parameters {sorted(signature)} documented",
            f"{sorted(doc.parameters)} in the docstring",
        )
    hints = typing.get_type_hints(function, include_extras=True)
    settings = [entry for entry in signature.values() if entry.name != "bars"]
    return tuple(_parameter(name, entry, hints[entry.name], doc) for entry in settings)


def _parameter(name: str, entry: inspect.Parameter, hint: object, doc: Doc) -> Parameter:
    kind, *notes = typing.get_args(hint) or (hint,)
    bounds = next((note for note in notes if isinstance(note, Bounds)), None)
    if kind not in (int, float) or bounds is None or entry.kind is not entry.KEYWORD_ONLY:
        raise _unfit(name, f"{entry.name} as a keyword of bounded int or float", f"{entry}")
    if type(entry.default) is not kind or not bounds.low <= entry.default <= bounds.high:
        raise _unfit(name, f"a default of {entry.name} within its bounds", f"{entry.default!r}")
    return Parameter(entry.name, kind, entry.default, bounds, doc.parameters[entry.name])
