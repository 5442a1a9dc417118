"""Opens the desk assistant beside a desk, whether its runner is on or off.

It takes no lease and decides nothing. What it reads, it reads over a journal opened for reading; the other
one, open for writing, is held by its line to the model alone, which puts every exchange on record.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from agents.assistant import Assistant
from agents.desk_record import DeskRecord
from agents.desk_tools import Toolbox
from agents.exchanges import Caller
from agents.panel import Places, open_spending
from agents.settings import AssistantSettings
from agents.spoken import Words
from agents.traffic import LiveTraffic
from contracts.errors import SettingsError
from desk.commands.story import story
from desk.environment import describe_environment, forbid_tracing
from desk.folder import DeskFolder
from desk.keys import key_of, ollama_host
from desk.kill_switch import FileKillSwitch
from desk.settings import Settings, desk_home
from memory.blobs import FileBlobStore
from memory.journal import SqliteJournal, open_for_reading


@dataclass(frozen=True)
class Asking:
    """An assistant, whom it asks, and its way out, which is to be closed in the loop that used it."""

    assistant: Assistant
    settings: AssistantSettings
    traffic: LiveTraffic


@contextmanager
def open_assistant(
    settings: Settings,
    *,
    home: Path | None = None,
    on_use: Callable[[str], None] = lambda _name: None,
    heard: Callable[[Caller, Words], None] = lambda _caller, _words: None,
) -> Iterator[Asking]:
    """The assistant of the desk that the settings name; its journal must exist.

    `on_use` hears the name of every tool before it reads, `heard` the words as they come. SettingsError where
    no model is named, or nobody could be asked with these settings.
    """
    forbid_tracing()
    chosen = settings.assistant.or_the_brains(settings.brain)
    if not chosen.model:
        raise SettingsError(
            "expected a model for the assistant, found none; set assistant.provider and assistant.model, or "
            "brain.model for both, as docs/brains.md shows"
        )
    folder = DeskFolder((home or desk_home()) / settings.desk)
    blobs = FileBlobStore(folder.blobs)
    session_id = f"ask-{_now():%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"
    with SqliteJournal(
        folder.journal, environment=describe_environment(), session_id=session_id, clock=_now
    ) as journal:
        endpoint = Places(key_of, ollama_host(), journal, blobs).endpoint_of("assistant", chosen)
        if isinstance(endpoint, str):
            raise SettingsError(f"expected a way to ask {chosen.model}, found {endpoint}")
        reader = open_for_reading(folder.journal)
        try:
            spending = open_spending(settings.budget, journal, blobs)
            # A halted desk may be asked why: the kill switch stops decisions and orders.
            traffic = LiveTraffic(journal, blobs, spending, heard=heard)
            record = DeskRecord(reader, blobs, story)
            box = Toolbox(record, spending.budgets, _now, FileKillSwitch(folder.path).halted_by, on_use)
            yield Asking(Assistant(chosen, endpoint, traffic, box, settings.desk), chosen, traffic)
        finally:
            reader.close()


def _now() -> datetime:
    return datetime.now(UTC)
