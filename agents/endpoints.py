"""From what is set for a seat to where it is asked; or why it cannot be."""

from pydantic import SecretStr

from agents.chat import Endpoint
from agents.providers import Model, find_model, providers
from agents.settings import BrainSettings, SeatSettings
from contracts.errors import SettingsError

_NO_KEY = SecretStr("none")
"""Servers that want no key take any; the client insists on one."""


def find_endpoint(settings: SeatSettings | BrainSettings, key: SecretStr | None) -> Endpoint | str:
    """Where a seat or the brain is asked, or what is missing and how to get it.

    Raises SettingsError where no endpoint can be made of the settings.
    """
    model: Model = find_model(settings.provider, settings.model)
    provider = providers()[settings.provider]
    base_url = settings.base_url or provider.base_url
    if base_url is None:
        raise SettingsError(
            f"expected base_url for provider {provider.name}, which has no address of its own, found none; "
            "set it to the server's, such as http://127.0.0.1:8080/v1"
        )
    if key is None and provider.key_variable is not None and not provider.is_key_optional:
        return f"no key: set {provider.key_variable}; {provider.how_to_get_key}"
    return Endpoint(settings.provider, model, base_url, key or _NO_KEY)
