"""Keys of model providers, from the environment or `.env`: read here alone, and shown nowhere."""

import os
from pathlib import Path

from dotenv import dotenv_values
from pydantic import SecretStr

from contracts.errors import SettingsError


def key_of(provider: str, where: Path | None = None) -> SecretStr | None:
    """The provider's key; None where neither the environment nor `.env` holds one."""
    from agents.providers import providers

    known = providers()
    if provider not in known:
        raise SettingsError(
            f"expected a provider among {', '.join(known)}, found {provider[:40]!r}; correct it"
        )
    variable = known[provider].key_variable
    if variable is None:
        return None
    env_file = (where or Path.cwd()) / ".env"
    stored = dotenv_values(env_file).get(variable) if env_file.is_file() else None
    key = os.environ.get(variable, "").strip() or (stored or "").strip()
    return SecretStr(key) if key else None
