"""Catalogues of formulas: a TOML file each, ours and the user's alike.

set = "mine"                      lower-case word; every name begins with it and an underscore
title = "What I watch"
source = "Who published them, when and where"
unit = "ratio"                    of every formula that is not under [units]

[formulas]
mine_gap = "open / delay(close, 1) - 1"
mine_range = "high - low"

[units]
mine_range = "price"

[notes.mine_gap]                  for one that is defective or ambiguous as published; the name may end
printed = "..."                   in a star for all that begin so
wrong = "..."
chosen = "..."
why = "..."
"""

import difflib
import fnmatch
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.errors import SettingsError, ToolInputError
from tools.formulas.parse import parse
from tools.formulas.tree import Node
from tools.formulas.units import unit_text

CATALOGUES = Path(__file__).with_name("catalogues")
SETS = ("alpha101", "alpha191", "alpha158", "alpha360")
"""The published sets, in the order in which they are listed."""


class Note(BaseModel):
    """Why a formula is not computed just as printed, or which of its readings is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    printed: str = Field(min_length=1)
    wrong: str = Field(min_length=1)
    chosen: str = Field(min_length=1)
    why: str = Field(min_length=1)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    set_name: str = Field(alias="set", pattern=r"^[a-z][a-z0-9]*$")
    title: str = Field(min_length=1)
    source: str = Field(min_length=1)
    unit: str
    formulas: Mapping[str, str] = Field(min_length=1)
    units: Mapping[str, str] = {}
    notes: Mapping[str, Note] = {}


@dataclass(frozen=True, slots=True)
class Formula:
    """One line of a catalogue."""

    name: str
    text: str
    unit: str
    """ratio, price, price^2*volume, ...; mixed when scaling prices does not scale the value by a power."""
    title: str
    source: str
    note: Note | None = None

    @property
    def tree(self) -> Node:
        """The parsed text; ToolInputError where it is no formula."""
        return _parsed(self.text)


@cache
def published() -> Mapping[str, Formula]:
    """The formulas of the four sets by name: Alpha101, Alpha191, Alpha158, Alpha360, in that order."""
    found: dict[str, Formula] = {}
    for name in SETS:
        found |= _read(CATALOGUES / f"{name}.toml")
    return MappingProxyType(found)


def formulas() -> Mapping[str, Formula]:
    """Every formula by name: the published ones, then the user's."""
    return MappingProxyType(_known())


@cache
def _known() -> dict[str, Formula]:
    """Grows by the user's catalogues in the life of this process."""
    return dict(published())


def add_catalogue(path: Path, taken: Collection[str] = ()) -> Mapping[str, Formula]:
    """Make a user's formulas known everywhere by their names; what is added again replaces what it was.

    Raises
    ------
    SettingsError
        As in `load_catalogue`, and where a name is that of a published formula or `taken` otherwise.
    """
    found = load_catalogue(path)
    if clashes := sorted(name for name in found if name in published() or name in taken):
        raise SettingsError(
            f"expected names that no tool has in {path.name}, found {clashes[0]!r}; rename the set"
        )
    _known().update(found)
    return found


def find_formula(name: str, known: Mapping[str, Formula] | None = None) -> Formula:
    """The formula of that name; ToolInputError names the nearest when there is none."""
    table = formulas() if known is None else known
    if name in table:
        return table[name]
    close = difflib.get_close_matches(name, table, n=1)
    advice = f"did you mean {close[0]}?" if close else "list them with `dualbrain tools ls`"
    raise ToolInputError(f"expected the name of a formula, found {name!r}; {advice}")


def load_catalogue(path: Path) -> Mapping[str, Formula]:
    """Read a user's catalogue and check every line of it.

    Raises
    ------
    SettingsError
        When the file cannot be read, a key is unknown or missing, a name does not begin with the set's, a
        text is no formula (with its column), or a stated unit is not the one that the text has.
    """
    found = _read(path)
    for formula in found.values():
        try:
            unit = unit_text(formula.tree)
        except ToolInputError as error:
            raise SettingsError(
                f"expected formula {formula.name} of {path.name} to parse: {error}", **error.fields
            ) from error
        if unit != formula.unit:
            raise SettingsError(
                f"expected unit {unit!r} of {formula.name} in {path.name}, as its text has, found "
                f"{formula.unit!r}; correct it under [units]"
            )
    return found


def _read(path: Path) -> dict[str, Formula]:
    try:
        file = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors())
        raise SettingsError(f"expected a catalogue of formulas in {path.name}, found {faults}") from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"expected {path.name} to be readable TOML, found: {error}") from error
    _check_names(file, path)
    return {
        name: Formula(
            name, text, file.units.get(name, file.unit), file.title, file.source, _note_on(name, file)
        )
        for name, text in file.formulas.items()
    }


def _check_names(file: _File, path: Path) -> None:
    pattern = re.compile(rf"{file.set_name}_[a-z0-9_]+")
    for name in file.formulas:
        if not pattern.fullmatch(name):
            raise SettingsError(
                f"expected names in {path.name} such as {file.set_name}_gap, found {name!r}; rename it"
            )
    for name in (*file.units, *file.notes):
        if not fnmatch.filter(file.formulas, name):
            raise SettingsError(
                f"expected units and notes in {path.name} for its formulas, found {name!r}; remove it"
            )


def _note_on(name: str, file: _File) -> Note | None:
    found = [note for pattern, note in file.notes.items() if fnmatch.fnmatchcase(name, pattern)]
    return found[0] if found else None


@cache
def _parsed(text: str) -> Node:
    return parse(text)
