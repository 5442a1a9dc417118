"""The doctor's look at the models: each seat, its price and key, the local server, and what was probed.

Without `--probe` nothing but the Ollama server is asked, for one second. A probe asks each endpoint that can
be asked, and what came is kept under the home with its date.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import SecretStr, TypeAdapter, ValidationError

from agents.abilities import Abilities, ask_abilities
from agents.chat import Endpoint
from agents.endpoints import OLLAMA, base_url_of, find_endpoint
from agents.local_models import list_models, server_url
from agents.providers import Price, find_model, providers
from agents.settings import BrainSettings, SeatSettings
from contracts.canonical import Record
from contracts.errors import SettingsError
from desk.present import moment
from desk.settings import Settings

PROBES = "probes.json"
ASKING_MODES = ("technical+panel", "dual")
_SERVER_S = 1.0
_PROBE_S = 60.0
_Role = Literal["seat", "brain", "assistant"]
_Mind = SeatSettings | BrainSettings
_Kept = TypeAdapter(tuple[Abilities, ...])


class SeatState(Record):
    """A seat, the brain or the assistant as it is set; `key` tells whether one was found, never which."""

    role: _Role
    seat: str
    sits: bool
    provider: str
    model: str
    base_url: str | None
    price: Price | None
    key: Literal["found", "missing", "not needed"]
    missing: str | None
    probed: Abilities | None


class OllamaState(Record):
    """Whether the local server answers, and with which models."""

    url: str
    answers: bool
    models: tuple[str, ...]
    problem: str | None


class ModelsState(Record):
    """Everything the doctor says about models."""

    is_asked: bool
    """Whether the mode in force asks models at all."""
    ollama: OllamaState
    seats: tuple[SeatState, ...]
    problem: str | None
    """With the file of earlier probes."""


def examine_models(
    settings: Settings,
    *,
    home: Path,
    host: str | None,
    key_of: Callable[[str], SecretStr | None],
    on_probe: Callable[[int, int, str], None] | None = None,
) -> ModelsState:
    """Look at everybody; with `on_probe` (place, how many, whom), ask first and keep what came."""
    ollama = _look_at_ollama(host)
    minds = _minds(settings)
    endpoints = {who: _endpoint(mind, key_of, host) for who, mind in minds.items()}
    if on_probe is None:
        kept, problem = _read_kept(home / PROBES)
    else:
        kept, problem = _read_kept(home / PROBES)[0], None
        kept |= _ask_all([each for each in endpoints.values() if isinstance(each, Endpoint)], on_probe)
        _write_kept(home / PROBES, tuple(kept.values()))
    states = []
    for (role, name), seat in minds.items():
        endpoint = endpoints[role, name]
        base_url = _base_url(seat, host)
        lacks = endpoint if isinstance(endpoint, str) else _lacks_locally(seat, base_url, ollama)
        state = SeatState(
            role=role,
            seat=name,
            sits=role != "seat" or name in settings.panel.seats,
            provider=seat.provider,
            model=seat.model,
            base_url=base_url,
            price=_price(seat),
            key=_key_state(seat.provider, key_of),
            missing=lacks,
            probed=kept.get((base_url or "", seat.model)),
        )
        states.append(state)
    return ModelsState(
        is_asked=settings.mode in ASKING_MODES, ollama=ollama, seats=tuple(states), problem=problem
    )


def model_lines(state: ModelsState) -> list[tuple[str, str]]:
    """The section as names and texts."""
    asked = "asked in this mode" if state.is_asked else "no model is asked in this mode"
    local = state.ollama
    held = ", ".join(local.models) or "no model"
    answers = f"answers at {local.url}, holds {held}" if local.answers else str(local.problem)
    rows = [("models", asked), ("ollama", answers)]
    if not any(seat.role == "brain" for seat in state.seats):
        rows.append(("brain", "none, so nobody reads before the panel votes; brain.model names one"))
    rows += [
        (f"seat {seat.seat}" if seat.role == "seat" else seat.role, "\n".join(_seat_lines(seat)))
        for seat in state.seats
    ]
    return [*rows, ("probes", state.problem)] if state.problem is not None else rows


def _minds(settings: Settings) -> dict[tuple[_Role, str], _Mind]:
    """Everybody who is named a model, in the order of a decision; the assistant may go by the brain's."""
    found: dict[tuple[_Role, str], _Mind] = {}
    if settings.brain.model:
        found["brain", "brain"] = settings.brain
    found |= {("seat", name): seat for name, seat in settings.seats.items()}
    assistant = settings.assistant.or_the_brains(settings.brain)
    if assistant.model:
        found["assistant", "assistant"] = assistant
    return found


