"""The catalogue of endpoints that serve models: addresses, keys, models, prices and quirks.

`providers.toml` beside this file is the only place that knows anything about one provider. A list ages: each
price carries the page it stands on and the day it was seen there, and a name that an endpoint dropped is
refused with the one to use instead.

A page may tell several rates (hours of the day, lengths of the prompt). The entry holds the dearest that a
request within its `context_tokens` can meet, so that a budget stops early rather than late. At a router that
cannot be promised: its hosts bill as they like, and `usage.cost` tells what it was.
"""

import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, model_validator

from contracts.canonical import Amount, Record
from contracts.errors import SettingsError
from contracts.exchange import Tokens

CATALOGUE = Path(__file__).with_name("providers.toml")
LOCAL_HOSTS = ("localhost", "127.0.0.1")

YesNo = Literal["yes", "no", "unknown"]
_UsdPerMillion = Annotated[Amount, Field(ge=0)]


class Quirk(StrEnum):
    """Where an endpoint or a model leaves the common form; code switches on these, never on a name."""

    REASONING_CONTENT = "reasoning_content"
    """Thinking comes in `reasoning_content`; the content may be empty. DeepSeek, Kimi: thinking guides."""
    REASONING = "reasoning"
    """Thinking comes in `reasoning`. OpenRouter: recorded; Together: its guide; Ollama: pydantic-ai 2.68."""
    THINK_TAGS = "think_tags"
    """Thinking stands in the content between `<think>` tags. MiniMax: chat reference, its example."""
    REASONING_SPLIT = "reasoning_split"
    """Body `reasoning_split: true` moves it to `reasoning_details`. MiniMax: OpenAI-compatible page."""
    RETURN_REASONING = "return_reasoning"
    """A message with tool calls goes back thinking and all: else 400 (DeepSeek, Kimi) or lost (MiniMax)."""
    THINKS_UNLESS_DISABLED = "thinks_unless_disabled"
    """Body `thinking: {"type": "disabled"}` stops the thinking. DeepSeek, Kimi, MiniMax: references."""
    REASONING_EFFORT_NONE = "reasoning_effort_none"
    """Body `reasoning: {"effort": "none"}` stops the thinking. OpenRouter: probed for pydantic-ai 2.68."""
    ALWAYS_THINKS = "always_thinks"
    """Thinking cannot be stopped; asking may be an error. Kimi, MiniMax: references; OpenRouter: its list."""
    SAMPLING_FIXED = "sampling_fixed"
    """Temperature and its like are set by the platform: leave them out. Kimi: parameter reference."""
    SAMPLING_IGNORED = "sampling_ignored"
    """While thinking, temperature and its like are taken and do nothing. DeepSeek: thinking guide."""
    TEMPERATURE_ABOVE_ZERO = "temperature_above_zero"
    """Temperature lies in (0, 1]; 0 is refused. MiniMax: as the clients of promptfoo and LobeHub have it."""
    NO_JSON_SCHEMA = "no_json_schema"
    """json_schema is refused: ask for json_object, the schema in the prompt. DeepSeek: JSON output guide."""
    NO_RESPONSE_FORMAT = "no_response_format"
    """`response_format` is ignored in silence: the schema in the prompt. MiniMax M2: its issue tracker."""
    NO_FORCED_TOOL = "no_forced_tool"
    """Forcing a tool is refused. Kimi K2: parameter reference; DeepSeek while thinking: pydantic-ai 2.68."""
    LIMIT_IS_MAX_TOKENS = "limit_is_max_tokens"
    """Only `max_tokens` limits; `max_completion_tokens` is ignored. DeepSeek: chat reference."""
    NAMED_TOOL_IDS = "named_tool_ids"
    """Tool call ids read `functions.name:0` and go back unchanged. Kimi K2: tool call guidance; recorded."""
    KEEP_ALIVE = "keep_alive"
    """Comments in a stream, blank lines before a body. OpenRouter: recorded; DeepSeek: rate limit page."""
    ERROR_UNDER_200 = "error_under_200"
    """Status 200 may carry an `error`, whole or as a stream's event. OpenRouter: errors page; recorded."""
    INTEGER_ERROR_CODE = "integer_error_code"
    """`error.code` is a number, the status it stands for. OpenRouter: errors page; recorded."""
    TYPED_ERROR = "typed_error"
    """Errors read `{"type": "error", "error": {...}, "request_id": ...}`. MiniMax: public reports of 2026."""
    BASE_RESP = "base_resp"
    """A body under 200 failed if `base_resp.status_code` is not 0. MiniMax: chat reference, error table."""
    COST_IN_USAGE = "cost_in_usage"
    """`usage.cost` tells the dollars billed. OpenRouter: recorded."""


