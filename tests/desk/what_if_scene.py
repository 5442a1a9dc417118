"""A desk whose panel has voted at a scripted server that is gone, and what another server is asked of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from contracts.exchange import Exchange
from memory.audit import verify
from memory.blobs import FileBlobStore
from memory.reader import JournalReader
from tests.desk.command_line import Said, dualbrain
from tests.servers.answers import Completion, Usage
from tests.servers.scripted import ScriptedServer

SEATS = ("deepseek", "kimi", "minimax")
MORNING = ("--from", "2017-01-04T09:00", "--to", "2017-01-04T10:00")
"""One trade, on the 10:00 close."""


def vote(reasoning: str = "The trend agrees. Nothing speaks against it.", **changes: JsonValue) -> Completion:
    """A vote by the schema."""
    said: dict[str, JsonValue] = {
        "reasoning": reasoning,
        "citations": [],
        "answer": "APPROVE",
        "confidence": 70,
        "size_pct": 100,
        "stop_pips": None,
        "target_pips": None,
    }
    return Completion(json.dumps(said | changes), usage=Usage(prompt=1_000, completion=100), piece=60)


REJECTION = vote("The trend speaks against it. Really.", answer="REJECT", confidence=40, size_pct=0)


def configure(folder: Path, seats: Mapping[str, str], more: str = "") -> None:
    """A desk that asks these seats, each described by lines of TOML, about every trade."""
    told = "".join(f"[seats.{name}]\n{lines}\n" for name, lines in seats.items())
    text = f'desk = "d"\nmode = "technical+panel"\n[gate]\npanel_from_score = 0\n{more}\n{told}'
    (folder / "dualbrain.toml").write_text(text, encoding="utf-8")


def at(server: ScriptedServer, model: str = "old", provider: str = "openai-compatible") -> str:
    """A seat at this server."""
    return f'provider = "{provider}"\nmodel = "{model}"\nbase_url = "{server.base_url}"'


def voted_once(folder: Path) -> None:
    """The desk trades a morning with three seats at one server, which is gone afterwards."""
    with ScriptedServer() as server:
        server.always(vote())
        configure(
            folder, dict.fromkeys(SEATS, at(server)), '[budget]\nunpriced = "count_tokens"\nusd_per_day = 1'
        )
        said = dualbrain(folder, "run", *MORNING)
    assert said.code == 0, said.err
    assert len(server.requests) == len(SEATS)


@dataclass(frozen=True)
class Home:
    """A copy of that desk."""

    folder: Path

    @property
    def cycle(self) -> str:
        """The one that asked the panel."""
        listed = json.loads(dualbrain(self.folder, "audit", "ls", "--json").out)
        return str(next(cycle["cycle_id"] for cycle in listed if cycle["came_to"] == "submit"))

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        reader = JournalReader(self.folder / "d" / "journal.db")
        found = reader.find_all(Exchange)
        reader.close()
        return found

    @property
    def what_ifs(self) -> list[Exchange]:
        return [exchange for exchange in self.exchanges if exchange.role == "what_if"]

    @property
    def files(self) -> dict[str, bytes]:
        """Everything in the desk's folder but SQLite's index of its log, which readers touch."""
        files = (path for path in (self.folder / "d").rglob("*") if path.is_file())
        return {str(path): path.read_bytes() for path in files if path.suffix != ".db-shm"}

    def what_if(self, *changes: str, more: tuple[str, ...] = ()) -> Said:
        """`replay CYCLE` with these settings changed."""
        pairs = [word for change in changes for word in ("--set", change)]
        return dualbrain(self.folder, "replay", self.cycle, *pairs, *more)

    def ask(self, *changes: str) -> Said:
        """The same, asking without a question to the person."""
        return self.what_if(*changes, more=("--ask", "--yes"))

    def told(self, *changes: str) -> Any:
        """The same as JSON."""
        said = self.what_if(*changes, more=("--ask", "--yes", "--json"))
        assert said.code == 0, said.err
        return json.loads(said.out)

    def assert_sound_and_identical(self) -> None:
        """The journal verifies, and the cycles replay as if nobody had asked anything since."""
        report = verify(self.folder / "d" / "journal.db", FileBlobStore(self.folder / "d" / "blobs"))
        assert report.problems == ()
        said = dualbrain(self.folder, "replay", "--all", "--json")
        assert said.code == 0
        verdicts = json.loads(said.out)["verdicts"]
        assert verdicts["equal"] == verdicts["drifted"] == 0 < verdicts["identical"]


def moved(server: ScriptedServer, seat: str, model: str = "new") -> tuple[str, ...]:
    """Changes that put a seat at another model at this server."""
    return (f"seats.{seat}.model={model}", f"seats.{seat}.base_url={server.base_url}")
