"""Every setting, from the environment, `.env` and one TOML file; unknown names are refused.

Order of precedence: command line, environment (`DUALBRAIN_LIMITS__MAX_DAILY_LOSS_PCT=2`), `.env`, the
TOML file (`DUALBRAIN_CONFIG`, else `dualbrain.toml` where the command runs), defaults.
"""

import json
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.settings import AssistantSettings
from contracts.errors import SettingsError
from desk.folder import ROOT as ROOT
from desk.folder import desk_home as desk_home
from desk.keys import read_env_file
from graphs.desk import CycleSettings, refusals
from markets.book_file import BookSource
from markets.paper import PaperSettings
from markets.price_file import PriceFile
from markets.replay_feed import ReplayFeedSettings
from markets.tick_table import TickFile

PREFIX = "DUALBRAIN_"
NOT_SETTINGS = {"DUALBRAIN_HOME", "DUALBRAIN_CONFIG", "DUALBRAIN_SHARED"}
"""Names that say where things are; they are no part of what the desk decides by."""


class AccountSettings(BaseModel):
    """The account this desk trades; only paper accounts exist today."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(default="", pattern=r"^[A-Za-z0-9._-]{0,64}$")
    """Empty: `paper-` and the name of the desk."""
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3,4}$")
    starting_balance: Decimal = Field(default=Decimal(100_000), gt=0, le=Decimal(10) ** 15)
    """Above this a quantity in the smallest steps has more digits than money arithmetic keeps."""


class FeedSettings(BaseModel):
    """Where prices come from: bundled samples by name, and files of one's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    samples: tuple[str, ...] = ("eurusd-2017",)
    files: tuple[PriceFile, ...] = ()
    tick_samples: tuple[str, ...] = ("es-trades-2013",)
    """Bundled trades, where no file of one's own is of their instrument."""
    ticks: tuple[TickFile, ...] = ()
    """Trades and quotes, which `tools call` gives to what reads them; those of one instrument in turn."""
    books: tuple[BookSource, ...] = ()
    """Recorded feeds of order books, with their trades and quotes; those of one instrument in turn."""
    replay: ReplayFeedSettings = ReplayFeedSettings()


class Settings(CycleSettings):
    """What the cycle decides by (recorded with every decision), and what the desk is built from."""

    account: AccountSettings = AccountSettings()
    feed: FeedSettings = FeedSettings()
    paper: PaperSettings = PaperSettings()
    assistant: AssistantSettings = AssistantSettings()
    catalogues: tuple[Path, ...] = ()
    """Files with formulas of one's own; rows of a profile and signals may then name them."""

    @property
    def cycle(self) -> CycleSettings:
        """The part that decisions depend on; its hash is in every DeskState.

        Signals that the settings do not name are the profile's, so that the record names them. SettingsError
        for a profile or a signal that is not known.
        """
        # TA-Lib comes in with the profile; who only reads settings need not wait for it.
        from tools.composite_signals import SIGNALS, is_signal
        from tools.report import load_profile

        given = {name: getattr(self, name) for name in CycleSettings.model_fields}
        profile = load_profile(self.profile)
        if "signals" not in self.composite.model_fields_set:
            given["composite"] = self.composite.model_copy(update={"signals": profile.signals})
        if unknown := [name for name in self.composite.signals if not is_signal(name)]:
            raise SettingsError(
                f"expected composite.signals among {', '.join(SIGNALS)} and the formulas, found "
                f"{', '.join(unknown)}; correct them"
            )
        return CycleSettings.model_validate(given)

    @property
    def account_id(self) -> str:
        """Name of the account, unique within a home."""
        return self.account.id or f"paper-{self.desk}"


@dataclass(frozen=True)
class Source:
    """One place settings come from, as a tree of what it sets."""

    name: str
    tree: Mapping[str, Any]


@dataclass(frozen=True)
class InForce:
    """One setting as it stands and who set it."""

    name: str
    value: object
    source: str


