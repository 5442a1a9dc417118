"""From what is set for a seat to where it is asked; or why it cannot be."""

from pydantic import SecretStr

from agents.chat import Endpoint
from agents.local_models import server_url
from agents.providers import find_model, hides_a_key, is_sendable, providers, unlisted_model
from agents.settings import BrainSettings, SeatSettings
from contracts.errors import SettingsError

OLLAMA = "ollama"
_NO_KEY = SecretStr("none")
"""Servers that want no key take any; the client insists on one."""
_NOWHERE = "https://record.invalid/v1"


def find_endpoint(
    settings: SeatSettings | BrainSettings, key: SecretStr | None, ollama_host: str | None = None
) -> Endpoint | str:
    """Where a seat or the brain is asked, or what is missing and how to get it.

    Raises SettingsError where no endpoint can be made of the settings, or of OLLAMA_HOST, which is
    `ollama_host`.
    """
    endpoint = _endpoint(settings, key or _NO_KEY, ollama_host)
    provider = providers()[settings.provider]
    if key is None and provider.key_variable is not None and not provider.is_key_optional:
        return f"no key: set {provider.key_variable}; {provider.how_to_get_key}"
    if key is not None and not is_sendable(key.get_secret_value()):
        # The client that refuses to send it would say the whole of it, and that goes on record.
        return (
            f"expected the key of {provider.name} in letters, digits and signs alone, found a blank, a line "
            f"break or another character; set {provider.key_variable} anew"
        )
    if key is not None and not hides_a_key(endpoint.base_url):
        return (
            f"expected https to send the key of {provider.name}, found {endpoint.base_url}, where others can "
            "read it; set base_url to an https address, or unset the key if the server wants none"
        )
    return endpoint


def base_url_of(settings: SeatSettings | BrainSettings, ollama_host: str | None) -> str | None:
    """The address that is set, else OLLAMA_HOST's for Ollama, else the catalogue's; None where none has one.

    Raises SettingsError for an OLLAMA_HOST that is no address, where it would be used.
    """
    if settings.base_url is not None:
        return settings.base_url
    if settings.provider == OLLAMA and ollama_host:
        return f"{server_url(ollama_host)}/v1"
    provider = providers().get(settings.provider)
    return None if provider is None else provider.base_url


def _endpoint(settings: SeatSettings | BrainSettings, key: SecretStr, ollama_host: str | None) -> Endpoint:
    model = find_model(settings.provider, settings.model)
    base_url = base_url_of(settings, ollama_host)
    if base_url is None:
        raise SettingsError(
            f"expected base_url for provider {settings.provider}, which has no address of its own, "
            "found none; set it to the server's, such as http://127.0.0.1:8080/v1"
        )
    return Endpoint(settings.provider, model, base_url, key)


def endpoint_on_record(settings: SeatSettings | BrainSettings) -> Endpoint:
    """The endpoint of a seat that is answered from the record: its address and key are never used.

    Of a model that the catalogue has dropped no quirk is known, so its requests may come out otherwise.
    """
    is_known = why_unlisted(settings) is None
    model = find_model(settings.provider, settings.model) if is_known else unlisted_model(settings.model)
    return Endpoint(settings.provider, model, settings.base_url or _NOWHERE, _NO_KEY)


def why_unlisted(settings: SeatSettings | BrainSettings) -> str | None:
    """Why the catalogue cannot describe this model, or None."""
    try:
        find_model(settings.provider, settings.model)
    except SettingsError as error:
        return str(error)
    return None
