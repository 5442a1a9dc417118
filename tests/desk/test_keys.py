"""Where a key comes from, and that nothing shows it."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from agents.endpoints import find_endpoint
from agents.providers import providers
from agents.settings import DEFAULT_SEATS
from contracts.errors import SettingsError
from desk.keys import key_of

SECRET = "sk-0123456789"


def said(key: SecretStr | None) -> str | None:
    return None if key is None else key.get_secret_value()


@pytest.mark.parametrize(
    ("environment", "stored", "found"),
    [
        (None, None, None),
        (None, "MOONSHOT_API_KEY=from-file\n", "from-file"),
        (None, 'export MOONSHOT_API_KEY="from-file"\n', "from-file"),
        (None, "MOONSHOT_API_KEY=\n", None),
        (None, "MOONSHOT_API_KEY\n", None),
        (None, "MOONSHOT_API_KEY=  \n", None),
        (None, 'MOONSHOT_API_KEY="  "\n', None),
        (None, "DEEPSEEK_API_KEY=of-another\n", None),
        ("from-environment", None, "from-environment"),
        ("from-environment", "MOONSHOT_API_KEY=from-file\n", "from-environment"),
        (" from-environment\n", None, "from-environment"),
        ("", "MOONSHOT_API_KEY=from-file\n", "from-file"),
        ("  ", "MOONSHOT_API_KEY=from-file\n", "from-file"),
        ("", None, None),
    ],
)
def test_the_environment_beats_the_file_and_empty_counts_as_none(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    environment: str | None,
    stored: str | None,
    found: str | None,
) -> None:
    monkeypatch.delenv("MOONSHOT_API_KEY", raising=False)
    if environment is not None:
        monkeypatch.setenv("MOONSHOT_API_KEY", environment)
    if stored is not None:
        (tmp_path / ".env").write_text(stored)
    assert said(key_of("moonshot", tmp_path)) == found


def test_the_file_is_the_one_where_the_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    (tmp_path / ".env").write_text("DEEPSEEK_API_KEY=here\n")
    monkeypatch.chdir(tmp_path)
    assert said(key_of("deepseek")) == "here"


@pytest.mark.parametrize("provider", [name for name, each in providers().items() if each.key_variable])
def test_every_provider_has_its_own_variable(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, each in providers().items():
        if each.key_variable:
            monkeypatch.setenv(each.key_variable, f"key-of-{name}")
    assert said(key_of(provider, tmp_path)) == f"key-of-{provider}"


def test_a_server_that_wants_no_key_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "unused")
    assert key_of("ollama", tmp_path) is None


def test_an_unknown_provider_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"expected a provider among moonshot, deepseek, .* found 'moonshoot'"
    ):
        key_of("moonshoot", tmp_path)


def test_no_text_of_a_key_or_of_what_holds_it_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOONSHOT_API_KEY", SECRET)
    key = key_of("moonshot", tmp_path)
    endpoint = find_endpoint(DEFAULT_SEATS["kimi"], key)
    assert said(key) == SECRET
    for thing in (key, endpoint, [endpoint], {"of": endpoint}):
        assert SECRET not in f"{thing} {thing!r} {thing!s}"