def load_settings(overrides: Mapping[str, object] | None = None, where: Path | None = None) -> Settings:
    """The settings in force. Raises SettingsError naming the setting, its source, and what is wrong.

    The user's formulas become known with them.
    """
    settings = validate(merge(sources(overrides, where)))
    if settings.catalogues:
        from tools.formulas.tools import add_formulas

        for path in settings.catalogues:
            add_formulas(path.expanduser())
    return settings


def sources(overrides: Mapping[str, object] | None = None, where: Path | None = None) -> tuple[Source, ...]:
    """Every source, weakest first; `overrides` are dotted names from the command line."""
    folder = where or Path.cwd()
    env_file = folder / ".env"
    found = [_toml(folder)]
    if env_file.is_file():
        found.append(Source(str(env_file), _from_names(read_env_file(env_file), str(env_file))))
    found.append(Source("environment", _from_names(os.environ, "environment")))
    found.append(Source("command line", _nest({n.lower(): v for n, v in (overrides or {}).items()})))
    return tuple(source for source in found if source.tree)


def merge(found: tuple[Source, ...]) -> dict[str, Any]:
    """One tree, later sources over earlier ones."""
    tree: dict[str, Any] = {}
    for source in found:
        tree = _over(tree, source.tree)
    return tree


def validate(tree: Mapping[str, Any]) -> Settings:
    """A tree of raw values as settings."""
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None


def in_force(settings: Settings, found: tuple[Source, ...]) -> list[InForce]:
    """Every setting with the strongest source that names it."""
    flat = {source.name: dict(_flatten(source.tree)) for source in found}
    rows = []
    for name, value in _flatten(settings.model_dump(mode="json")):
        setters = [source for source, names in flat.items() if _is_named(name, names)]
        rows.append(InForce(name, value, setters[-1] if setters else "default"))
    return rows


def _is_named(name: str, names: Mapping[str, object]) -> bool:
    return any(name == n or name.startswith(f"{n}.") or n.startswith(f"{name}.") for n in names)


def _toml(folder: Path) -> Source:
    named = os.environ.get("DUALBRAIN_CONFIG")
    path = Path(named).expanduser() if named else folder / "dualbrain.toml"
    if not path.is_file():
        if named:
            raise SettingsError(f"expected a settings file at DUALBRAIN_CONFIG={named}, found none")
        return Source(str(path), {})
    try:
        return Source(str(path), tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"expected TOML in {path}, found: {error}") from None


def _from_names(names: Mapping[str, str | None], source: str) -> dict[str, Any]:
    _check_capitals(names, source)
    ours = {
        n: v for n, v in names.items() if n.startswith(PREFIX) and n not in NOT_SETTINGS and v is not None
    }
    known = set(Settings.model_fields)
    for name in ours:
        top = name.removeprefix(PREFIX).split("__")[0].lower()
        if top not in known:
            raise SettingsError(
                f"expected {PREFIX}NAME or {PREFIX}SECTION__NAME of a known setting, "
                f"found {name} in {source}; `dualbrain doctor` lists them"
            )
    flat = {n.removeprefix(PREFIX).lower().replace("__", "."): _value(v, n, source) for n, v in ours.items()}
    return _nest(flat)


def _check_capitals(names: Iterable[str], source: str) -> None:
    """A limit that is written and not read is worse than a start that fails."""
    for name in names:
        if name.upper().startswith(PREFIX) and not name.startswith(PREFIX):
            raise SettingsError(f"expected {PREFIX}... in capitals, found {name} in {source}; rename it")


def _value(text: str | None, name: str, source: str) -> object:
    """A list or a table is written as JSON, everything else as it is."""
    if not text or text.lstrip()[:1] not in ("[", "{"):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingsError(f"expected JSON in {name} of {source}, found: {error}") from None


def _nest(flat: Mapping[str, object]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *path, leaf = name.split(".")
        branch = tree
        for part in path:
            branch = branch.setdefault(part, {})
            if not isinstance(branch, dict):
                raise SettingsError(f"expected {part} to be a section, found a value for it beside {name}")
        branch[leaf] = value
    return tree


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        merged[name] = _over(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _explain(error: ValidationError) -> str:
    lines = "; ".join(refusals(error))
    return f"settings refused: {lines}; `dualbrain doctor` lists every name"
