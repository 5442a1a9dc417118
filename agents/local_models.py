"""Local models as an Ollama server has them: which there are, what they need, fetching one, asking one.

    server_url(OLLAMA_HOST) -> list_models, show_model, pull_model, check_model, model_digest,
                                model_capabilities

The last two take a server that is away as an answer; the others raise SettingsError, for each of them
somebody waits who can start it. `transport` is what stands under the client: of agents/ollama_line.py to have
it on record; by default the network. Fields are those of Ollama's API (ollama/ollama: docs/api.md, and
client 0.6.3).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

from agents.abilities import Abilities, ask_abilities
from agents.providers import hides_a_key, is_sendable
from contracts.canonical import Record, Utc
from contracts.errors import SettingsError

if TYPE_CHECKING:
    import httpx
    import ollama

DEFAULT_URL = "http://127.0.0.1:11434"
DEFAULT_CONTEXT_TOKENS = 4_096
"""What Ollama gives a model below 24 GiB of graphics memory (its page on context length, stored copy)."""
_CONNECT_S = 2.0
_ANSWER_S = 15.0
_SILENCE_S = 600.0
"""While pulling: checking the hash of many gigabytes is done without a word."""
_ASK_S = 300.0
"""A model of many gigabytes is read from the disk before its first answer."""
_KEY = SecretStr("not needed")
_BYTES_PER_NUMBER = 2
"""Of the cache of keys and values, which llama.cpp keeps in 16 bits unless told otherwise."""


class LocalModelInfo(Record):
    """One model on the server's disk."""

    name: str
    digest: str
    size_bytes: int
    modified_at: Utc | None
    family: str | None
    parameters: str | None
    """As the server says it, such as 4.0B."""
    quantization: str | None


class MemoryEstimate(Record):
    """Weights as large as their file, and two numbers a layer, head and token: keys and values.

    The runtime's own buffers come on top. Models whose layers look back over a window only, or share
    keys, need less.
    """

    context_tokens: int
    weights_bytes: int
    cache_bytes: int | None
    """None where the model's description lacks a figure it takes."""

    @property
    def total_bytes(self) -> int | None:
        """Both together."""
        return None if self.cache_bytes is None else self.weights_bytes + self.cache_bytes


class LocalModelDetail(Record):
    """What the server declares of one model."""

    info: LocalModelInfo
    capabilities: tuple[str, ...]
    context_tokens: int | None
    """The longest it was made for; the server gives it less unless told."""
    has_template: bool
    license_line: str | None
    memory: MemoryEstimate


class CheckResult(Record):
    """What the server declares of a model, and what the model did when asked."""

    info: LocalModelInfo
    capabilities: tuple[str, ...]
    abilities: Abilities | None
    """None: it does not chat, so nothing was asked."""


class PullStep(Record):
    """Where a pull stands; bytes over all layers the server has named so far."""

    status: str
    completed_bytes: int
    total_bytes: int


