"""From a seat's settings to its endpoint, or to what is missing and how to get it."""

import pytest
from pydantic import SecretStr

from agents.endpoints import endpoint_on_record, find_endpoint
from agents.providers import find_model, providers
from agents.settings import DEFAULT_SEATS, BrainSettings, SeatSettings
from contracts.errors import SettingsError

KEY = SecretStr("sk-secret")
KEYED = [each.name for each in providers().values() if each.key_variable and not each.is_key_optional]


def seat(provider: str, model: str, base_url: str | None = None) -> SeatSettings:
    return SeatSettings(provider=provider, model=model, prompt="seat_kimi", base_url=base_url)


@pytest.mark.parametrize("name", DEFAULT_SEATS)
def test_every_seat_of_ours_has_an_endpoint_of_the_catalogue(name: str) -> None:
    settings = DEFAULT_SEATS[name]
    found = find_endpoint(settings, KEY)
    assert not isinstance(found, str)
    assert found.base_url == providers()[settings.provider].base_url
    assert found.model == find_model(settings.provider, settings.model)
    assert (found.provider, found.key) == (settings.provider, KEY)


@pytest.mark.parametrize("provider", KEYED)
def test_a_missing_key_is_told_with_its_name_and_where_to_get_one(provider: str) -> None:
    entry = providers()[provider]
    why = find_endpoint(seat(provider, entry.models[0].name), None)
    assert why == f"no key: set {entry.key_variable}; {entry.how_to_get_key}"


@pytest.mark.parametrize(
    ("provider", "base_url"), [("ollama", None), ("openai-compatible", "http://127.0.0.1:8080/v1")]
)
def test_a_server_that_wants_no_key_is_asked_without(provider: str, base_url: str | None) -> None:
    found = find_endpoint(seat(provider, "any", base_url), None)
    assert not isinstance(found, str)
    assert found.key.get_secret_value() == "none"


def test_a_server_of_ones_own_is_sent_its_key() -> None:
    found = find_endpoint(seat("openai-compatible", "any", "https://own.example/v1"), KEY)
    assert not isinstance(found, str)
    assert (found.base_url, found.key) == ("https://own.example/v1", KEY)


def test_an_address_that_is_set_beats_the_catalogue() -> None:
    found = find_endpoint(seat("moonshot", "kimi-k2.6", "https://gateway.example/v1"), KEY)
    assert not isinstance(found, str)
    assert found.base_url == "https://gateway.example/v1"


def test_a_provider_without_an_address_needs_one() -> None:
    with pytest.raises(
        SettingsError, match=r"expected base_url for provider openai-compatible, .* set it to"
    ):
        find_endpoint(seat("openai-compatible", "any"), KEY)


@pytest.mark.parametrize(
    ("provider", "model", "said"),
    [
        ("moonshoot", "kimi-k2.6", "nearest are moonshot"),
        ("moonshot", "kimi-k9", "nearest are kimi"),
        ("deepseek", "deepseek-chat", "use deepseek-flash"),
        ("ollama", "", "name the one that the server holds"),
    ],
)
def test_a_seat_that_nobody_can_fill_stops_the_start(provider: str, model: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        find_endpoint(seat(provider, model), KEY)


# Where Ollama is


@pytest.mark.parametrize(
    ("host", "base_url", "asked"),
    [
        (None, None, "http://localhost:11434/v1"),
        ("10.0.0.7", None, "http://10.0.0.7:11434/v1"),
        ("0.0.0.0:9000", None, "http://127.0.0.1:9000/v1"),
        ("10.0.0.7", "http://own.example:80/v1", "http://own.example:80/v1"),
    ],
)
def test_ollama_is_asked_where_it_is_unless_an_address_is_set(
    host: str | None, base_url: str | None, asked: str
) -> None:
    for settings in (seat("ollama", "any", base_url), BrainSettings(model="any", base_url=base_url)):
        found = find_endpoint(settings, None, host)
        assert not isinstance(found, str)
        assert found.base_url == asked


def test_the_address_of_ollama_is_nobody_elses() -> None:
    found = find_endpoint(seat("moonshot", "kimi-k2.6"), KEY, "10.0.0.7")
    assert not isinstance(found, str)
    assert found.base_url == providers()["moonshot"].base_url


def test_an_address_of_ollama_that_is_none_stops_only_who_needs_it() -> None:
    assert not isinstance(find_endpoint(seat("moonshot", "kimi-k2.6"), KEY, "ftp://box"), str)
    with pytest.raises(SettingsError, match="expected OLLAMA_HOST as"):
        find_endpoint(seat("ollama", "any"), None, "ftp://box")


# Keys on the way


@pytest.mark.parametrize(
    "base_url",
    [
        "http://gpu-box:8000/v1",
        "http://10.0.0.7/v1",
        "http://127.0.0.1.example/v1",
        "http://localhost.example/v1",
        "http://[2001:db8::1]/v1",
    ],
)
def test_a_key_goes_to_no_other_machine_in_the_open(base_url: str) -> None:
    why = find_endpoint(seat("openai-compatible", "any", base_url), KEY)
    assert isinstance(why, str)
    assert why.startswith(f"expected https to send the key of openai-compatible, found {base_url}, ")
    assert KEY.get_secret_value() not in why
    assert not isinstance(find_endpoint(seat("openai-compatible", "any", base_url), None), str)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"])
def test_a_key_goes_to_this_machine(host: str) -> None:
    assert not isinstance(find_endpoint(seat("openai-compatible", "any", f"http://{host}:8080/v1"), KEY), str)


@pytest.mark.parametrize(
    "settings", [*DEFAULT_SEATS.values(), seat("openai-compatible", "any", "http://box")]
)
def test_on_record_there_is_an_endpoint_without_key_and_way(settings: SeatSettings) -> None:
    assert endpoint_on_record(settings).model == find_model(settings.provider, settings.model)


@pytest.mark.parametrize("stray", ["\n", "\r", " ", "\t", "\x01", "\x7f", "ü", "\u200b"])
def test_a_key_that_no_header_can_hold_is_told_of_and_not_shown(stray: str) -> None:
    why = find_endpoint(DEFAULT_SEATS["kimi"], SecretStr(f"sk-sec{stray}ret"))
    assert isinstance(why, str)
    assert "a line break or another character; set MOONSHOT_API_KEY anew" in why
    assert "sk-sec" not in why
