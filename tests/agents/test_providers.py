"""The catalogue as it stands, what it refuses, and what calls cost."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.providers import (
    CATALOGUE,
    LOCAL_HOSTS,
    Model,
    Price,
    Provider,
    Quirk,
    cost_usd,
    find_model,
    providers,
    read_providers,
)
from contracts.errors import SettingsError
from contracts.exchange import Tokens

ALL_MODELS = [(p.name, m) for p in providers().values() for m in p.models]
PRICES = [
    *(pytest.param(m.price, id=f"{name}-{m.name}") for name, m in ALL_MODELS if m.price is not None),
    *(pytest.param(p.unlisted_price, id=p.name) for p in providers().values() if p.unlisted_price),
]

ONE = """
[here]
title = "Here"
base_url = "https://here.example/v1"
key_variable = "HERE_API_KEY"
how_to_get_key = "Ask at https://here.example."
quirks = ["keep_alive"]

[here.retired]
old = "new"

[[here.models]]
name = "first"
family = "kimi"
context_tokens = 1000
tools = "yes"
json_schema = "no"
streaming = "yes"
reasoning = "unknown"
quirks = ["think_tags", "keep_alive"]
price = { input = 0.1, output = 0.3, cached = 0.02, seen_on = 2026-10-01, source = "https://here.example/p" }