def server_url(host: str | None) -> str:
    """The address in OLLAMA_HOST, whose scheme and port may be missing; the usual one for None."""
    text = (host or "").strip().rstrip("/")
    if not text:
        return DEFAULT_URL
    try:
        parts = urlsplit(text if "://" in text else f"//{text}", scheme="http")
        port = (
            parts.port or {"http": 80, "https": 443}[parts.scheme] if "://" in text else parts.port or 11434
        )
    except (ValueError, KeyError):
        # What stands before an @ may be a password.
        raise SettingsError(
            f"expected OLLAMA_HOST as [http://]HOST[:PORT], found {text.rpartition('@')[2]!r}; correct it"
        ) from None
    # A server told to listen everywhere names no address that everybody can call.
    name = {None: "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}.get(parts.hostname, parts.hostname)  # noqa: S104
    return f"{parts.scheme}://{f'[{name}]' if ':' in str(name) else name}:{port}{parts.path}"


def list_models(
    host: str | None, timeout_s: float = _ANSWER_S, transport: "httpx.BaseTransport | None" = None
) -> tuple[LocalModelInfo, ...]:
    """Every model on the server's disk, in the server's order."""
    with _asking(host, timeout_s, transport) as client:
        return tuple(_info(row) for row in client.list().models)


def model_digest(
    host: str | None, name: str, timeout_s: float = 1.0, transport: "httpx.BaseTransport | None" = None
) -> str | None:
    """What the weights are, for the record of an exchange; None where server or model is not there."""
    try:
        return _find(list_models(host, timeout_s, transport), host, name).digest
    except SettingsError:
        return None


def model_capabilities(
    host: str | None, name: str, timeout_s: float = 1.0, transport: "httpx.BaseTransport | None" = None
) -> tuple[str, ...] | None:
    """What the server declares of a model; None where it is not there, or older than such declarations."""
    try:
        with _asking(host, timeout_s, transport) as client:
            return tuple(client.show(name).capabilities or ()) or None
    except SettingsError:
        return None


def show_model(
    host: str | None,
    name: str,
    context_tokens: int | None = None,
    transport: "httpx.BaseTransport | None" = None,
) -> LocalModelDetail:
    """What the server declares of a model; its memory with so many tokens, or the model's own if fewer."""
    info = _find(list_models(host, transport=transport), host, name)
    with _asking(host, _ANSWER_S, transport) as client:
        shown = client.show(info.name)
    facts = shown.modelinfo or {}
    longest = _figure(facts, "context_length")
    wanted = context_tokens or DEFAULT_CONTEXT_TOKENS
    used = min(wanted, longest or wanted)
    license_line = next((line.strip() for line in (shown.license or "").splitlines() if line.strip()), None)
    return LocalModelDetail(
        info=info,
        capabilities=tuple(shown.capabilities or ()),
        context_tokens=longest,
        has_template=bool((shown.template or "").strip()),
        license_line=license_line and "".join(filter(str.isprintable, license_line))[:120],
        memory=MemoryEstimate(
            context_tokens=used, weights_bytes=info.size_bytes, cache_bytes=_cache_bytes(facts, used)
        ),
    )


def check_model(host: str | None, name: str, now: Callable[[], datetime]) -> CheckResult:
    """Ask a model what it can do, by the way the formula brain would."""
    shown = show_model(host, name)
    abilities = None
    if not shown.capabilities or "completion" in shown.capabilities:
        url = f"{server_url(host)}/v1"
        abilities = ask_abilities(url, shown.info.name, _KEY, now=now, timeout_s=_ASK_S)
    return CheckResult(info=shown.info, capabilities=shown.capabilities, abilities=abilities)


def pull_model(
    host: str | None,
    name: str,
    free_bytes: Callable[[], int | None],
    transport: "httpx.BaseTransport | None" = None,
) -> Iterator[PullStep]:
    """Have the server fetch a model, a step at a time; SettingsError before the bytes if they will not fit.

    The server tells how large a layer is when it begins to fetch it, the largest first, and no sooner:
    `free_bytes` (None: not known) is asked then. Leaving early, at an error too, ends the pull at the
    server, which keeps what it has for the next try.
    """
    layers: dict[str, tuple[int, int]] = {}
    refused = "look the name up at https://ollama.com/library"
    with _asking(host, _SILENCE_S, transport, refused) as client:
        for line in client.pull(name, stream=True):
            is_new = line.digest is not None and line.total is not None and line.digest not in layers
            if line.digest is not None and line.total is not None:
                layers[line.digest] = (line.completed or 0, line.total)
            done, total = (
                (sum(figures) for figures in zip(*layers.values(), strict=True)) if layers else (0, 0)
            )
            if is_new:
                _check_fits(name, total - done, free_bytes())
            yield PullStep(status=line.status or "", completed_bytes=done, total_bytes=total)


def _check_fits(name: str, needed: int, free: int | None) -> None:
    if free is not None and needed > free:
        raise SettingsError(
            f"expected {needed / 1e9:,.1f} GB free for {name}, found {free / 1e9:,.1f} GB; make room, or set "
            "OLLAMA_MODELS to a folder on a larger disk and start the server again"
        )


def _find(models: Sequence[LocalModelInfo], host: str | None, name: str) -> LocalModelInfo:
    full = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
    for info in models:
        if info.name == full:
            return info
    known = ", ".join(info.name for info in models[:5]) or "no model at all"
    raise SettingsError(
        f"expected model {full} at {server_url(host)}, found {known}; "
        f"`dualbrain models pull {name}` fetches it"
    )


def _info(row: "ollama.ListResponse.Model") -> LocalModelInfo:
    details = row.details
    return LocalModelInfo(
        name=row.model or "",
        digest=row.digest or "",
        size_bytes=int(row.size or 0),
        modified_at=row.modified_at,
        family=details and details.family,
        parameters=details and details.parameter_size,
        quantization=details and details.quantization_level,
    )


def _cache_bytes(facts: Mapping[str, object], n_tokens: int) -> int | None:
    n_layers, n_heads = _figure(facts, "block_count"), _figure(facts, "attention.head_count")
    width = _figure(facts, "embedding_length")
    own = width // n_heads if width and n_heads else None
    key, value = (
        _figure(facts, "attention.key_length") or own,
        _figure(facts, "attention.value_length") or own,
    )
    kept = facts.get(f"{facts.get('general.architecture')}.attention.head_count_kv")
    if not n_layers or not key or not value:
        return None
    # Some models have another number of heads in each layer.
    if isinstance(kept, Sequence) and not isinstance(kept, str):
        heads = sum(each for each in kept if isinstance(each, int))
    else:
        heads = n_layers * (kept if isinstance(kept, int) else n_heads or 0)
    return heads * (key + value) * _BYTES_PER_NUMBER * n_tokens if heads else None


def _figure(facts: Mapping[str, object], name: str) -> int | None:
    found = facts.get(f"{facts.get('general.architecture')}.{name}")
    return found if isinstance(found, int) else None


@contextmanager
def _asking(
    host: str | None,
    answer_s: float,
    transport: "httpx.BaseTransport | None",
    refused: str = "look at the server's log",
) -> "Iterator[ollama.Client]":
    """A client, and what goes wrong with it in words; `refused` says what to do where the server says no."""
    import httpx

    url = server_url(host)
    try:
        # The client reads OLLAMA_HOST for itself, while it is imported and whatever we pass it.
        import ollama
    except ValueError:
        raise SettingsError(
            "expected OLLAMA_HOST of the environment as [http://]HOST[:PORT], found no address; correct it"
        ) from None
    timeout = httpx.Timeout(answer_s, connect=min(_CONNECT_S, answer_s))
    try:
        # Without the environment: a proxy set for the outside would stand between us and this machine.
        with ollama.Client(
            url, timeout=timeout, trust_env=False, transport=transport, event_hooks={"request": [_guard_key]}
        ) as client:
            yield client
    except (ConnectionError, httpx.ConnectError, httpx.ConnectTimeout):
        raise SettingsError(
            f"expected an Ollama server at {url}, found none; start it with `ollama serve` or set OLLAMA_HOST"
        ) from None
    except httpx.TimeoutException:
        raise SettingsError(
            f"expected an answer of the Ollama server at {url} in {answer_s:g} s, found silence; restart it"
        ) from None
    except httpx.TransportError as error:
        raise SettingsError(
            f"expected a whole answer of the Ollama server at {url}, found it broken off: {error}; try again"
        ) from None
    except ollama.ResponseError as error:
        raise SettingsError(
            f"expected the Ollama server at {url} to do it, found: {error.error}; {refused}"
        ) from None
    except (ValueError, TypeError, AttributeError) as error:
        # The client takes every body for a JSON object, those of errors too.
        raise SettingsError(
            f"expected Ollama's API at {url}, found something else ({type(error).__name__}); set OLLAMA_HOST"
        ) from None


def _guard_key(request: "httpx.Request") -> None:
    """The client takes a key of ollama.com's from the environment by itself."""
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not hides_a_key(str(request.url)) or not is_sendable(key):
        request.headers.pop("authorization", None)