class Price(Record):
    """Dollars per million tokens; `cached` is for the part of the prompt that the endpoint had kept."""

    input: _UsdPerMillion
    output: _UsdPerMillion
    cached: _UsdPerMillion
    seen_on: date
    """Day of the reading, or the earliest that an undated copy of the page can have."""
    source: str = Field(pattern=r"^https://\S+$")

    @model_validator(mode="after")
    def _cached_is_no_dearer(self) -> Self:
        if self.cached > self.input:
            raise ValueError(f"expected cached at most {self.input:f} as input, found {self.cached:f}")
        return self


class Model(Record):
    """One model at one endpoint; a price of None means unknown, never nothing."""

    name: str = Field(min_length=1)
    """As the endpoint spells it."""
    family: str
    context_tokens: int | None = Field(gt=0)
    max_output_tokens: int | None = Field(default=None, gt=0)
    price: Price | None = None
    tools: YesNo
    json_schema: YesNo
    streaming: YesNo
    reasoning: YesNo
    quirks: tuple[Quirk, ...] = ()
    """From `providers()` and `find_model` on: the endpoint's, then its own."""


class Provider(Record):
    """One endpoint."""

    name: str
    title: str
    base_url: str | None = None
    """None: the user tells it."""
    key_variable: str | None = Field(default=None, pattern=r"^[A-Z][A-Z0-9_]*$")
    is_key_optional: bool = False
    how_to_get_key: str = Field(min_length=1)
    models: tuple[Model, ...] = ()
    quirks: tuple[Quirk, ...] = ()
    retired: Mapping[str, str] = {}
    """Name that the endpoint dropped, and the one to use."""
    takes_any_model: bool = False
    unlisted_price: Price | None = None
    """Of a model that is not listed, where any is taken."""
    unpriced_suffix: str | None = None
    """An unlisted name ending so runs on someone else's machine, at an unknown price."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        names = [model.name for model in self.models]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"expected each model once, found {', '.join(twice)} twice")
        if not names and not self.takes_any_model:
            raise ValueError("expected models, or takes_any_model, found neither")
        for old, new in self.retired.items():
            if old in names or new not in names:
                raise ValueError(f"expected {old} replaced by a listed model, found {new}")
        if self.base_url is not None and not hides_a_key(self.base_url):
            raise ValueError(f"expected base_url to be https, or http on this machine, found {self.base_url}")
        return self


def providers() -> Mapping[str, Provider]:
    """Every endpoint of the catalogue by name, in file order; read once."""
    return _catalogue()


def read_providers(path: Path) -> Mapping[str, Provider]:
    """The endpoints described in `path`; SettingsError names file and entry where it is not as it must be."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"expected {path.name} to be readable TOML, found: {error}; mend it") from error
    found = {name: _provider(name, table, path) for name, table in tables.items()}
    owners: dict[str, str] = {}
    for name, provider in found.items():
        variable = provider.key_variable
        if variable is not None and owners.setdefault(variable, name) != name:
            raise SettingsError(
                f"expected one provider for each key variable, found {variable} at {owners[variable]} "
                f"and {name} in {path.name}; rename one"
            )
    return MappingProxyType(found)


