"""Prompts by name: Markdown with front matter, in which every name must be known and filled.

    ---
    role: seat
    version: 1
    inputs: seat
    output: Ballot
    ---
    You sit in seat {{seat}} ...

Changed wording is a new version: `tests/prompts` holds the hash of each. The hash of the rendered text goes
on record with every answer to it, and the text itself in the request. A name that ends in .md is the path of
a file of the user's own; an edited one counts from the next vote on.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from contracts.canonical import sha256_hex
from contracts.errors import InvariantBroken, SettingsError

FOLDER = Path(__file__).resolve().parent
_HEAD = re.compile(r"\A---\n(?P<head>.*?)\n---\n(?P<text>.*)\Z", re.DOTALL)
_SLOT = re.compile(r"\{\{\s*(\w+)\s*\}\}")
OWN = ".md"
_FIELDS = ("role", "version", "inputs", "output")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A role's prompt before its slots are filled."""

    name: str
    role: str
    version: int
    inputs: tuple[str, ...]
    output: str
    text: str

    @property
    def sha(self) -> str:
        """Hash of the text as written."""
        return sha256_hex(self.text.encode())

    def render(self, **values: str) -> str:
        """The text with every slot filled. Raises InvariantBroken for a value missing or not wanted."""
        if values.keys() != set(self.inputs):
            raise InvariantBroken(
                f"expected prompt {self.name} to be given {', '.join(self.inputs) or 'nothing'}, found "
                f"{', '.join(values) or 'nothing'}"
            )
        return _SLOT.sub(lambda slot: values[slot[1]], self.text)


def prompt_names() -> tuple[str, ...]:
    """Every prompt there is."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.md")))


def load_prompt(name: str) -> Prompt:
    """The prompt of this name or path. SettingsError where there is none, or its head and text disagree."""
    return _load_file(Path(name).expanduser()) if name.endswith(OWN) else _load_ours(name)


@cache
def _load_ours(name: str) -> Prompt:
    if name not in prompt_names():
        raise SettingsError(
            f"expected a prompt among {', '.join(prompt_names())}, or the path of a {OWN} file, found "
            f"{name!r}; correct it"
        )
    return parse_prompt(name, (FOLDER / f"{name}.md").read_text(encoding="utf-8"))


def _load_file(path: Path) -> Prompt:
    try:
        return parse_prompt(str(path), path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"expected a prompt in {path}, found: {error}; name a file that is there"
        ) from None


def parse_prompt(name: str, written: str) -> Prompt:
    """A prompt file's content as a prompt; see `load_prompt` for errors."""
    found = _HEAD.match(written)
    if found is None:
        raise SettingsError(
            f"expected prompt {name} to begin with a head between two lines of ---, found none"
        )
    head = dict(line.split(":", 1) for line in found["head"].splitlines() if ":" in line)
    head = {field.strip(): value.strip() for field, value in head.items()}
    if tuple(head) != _FIELDS or not head["version"].isdigit():
        raise SettingsError(
            f"expected the head of prompt {name} to hold {', '.join(_FIELDS)} in this order and a whole "
            f"number as version, found {head}"
        )
    inputs = tuple(word.strip() for word in head["inputs"].split(",") if word.strip())
    used = set(_SLOT.findall(found["text"]))
    if used != set(inputs):
        raise SettingsError(
            f"expected prompt {name} to use the inputs it names ({', '.join(inputs) or 'none'}), found "
            f"{', '.join(sorted(used)) or 'none'} in its text"
        )
    return Prompt(name, head["role"], int(head["version"]), inputs, head["output"], found["text"].strip())
