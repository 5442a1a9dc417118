"""Which features there are, in which order: a file with a version, and the hash of what it comes to.

The hash covers the names, the settings and the texts of the formulas, so that a vector made by another
reading of the same version is told apart.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, ValidationError

from contracts.canonical import canonical_json, sha256_hex
from contracts.errors import SettingsError, ToolInputError
from tools.formulas.catalogue import Formula, formulas
from tools.formulas.engine import why_missing
from tools.formulas.values import reach_by_name
from tools.registry import ToolCall, get_tool

FEATURE_SETS = Path(__file__).with_name("feature_sets")
Place: TypeAlias = Literal["decision", "higher"]
Reading: TypeAlias = Literal["value", "over_close", "level"]

_FIELDS = ("open", "high", "low", "close", "volume")
_READINGS: Mapping[str, Reading] = {"ratio": "value", "price": "over_close"}


@dataclass(frozen=True, slots=True)
class Feature:
    """One column: a formula, or a tool with its parameters, on one of the two timeframes."""

    name: str
    tool: str
    place: Place
    reading: Reading
    call: ToolCall | None
    """None for a formula; those are computed together."""


@dataclass(frozen=True)
class FeatureSchema:
    """The columns in order."""

    name: str
    version: int
    features: tuple[Feature, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, each once."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def calls(self) -> tuple[tuple[int, ToolCall], ...]:
        """The tools among the columns, each with its place."""
        return tuple((n, each.call) for n, each in enumerate(self.features) if each.call is not None)

    @cached_property
    def sha256(self) -> str:
        """Hash of all that a column's value depends on but the prices."""
        told = [
            [
                feature.name,
                feature.reading,
                dict(feature.call.params) if feature.call else formulas()[feature.tool].text,
            ]
            for feature in self.features
        ]
        return sha256_hex(canonical_json([self.name, self.version, told]))


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    timeframes: tuple[Place, ...] = Field(min_length=1)


class _Formulas(_Described):
    set: str


class _Tools(_Described):
    tool: str
    params: tuple[Mapping[str, StrictInt | StrictFloat], ...] = ({},)
    reading: Reading = Field(default="value", alias="as")


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(ge=1)
    formulas: tuple[_Formulas, ...] = ()
    tools: tuple[_Tools, ...] = ()


@cache
def load_feature_schema(name: str = "desk", folder: Path = FEATURE_SETS) -> FeatureSchema:
    """Read a feature set from its TOML file and check every column against the registered tools.

    Raises SettingsError where there is no such file, a key, tool, parameter or set is unknown, a formula's
    or a tool's unit does not fit what is made of it, or a column would stand twice.
    """
    path = folder / f"{name}.toml"
    try:
        file = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        features = (*_formula_features(file), *_tool_features(file))
    except FileNotFoundError:
        known = ", ".join(sorted(each.stem for each in folder.glob("*.toml"))) or "none"
        raise SettingsError(f"expected a feature set, found no {path.name}; choose one of: {known}") from None
    except (ToolInputError, ValidationError, OSError, ValueError) as error:
        raise SettingsError(f"expected a feature set in {path.name}, found: {error}") from error
    names = [feature.name for feature in features]
    if repeated := sorted({each for each in names if names.count(each) > 1}):
        raise SettingsError(f"expected each column of {path.name} once, found again: {', '.join(repeated)}")
    return FeatureSchema(name, file.version, features)


def _formula_features(file: _File) -> Iterator[Feature]:
    for asked in file.formulas:
        chosen = [row for row in formulas().values() if row.name.startswith(f"{asked.set}_") and _fits(row)]
        if not chosen:
            raise ToolInputError(f"expected a set of formulas, found {asked.set!r}; see `dualbrain tools ls`")
        for place in asked.timeframes:
            for row in chosen:
                reading = _READINGS[row.unit]
                yield Feature(_at(place, row.name), row.name, place, reading, None)


def _fits(formula: Formula) -> bool:
    """Whether it reads one instrument's bars and can be freed of the price level."""
    return (
        formula.unit in _READINGS
        and not reach_by_name(formula.name).is_cross_sectional
        and not why_missing([formula.name], _FIELDS)
    )


def _tool_features(file: _File) -> Iterator[Feature]:
    for asked in file.tools:
        unit = get_tool(asked.tool).unit
        if (unit == "price") == (asked.reading == "value"):
            raise ToolInputError(
                f"expected `as` to free {asked.tool}, in {unit}, of the price level and nothing else, found "
                f"{asked.reading!r}; a price is a level or over_close, and whatever else is a value"
            )
        for place in asked.timeframes:
            for params in asked.params:
                call = get_tool(asked.tool).prepare(**params)
                settings = ".".join(f"{value:g}" for value in params.values())
                name = f"{asked.tool}.{settings}" if settings else asked.tool
                yield Feature(_at(place, name), asked.tool, place, asked.reading, call)


def _at(place: Place, name: str) -> str:
    return name if place == "decision" else f"higher.{name}"
