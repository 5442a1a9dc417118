"""The settings of a tool, as its signature and its docstring tell them."""

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass

from tools.tool_docs import INPUTS, Doc, unfit


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


def parameters_of(name: str, function: Callable[..., object], doc: Doc) -> tuple[Parameter, ...]:
    """The settings of a function; InvariantBroken where one is not bounded or not documented."""
    signature = inspect.signature(function).parameters
    if set(signature) != set(doc.parameters):
        raise unfit(
            name,
            f"the parameters {sorted(signature)} documented",
            f"{sorted(doc.parameters)} in the docstring",
        )
    hints = typing.get_type_hints(function, include_extras=True)
    settings = [entry for entry in signature.values() if entry.name not in INPUTS]
    return tuple(_parameter(name, entry, hints[entry.name], doc) for entry in settings)


def _parameter(name: str, entry: inspect.Parameter, hint: object, doc: Doc) -> Parameter:
    kind, *notes = typing.get_args(hint) or (hint,)
    bounds = next((note for note in notes if isinstance(note, Bounds)), None)
    if kind not in (int, float) or bounds is None or entry.kind is not entry.KEYWORD_ONLY:
        raise unfit(name, f"{entry.name} as a keyword of bounded int or float", f"{entry}")
    return Parameter(entry.name, kind, entry.default, bounds, doc.parameters[entry.name])
