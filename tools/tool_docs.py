"""What is written about a tool: a docstring in parts, and the refusal of one that lacks a part."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from contracts.errors import InvariantBroken

INPUTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "bars": ("bars", "bars"),
        "other": ("bars of a second instrument", "bars of the second instrument"),
        "trades": ("trades", "trades"),
        "quotes": ("quotes as they changed", "quotes"),
        "book": ("a book", "book frames"),
    }
)
"""What a tool may read, by the name of its argument: what it needs, and what its rows are called."""
_SECTIONS = ("Parameters", "Returns", "Notes", "References")


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
        """Summary, when to use it, parameters, result; what it reads comes from the desk and no model."""
        given = [f"{name} : {text}" for name, text in self.parameters.items() if name not in INPUTS]
        listed = "\n".join(given) or "none"
        return f"{self.summary}\n\n{self.use}\n\nParameters\n{listed}\n\nReturns\n{self.returns}"


def rows_of(name: str, count: int) -> str:
    """What so many rows of an input are called."""
    rows = INPUTS[name][1]
    return rows.removesuffix("s") if count == 1 else rows


def too_few(needed: int, name: str, has: int) -> str:
    """Why what a tool reads by that name does not do, as its reason."""
    return f"needs {needed} {rows_of(name, needed)}, has {has}"


def unfit(name: str, expected: str, found: str) -> InvariantBroken:
    """What is wrong with a tool, for whoever wrote it."""
    return InvariantBroken(f"expected tool {name} to have {expected}, found {found}; mend it", tool=name)


def parsed_doc(name: str, text: str) -> Doc:
    """A numpy docstring, split; InvariantBroken where a part is missing."""
    head, *rest = re.split(r"^([A-Z][a-z]+)\n-{3,}\n", text, flags=re.MULTILINE)
    sections = {title: body.strip() for title, body in zip(rest[::2], rest[1::2], strict=True)}
    summary, _, use = head.strip().partition("\n\n")
    missing = [title for title in _SECTIONS if not sections.get(title)]
    if not summary or not use or missing:
        absent = [] if summary else ["a summary"]
        absent += [] if use else ["a paragraph saying when to use it"]
        raise unfit(name, "a whole docstring", f"it lacks {', '.join(absent + missing)}")
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
