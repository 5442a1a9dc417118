"""Finding a desk on disk and reading its journal, for commands that decide nothing."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contracts.errors import DualbrainError, SettingsError
from contracts.exchange import Exchange
from contracts.records import SessionStarted
from desk.folder import DeskFolder
from desk.present import banner, short, to_stderr
from desk.settings import Settings, desk_home, load_settings
from memory.blobs import FileBlobStore
from memory.journal import open_for_reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory.reader import JournalReader

_DESK_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_LEAST_PREFIX = 4


@dataclass(frozen=True)
class DeskOnFile:
    """A desk's folder and its journal, open for reading."""

    name: str
    folder: DeskFolder
    journal: "JournalReader"

    @property
    def blobs(self) -> FileBlobStore:
        """The desk's blobs."""
        return FileBlobStore(self.folder.blobs)


def settings_of(overrides: "Mapping[str, object]") -> Settings:
    """The settings in force, with a desk name that is safe as the name of a folder."""
    settings = load_settings(overrides)
    check_desk_name(settings.desk)
    return settings


def check_desk_name(name: str) -> str:
    """`name`, or SettingsError where it could leave the home folder."""
    if not _DESK_NAME.fullmatch(name):
        raise SettingsError(
            f"expected a desk name of up to 64 letters, digits, dots, dashes and underscores, found {name!r}"
        )
    return name


def known_desks() -> list[str]:
    """Desks under this home that have a journal."""
    return sorted(path.parent.name for path in desk_home().glob("*/journal.db"))


def find_desk(name: str | None) -> tuple[str, DeskFolder]:
    """The desk called `name`, else the one the settings name; SettingsError where there is none on disk."""
    chosen = check_desk_name(name) if name else settings_of({}).desk
    folder = DeskFolder(desk_home() / chosen)
    if not folder.journal.is_file():
        known = ", ".join(known_desks()[-5:])
        hint = f"name one with --desk, such as {known}" if known else "`dualbrain demo` makes one"
        raise SettingsError(f"expected a desk {chosen} under {desk_home()}, found none; {hint}")
    return chosen, folder


@contextmanager
def reading(name: str | None) -> Iterator[DeskOnFile]:
    """A desk's journal for reading, its banner shown on stderr."""
    chosen, folder = find_desk(name)
    show_banner(chosen, folder)
    journal = open_for_reading(folder.journal)
    try:
        yield DeskOnFile(chosen, folder, journal)
    finally:
        journal.close()


def show_banner(name: str, folder: DeskFolder) -> None:
    """Say on stderr whose journal this is, by its newest session."""
    to_stderr().print(_banner(name, folder), style="dim")


def find_exchange(journal: "JournalReader", prefix: str) -> Exchange:
    """The one exchange with a model whose record id begins with `prefix`."""
    wanted = prefix.strip().lower()
    found = {e.record_id: e for e in journal.find_all(Exchange) if e.record_id.startswith(wanted)}
    if len(found) != 1 or not wanted:
        raise SettingsError(
            f"expected the id of one exchange, or its beginning, found {prefix!r}, fitting {len(found):,}; "
            "`dualbrain audit show CYCLE` names them"
        )
    return next(iter(found.values()))


def find_cycle(journal: "JournalReader", prefix: str) -> str:
    """The one cycle whose id begins with `prefix`."""
    wanted = prefix.strip().lower()
    if not re.fullmatch(rf"[0-9a-f]{{{_LEAST_PREFIX},64}}", wanted):
        raise SettingsError(
            f"expected a cycle id or at least its first {_LEAST_PREFIX} hex digits, found {prefix!r}; "
            "`dualbrain audit ls` lists them"
        )
    found = journal.cycles_beginning(wanted)
    if len(found) == 1:
        return found[0]
    if not found:
        raise SettingsError(
            f"expected a cycle beginning {wanted} in this journal, found none; "
            "`dualbrain audit ls` lists them"
        )
    raise SettingsError(
        f"expected one cycle beginning {wanted}, found {', '.join(map(short, found))}; give more digits"
    )


def _banner(name: str, folder: DeskFolder) -> str:
    try:
        journal = open_for_reading(folder.journal)
        try:
            started = journal.last(SessionStarted)
        finally:
            journal.close()
    except DualbrainError as error:
        # A damaged row must not keep `audit verify` from saying where, nor `halt` from halting.
        return f"desk {name} · account not readable: {error}"
    if started is None:
        return f"desk {name} · no session on record"
    return banner(name, started.account_id, is_paper=started.is_paper)
