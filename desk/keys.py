"""Keys of model providers and where Ollama is, from the environment or `.env`; no key is shown anywhere."""

import os
from collections.abc import Mapping
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
    name = known[provider].key_variable
    key = None if name is None else variable(name, where)
    return None if key is None else SecretStr(key)


def ollama_host() -> str | None:
    """OLLAMA_HOST, the server's address for everything that asks one; read here alone and passed on."""
    return variable("OLLAMA_HOST")


def variable(name: str, where: Path | None = None) -> str | None:
    """A variable of the environment, else of `.env` where the command runs; None where it is empty."""
    env_file = (where or Path.cwd()) / ".env"
    stored = read_env_file(env_file).get(name) if env_file.is_file() else None
    return os.environ.get(name, "").strip() or (stored or "").strip() or None


def read_env_file(path: Path) -> Mapping[str, str | None]:
    """The names and values of a `.env` file; SettingsError, which shows none of it, where it is no text."""
    try:
        return dotenv_values(path)
    except UnicodeDecodeError:
        raise SettingsError(f"expected UTF-8 text in {path}, found other bytes; save it as UTF-8") from None
