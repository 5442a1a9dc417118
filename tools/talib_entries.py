"""The catalogue of TA-Lib tools as it is written: `talib_catalogue/*.toml`, and a docstring of each entry.

An entry that is `like` another of its file is filled up from it; a name with an underscore in front is a
template. `settled` marks a recursive tool. Counts of bars are texts for `talib_counts.py`.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tools.registry import Column
from tools.talib_counts import count_of
from tools.tool_docs import Doc

_FOLDER = Path(__file__).parent / "talib_catalogue"
_NOT_FINITE = "the result is not a finite number on these bars"
_VOCABULARY = (
    "A body is long over the mean body of the 10 bars before it, short at or under that; a doji has a body "
    "of at most a tenth of their mean range, a very short shadow is under a tenth of it. Near is within a "
    "fifth, equal within a twentieth of the mean range of 5 bars. A gap is between bodies, unless ranges are "
    "named. Whether a trend came before is not checked."
)


class Setting(BaseModel):
    """A parameter: its default says whether it is a whole number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default: int | float
    low: int | float
    high: int | float
    text: str


class Entry(BaseModel):
    """One tool of the catalogue."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calls: str
    """The TA-Lib function."""
    inputs: tuple[Column, ...]
    arguments: tuple[int | float | str, ...]
    """Parameters by name, and numbers that TA-Lib is given as they are."""
    output: int = 0
    positive: bool = False
    group: str
    unit: str
    min_bars: str
    settled: str | None = None
    undefined: str = _NOT_FINITE
    under: tuple[tuple[str, str], ...] = ()
    not_over: tuple[tuple[str, str], ...] = ()
    summary: str
    use: str
    returns: str
    notes: str
    references: str
    vocabulary: bool = False
    parameters: Mapping[str, Setting] = {}


def catalogue() -> dict[str, Entry]:
    """Every entry by name."""
    found: dict[str, Entry] = {}
    for path in sorted(_FOLDER.glob("*.toml")):
        raw: dict[str, dict[str, object]] = tomllib.loads(path.read_text(encoding="utf-8"))
        for name in raw:
            if not name.startswith("_"):
                found[name] = Entry.model_validate(_filled(raw, name))
    return found


def doc_of(entry: Entry) -> Doc:
    """The docstring of a tool, in the parts that the registry asks for."""
    columns = _listed(entry.inputs)
    parameters = {"bars": f"Bars Closed bars, oldest first; {columns} {_verb(entry)} read."}
    for name, setting in entry.parameters.items():
        parameters[name] = f"{type(setting.default).__name__} {setting.text}"
    notes = f"{entry.notes} {_VOCABULARY}" if entry.vocabulary else entry.notes
    return Doc(
        summary=entry.summary,
        use=entry.use,
        parameters=parameters,
        returns=f"array of shape (n,)\n    {entry.returns}",
        notes=f"{notes}\n\n{_policy(entry, columns)}",
        references=entry.references,
    )


def _policy(entry: Entry, columns: str) -> str:
    what = f"{columns} at or under zero or missing" if entry.positive else f"missing {columns}"
    if entry.settled:
        known = f"unknown before bar {entry.min_bars} and from the first {what} onward"
    else:
        known = f"unknown until {entry.min_bars} bars in a row are whole, anew after each {what}"
    if entry.undefined != _NOT_FINITE and not entry.undefined.endswith("under zero"):
        known += f", and where it is {entry.undefined}"
    return (
        f"NaN policy: {known}. Smallest sample: {entry.min_bars} bars. Look-ahead: none.{_start(entry)} "
        f"Computed by TA-Lib's {entry.calls}; cost: n steps."
    )


def _start(entry: Entry) -> str:
    if entry.settled is None:
        return ""
    defaults = {name: setting.default for name, setting in entry.parameters.items()}
    count = count_of(entry.settled)(**defaults)
    return f" Where the bars begin weighs under 1 % from bar {count} on, with the default settings."


def _listed(columns: tuple[Column, ...]) -> str:
    named = ["closes" if column == "close" and len(columns) == 1 else column for column in columns]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def _verb(entry: Entry) -> str:
    return "is" if entry.inputs == ("volume",) else "are"


def _filled(raw: Mapping[str, Mapping[str, object]], name: str) -> dict[str, object]:
    own = dict(raw[name])
    like = own.pop("like", None)
    return _filled(raw, str(like)) | own if like else own