[[here.models]]
name = "new"
family = "qwen"
context_tokens = 1000
tools = "yes"
json_schema = "no"
streaming = "yes"
reasoning = "unknown"
"""


def price(given: str = "0.30", answered: str = "1.20", cached: str = "0.06") -> Price:
    return Price(
        input=Decimal(given),
        output=Decimal(answered),
        cached=Decimal(cached),
        seen_on=date(2026, 10, 1),
        source="https://here.example/p",
    )


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], dict[str, Provider]]:
    def _read(text: str) -> dict[str, Provider]:
        path = tmp_path / "list.toml"
        path.write_text(text, encoding="utf-8")
        return dict(read_providers(path))

    return _read


# The file


def test_every_endpoint_of_the_design_is_there() -> None:
    assert list(providers()) == [
        "moonshot",
        "deepseek",
        "minimax",
        "openrouter",
        "together",
        "ollama",
        "openai-compatible",
    ]


@pytest.mark.parametrize("route", ["openrouter", "together"])
def test_other_routes_lead_to_the_same_three_families(route: str) -> None:
    assert {"kimi", "deepseek", "minimax"} <= {model.family for model in providers()[route].models}


def test_key_variables_are_upper_case_and_belong_to_one_provider() -> None:
    variables = [p.key_variable for p in providers().values() if p.key_variable is not None]
    assert len(variables) == 6
    assert len(set(variables)) == 6
    assert all(variable == variable.upper() for variable in variables)


def test_every_keyed_provider_says_where_a_key_comes_from() -> None:
    assert all("https://" in provider.how_to_get_key for provider in providers().values())


def test_only_a_server_of_ones_own_goes_without_key_or_address() -> None:
    assert [p.name for p in providers().values() if p.base_url is None] == ["openai-compatible"]
    keyless = [p.name for p in providers().values() if p.key_variable is None or p.is_key_optional]
    assert keyless == ["ollama", "openai-compatible"]


@pytest.mark.parametrize("provider", [p for p in providers().values() if p.base_url], ids=lambda p: p.name)
def test_addresses_are_https_unless_on_this_machine(provider: Provider) -> None:
    parts = urlsplit(provider.base_url or "")
    assert parts.scheme == "https" or parts.hostname in LOCAL_HOSTS
    assert (parts.hostname in LOCAL_HOSTS) == (provider.name == "ollama")
    assert not str(provider.base_url).endswith("/")


@pytest.mark.parametrize("entry", PRICES)
def test_every_price_says_where_and_when_it_was_seen(entry: Price) -> None:
    assert entry.source.startswith("https://")
    assert date(2026, 1, 1) <= entry.seen_on <= datetime.now(UTC).date()
    assert entry.cached <= entry.input <= entry.output


def test_a_price_of_nothing_is_only_for_free_routes_and_ones_own_machine() -> None:
    free = [m.name for _, m in ALL_MODELS if m.price is not None and m.price.output == 0]
    assert free
    assert all(name.endswith(":free") for name in free)


def test_every_quirk_is_had_by_somebody() -> None:
    had = {quirk for provider in providers().values() for quirk in provider.quirks}
    had |= {quirk for _, model in ALL_MODELS for quirk in model.quirks}
    assert had == set(Quirk)


@pytest.mark.parametrize("model", [m for _, m in ALL_MODELS], ids=lambda m: m.name)
def test_abilities_and_quirks_agree(model: Model) -> None:
    refuses = {Quirk.NO_JSON_SCHEMA, Quirk.NO_RESPONSE_FORMAT} & set(model.quirks)
    assert (model.json_schema == "no") == bool(refuses)
    how_to_stop = {Quirk.THINKS_UNLESS_DISABLED, Quirk.REASONING_EFFORT_NONE, Quirk.ALWAYS_THINKS}
    stops = how_to_stop & set(model.quirks)
    assert len(stops) <= 1
    assert not (stops and model.reasoning != "yes")


@pytest.mark.parametrize(
    ("provider", "model", "family"),
    [
        ("moonshot", "kimi-k2.6", "kimi"),
        ("deepseek", "deepseek-flash", "deepseek"),
        ("minimax", "MiniMax-M2.7", "minimax"),
    ],
)
def test_default_seats_are_priced_and_say_how_their_thinking_comes(
    provider: str, model: str, family: str
) -> None:
    found = find_model(provider, model)
    assert found.family == family
    assert found.price is not None
    assert {Quirk.REASONING_CONTENT, Quirk.THINK_TAGS} & set(found.quirks)


# Finding


def test_a_model_carries_its_endpoints_quirks_first_and_each_once(
    read: Callable[[str], dict[str, Provider]],
) -> None:
    first, second = read(ONE)["here"].models
    assert first.quirks == (Quirk.KEEP_ALIVE, Quirk.THINK_TAGS)
    assert second.quirks == (Quirk.KEEP_ALIVE,)
    assert second.price is None
    assert first.price is not None
    assert first.price.input == Decimal("0.1")


def test_an_unknown_model_is_refused_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match="expected a model of minimax, found 'minimax-m2'") as caught:
        find_model("minimax", "minimax-m2")
    assert "nearest are MiniMax-M2.7, MiniMax-M3" in str(caught.value)
    assert caught.value.fields == {"provider": "minimax", "model": "minimax-m2"}


def test_a_misspelt_provider_is_refused_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match="found 'depseek'; nearest are deepseek,"):
        find_model("depseek", "deepseek-flash")


@pytest.mark.parametrize("name", ["deepseek-chat", "deepseek-reasoner"])
def test_a_retired_name_is_refused_with_its_successor(name: str) -> None:
    with pytest.raises(SettingsError, match=f"found '{name}', which it no longer lists; use deepseek-flash"):
        find_model("deepseek", name)


def test_an_unlisted_local_model_costs_nothing_and_promises_nothing() -> None:
    found = find_model("ollama", "qwen3:8b")
    assert found.price is not None
    assert cost_usd(found.price, Tokens(input=10_000_000, output=10_000_000)) == 0
    assert (found.tools, found.json_schema, found.context_tokens) == ("unknown", "unknown", None)
    assert found.quirks == providers()["ollama"].quirks


@pytest.mark.parametrize("name", ["gpt-oss:120b-cloud", "kimi-k2.6:cloud"])
def test_a_model_that_ollama_passes_on_has_no_known_price(name: str) -> None:
    assert find_model("ollama", name).price is None


def test_any_server_takes_any_model_at_an_unknown_price() -> None:
    found = find_model("openai-compatible", "SmolLM2-135M")
    assert (found.name, found.price) == ("SmolLM2-135M", None)
    with pytest.raises(SettingsError, match="found ''; name the one that the server holds"):
        find_model("openai-compatible", "")


# What is refused


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('title = "Here"', 'title = "Here"\ncolour = "red"'), "here > colour: Extra inputs"),
        (("context_tokens = 1000", "context_tokens = 1000\nsize = 7"), "here > models > first > size: Extra"),
        (("seen_on = 2026-10-01, ", ""), "here > models > first > price > seen_on: Field required"),
        ((', source = "https://here.example/p"', ""), "here > models > first > price > source: Field requ"),
        (("https://here.example/p", "a friend"), "here > models > first > price > source: String should"),
        (("cached = 0.02", "cached = 0.2"), "here > models > first > price: .*expected cached at most 0.1"),
        (("input = 0.1", "input = -1"), "here > models > first > price > input: Input should be greater"),
        (('name = "new"', 'name = "first"'), "here: .*expected each model once, found first twice"),
        (('name = "first"\n', ""), "here > models > 0 > name: Field required"),
        (('tools = "yes"', 'tools = "maybe"'), "here > models > first > tools: Input should be 'yes'"),
        (('"think_tags"', '"thinks_aloud"'), "here > models > first > quirks > 0: Input should be"),
        (('old = "new"', 'old = "none"'), "here: .*expected old replaced by a listed model, found none"),
        (("https://here.example/v1", "http://here.example/v1"), "here: .*expected base_url to be https"),
        (("https://here.example/v1", "here.example"), "here: .*expected base_url to be https"),
        (("HERE_API_KEY", "here_key"), "here > key_variable: String should match"),
        (("Ask at https://here.example.", ""), "here > how_to_get_key: String should have at least 1"),
    ],
)
def test_a_faulty_entry_is_refused_by_name(
    read: Callable[[str], dict[str, Provider]], change: tuple[str, str], said: str
) -> None:
    assert change[0] in ONE
    with pytest.raises(SettingsError, match=said) as caught:
        read(ONE.replace(*change, 1))
    assert str(caught.value).startswith("expected a provider in list.toml, found here")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ONE + ONE.replace("[here]", "[there]").replace("here.m", "there.m").replace("here.r", "there.r"),
         "found HERE_API_KEY at here and there in list.toml"),
        ("here = 1", "expected a table for each provider, found here = 1 in list.toml"),
        (ONE.replace("title", 'name = "there"\ntitle'), "to name here by its table only, found a name; drop"),
        ("[here", "expected list.toml to be readable TOML"),
        ('[here]\ntitle = "a"\nhow_to_get_key = "b"', "expected models, or takes_any_model, found neither"),
        ('[here]\ntitle = "a"\nhow_to_get_key = "b"\nmodels = [1]', "here > models > 0: Input should be"),
    ],
)  # fmt: skip
def test_a_faulty_file_is_refused(read: Callable[[str], dict[str, Provider]], text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        read(text)


def test_a_missing_file_is_told() -> None:
    with pytest.raises(SettingsError, match=r"expected nowhere[.]toml to be readable TOML"):
        read_providers(CATALOGUE.with_name("nowhere.toml"))


def test_the_catalogue_is_read_once_and_cannot_be_changed() -> None:
    assert providers() is providers()
    with pytest.raises(TypeError):
        providers()["mine"] = providers()["ollama"]  # type: ignore[index] # the point of the test


# What it costs


@pytest.mark.parametrize(
    ("tokens", "dollars"),
    [
        (Tokens(input=0, output=0), "0"),
        (Tokens(input=1, output=0), "0.0000003"),
        (Tokens(input=1_000_000, output=0), "0.3"),
        (Tokens(input=0, output=1_000_000), "1.2"),
        # 2,000 new at 0.30, 8,000 kept at 0.06, 500 out at 1.20: 600 + 480 + 600 millionths.
        (Tokens(input=10_000, output=500, cached=8_000), "0.00168"),
        # Thinking is within the 500 already paid for.
        (Tokens(input=10_000, output=500, cached=8_000, thinking=450), "0.00168"),
        (Tokens(input=1_000_000, output=0, cached=1_000_000), "0.06"),
        # More kept than sent cannot be: it counts as all kept.
        (Tokens(input=1_000, output=0, cached=5_000), "0.00006"),
    ],
)
def test_cost_by_hand(tokens: Tokens, dollars: str) -> None:
    assert cost_usd(price(), tokens) == Decimal(dollars)


def test_cost_of_a_panel_call_at_deepseek_by_hand() -> None:
    entry = find_model("deepseek", "deepseek-flash").price
    assert entry is not None
    # 4,096 of 6,000 kept: 1,904 * 0.30 + 4,096 * 0.006 + 700 * 1.20 = 571.2 + 24.576 + 840 millionths.
    tokens = Tokens(input=6_000, output=700, cached=4_096, thinking=600)
    assert cost_usd(entry, tokens) == Decimal("0.001435776")


COUNTS = st.integers(0, 10**9)
DOLLARS = st.decimals(0, 1000, places=6)


@st.composite
def priced(draw: st.DrawFn) -> Price:
    dear, other = draw(DOLLARS), draw(DOLLARS)
    return price(str(max(dear, other)), str(draw(DOLLARS)), str(min(dear, other)))


@st.composite
def used(draw: st.DrawFn) -> Tokens:
    given, answered = draw(COUNTS), draw(COUNTS)
    return Tokens(input=given, output=answered, cached=draw(st.integers(0, given)))


@given(priced(), used(), COUNTS, COUNTS)
def test_more_tokens_never_cost_less(entry: Price, tokens: Tokens, given: int, answered: int) -> None:
    more = tokens.model_copy(update={"input": tokens.input + given, "output": tokens.output + answered})
    assert cost_usd(entry, more) >= cost_usd(entry, tokens) >= 0


@given(priced(), used(), used())
def test_two_calls_cost_the_sum(entry: Price, one: Tokens, two: Tokens) -> None:
    both = Tokens(input=one.input + two.input, output=one.output + two.output, cached=one.cached + two.cached)
    assert cost_usd(entry, both) == cost_usd(entry, one) + cost_usd(entry, two)


@given(priced(), used())
def test_a_kept_prompt_is_never_dearer(entry: Price, tokens: Tokens) -> None:
    new = tokens.model_copy(update={"cached": 0})
    assert cost_usd(entry, tokens) <= cost_usd(entry, new)