def _seat_lines(seat: SeatState) -> list[str]:
    place = "" if seat.sits else ", not on the panel"
    lines = [f"{seat.model} at {seat.provider}{place}; {_price_words(seat.price)}; key {seat.key}"]
    if seat.missing is not None:
        lines.append(seat.missing)
    if seat.probed is None:
        return [*lines, "never probed; `dualbrain doctor --probe` asks it"] if seat.missing is None else lines
    found = ", ".join(f"{each.name.replace('_', ' ')} {each.answer}" for each in seat.probed.found)
    lines.append(f"probed {moment(seat.probed.asked_at)}: {found}")
    lines += [
        f"  {each.name.replace('_', ' ')}: {each.how}" for each in seat.probed.found if each.answer != "yes"
    ]
    return lines


def _price_words(price: Price | None) -> str:
    if price is None:
        return "price unknown"
    if price.input == price.output == 0:
        return "not billed"
    return f"{price.input:f} in, {price.output:f} out USD a million tokens (seen {price.seen_on})"


def _look_at_ollama(host: str | None) -> OllamaState:
    try:
        url = server_url(host)
    except SettingsError as error:
        return OllamaState(url="", answers=False, models=(), problem=str(error))
    try:
        models = tuple(info.name for info in list_models(host, _SERVER_S))
    except SettingsError as error:
        return OllamaState(url=url, answers=False, models=(), problem=str(error))
    return OllamaState(url=url, answers=True, models=models, problem=None)


def _endpoint(seat: _Mind, key_of: Callable[[str], SecretStr | None], host: str | None) -> Endpoint | str:
    try:
        return find_endpoint(seat, key_of(seat.provider) if seat.provider in providers() else None, host)
    except SettingsError as error:
        return str(error)


def _base_url(seat: _Mind, host: str | None) -> str | None:
    try:
        return base_url_of(seat, host)
    except SettingsError:
        return None


def _price(seat: _Mind) -> Price | None:
    try:
        return find_model(seat.provider, seat.model).price
    except SettingsError:
        return None


def _key_state(
    provider: str, key_of: Callable[[str], SecretStr | None]
) -> Literal["found", "missing", "not needed"]:
    known = providers().get(provider)
    if known is None or known.key_variable is None:
        return "not needed"
    if key_of(provider) is not None:
        return "found"
    return "not needed" if known.is_key_optional else "missing"


def _lacks_locally(seat: _Mind, base_url: str | None, ollama: OllamaState) -> str | None:
    """What an Ollama seat still needs; only the server at OLLAMA_HOST was looked at."""
    if seat.provider != OLLAMA:
        return None
    try:
        asked = server_url((base_url or "").removesuffix("/").removesuffix("/v1"))
    except SettingsError:
        return f"expected its base_url as http://HOST:PORT/v1, found {base_url}; correct it"
    if asked.replace("//localhost", "//127.0.0.1") != ollama.url.replace("//localhost", "//127.0.0.1"):
        return f"its base_url is {base_url}, OLLAMA_HOST is {ollama.url}; make them one"
    if not ollama.answers:
        return ollama.problem
    name = seat.model if ":" in seat.model else f"{seat.model}:latest"
    return None if name in ollama.models else f"model {name}; `dualbrain models pull {seat.model}` fetches it"


def _ask_all(
    endpoints: Sequence[Endpoint], on_probe: Callable[[int, int, str], None]
) -> dict[tuple[str, str], Abilities]:
    each_once = {(endpoint.base_url, endpoint.model.name): endpoint for endpoint in endpoints}
    found = {}
    for place, (name, endpoint) in enumerate(each_once.items()):
        on_probe(place, len(each_once), f"{endpoint.model.name} at {endpoint.provider}")
        found[name] = ask_abilities(*name, endpoint.key, now=lambda: datetime.now(UTC), timeout_s=_PROBE_S)
    return found


def _read_kept(path: Path) -> tuple[dict[tuple[str, str], Abilities], str | None]:
    try:
        rows = _Kept.validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}, None
    except (OSError, ValidationError) as error:
        why = error.strerror if isinstance(error, OSError) else "something else"
        return (
            {},
            f"expected earlier answers in {path}, found {why}; `dualbrain doctor --probe` writes them anew",
        )
    return {(row.base_url, row.model): row for row in rows}, None


def _write_kept(path: Path, rows: tuple[Abilities, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(_Kept.dump_json(rows, indent=2) + b"\n")
    # A reader sees the old answers or the new ones, never half of a file.
    fresh.replace(path)