def find_model(provider: str, model: str) -> Model:
    """The model of that name at that endpoint, as the endpoint spells it.

    Where any model is taken (Ollama, a server of the user's own) an unlisted one is described as unknown in
    everything but its price, which is nothing on the user's own machine.
    """
    endpoint = providers().get(provider)
    if endpoint is None:
        raise SettingsError(
            f"expected a provider, found {provider[:40]!r}; nearest are {_nearest(provider, providers())}",
            provider=provider,
        )
    listed = {entry.name: entry for entry in endpoint.models}
    if model in listed:
        return listed[model]
    if not model or not endpoint.takes_any_model:
        raise SettingsError(_refusal(endpoint, model, listed), provider=provider, model=model)
    is_elsewhere = endpoint.unpriced_suffix is not None and model.endswith(endpoint.unpriced_suffix)
    return unlisted_model(model, None if is_elsewhere else endpoint.unlisted_price, endpoint.quirks)


def unlisted_model(name: str, price: Price | None = None, quirks: tuple[Quirk, ...] = ()) -> Model:
    """A model of which nothing else is known."""
    return Model(
        name=name,
        family="unknown",
        context_tokens=None,
        price=price,
        tools="unknown",
        json_schema="unknown",
        streaming="unknown",
        reasoning="unknown",
        quirks=quirks,
    )


def cost_usd(price: Price, tokens: Tokens) -> Decimal:
    """What `tokens` cost, exactly; the cached part of the input has its own price, thinking is output."""
    cached = min(tokens.cached, tokens.input)
    millionths = (tokens.input - cached) * price.input + cached * price.cached + tokens.output * price.output
    return millionths.scaleb(-6)


def hides_a_key(url: str) -> bool:
    """Whether a key sent there is read by nobody on the way: over https, or to this machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(str(parts.hostname)))
    )


def is_sendable(key: str) -> bool:
    """Whether a key can stand in a header as it is: visible ASCII alone."""
    return all("!" <= each <= "~" for each in key)


@cache
def _catalogue() -> Mapping[str, Provider]:
    return read_providers(CATALOGUE)


def _provider(name: str, table: object, path: Path) -> Provider:
    if not isinstance(table, dict):
        raise SettingsError(f"expected a table for each provider, found {name} = {table!r} in {path.name}")
    if "name" in table:
        raise SettingsError(f"expected {path.name} to name {name} by its table only, found a name; drop it")
    try:
        provider = Provider.model_validate({"name": name, **table})
    except ValidationError as error:
        faults = "; ".join(_fault(name, table, fault["loc"], fault["msg"]) for fault in error.errors())
        raise SettingsError(f"expected a provider in {path.name}, found {faults}; correct it") from error
    models = tuple(
        model.model_copy(update={"quirks": tuple(dict.fromkeys(provider.quirks + model.quirks))})
        for model in provider.models
    )
    return provider.model_copy(update={"models": models})


def _fault(name: str, table: dict[str, Any], loc: tuple[int | str, ...], message: str) -> str:
    """A list of models is told by their names: a number would have the reader count."""
    parts = list(loc)
    if len(parts) > 1 and parts[0] == "models" and isinstance(parts[1], int):
        entry = table["models"][parts[1]]
        parts[1] = str(entry.get("name", parts[1])) if isinstance(entry, dict) else parts[1]
    return f"{' > '.join(str(part) for part in (name, *parts))}: {message}"


def _refusal(endpoint: Provider, model: str, listed: Mapping[str, Model]) -> str:
    found = f"expected a model of {endpoint.name}, found {model[:80]!r}"
    if model in endpoint.retired:
        return f"{found}, which it no longer lists; use {endpoint.retired[model]}"
    if not listed:
        return f"{found}; name the one that the server holds"
    return f"{found}; nearest are {_nearest(model, listed)}"


def _nearest(name: str, known: Mapping[str, object]) -> str:
    return ", ".join(get_close_matches(name[:80], known, n=3, cutoff=0.0))


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
