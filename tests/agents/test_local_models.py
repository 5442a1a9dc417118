"""Local models over Ollama's API: listed, estimated, fetched, asked; and every failure in words."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from agents.local_models import (
    LocalModelInfo,
    check_model,
    list_models,
    model_capabilities,
    model_digest,
    pull_model,
    server_url,
    show_model,
)
from contracts.errors import SettingsError
from tests.conftest import ROOT
from tests.servers.answers import Delivery, Reply, Silence, Step
from tests.servers.fixtures import local_model, ollama_stand_in, scripted
from tests.servers.local_model import LocalModel
from tests.servers.ollama_stand_in import OllamaStandIn, StoredModel
from tests.servers.scripted import ScriptedServer

__all__ = ["local_model", "ollama_stand_in", "scripted"]

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
GIGABYTE = 1_000_000_000


@dataclass(frozen=True)
class DescribedModel(StoredModel):
    """With what a description may hold besides."""

    facts: dict[str, object] = field(default_factory=dict)
    license: str = ""

    @property
    def shown(self) -> dict[str, object]:
        told = super().shown
        facts = {f"{self.family}.{name}": value for name, value in self.facts.items()}
        info = told["model_info"]
        assert isinstance(info, dict)
        return {**told, "license": self.license, "model_info": {**info, **facts}}


@dataclass(frozen=True)
class LayeredModel(StoredModel):
    """Two layers, the first of them half there."""

    def pulling(self) -> Iterator[dict[str, object]]:
        yield {"status": "pulling manifest"}
        for digest, done, total in (("sha256:1", 600, 1000), ("sha256:1", 1000, 1000), ("sha256:2", 0, 50)):
            yield {"status": "pulling", "digest": digest, "completed": done, "total": total}
        yield {"status": "success"}


# Kept as Qwen3-4B describes itself (its configuration: 36 layers, 8 heads of 128 that keep).
QWEN = DescribedModel(
    "qwen3:4b",
    "a" * 64,
    2_500_000_000,
    context_tokens=40_960,
    family="qwen3",
    capabilities=("completion", "tools", "thinking"),
    facts={
        "block_count": 36,
        "embedding_length": 2560,
        "attention.head_count": 32,
        "attention.head_count_kv": 8,
        "attention.key_length": 128,
        "attention.value_length": 128,
    },
    license="\n  Apache\x1b[31m License  \nVersion 2.0",
)
LLAMA = StoredModel("llama3.2:latest", "b" * 64, 2_000_000_000)


@pytest.fixture
def shelf() -> Iterator[OllamaStandIn]:
    """Models to manage, and nothing that can chat."""
    with OllamaStandIn(stored=(QWEN,), library=(LLAMA,)) as server:
        yield server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("host", "url"),
    [
        (None, "http://127.0.0.1:11434"),
        ("  ", "http://127.0.0.1:11434"),
        ("10.0.0.7", "http://10.0.0.7:11434"),
        ("10.0.0.7:80", "http://10.0.0.7:80"),
        (":9000", "http://127.0.0.1:9000"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("http://0.0.0.0:9000/", "http://127.0.0.1:9000"),
        ("[::]:9000", "http://127.0.0.1:9000"),
        ("[::1]:9000", "http://[::1]:9000"),
        ("http://box", "http://box:80"),
        ("https://box/models/", "https://box:443/models"),
    ],
)
def test_the_address_is_read_as_ollama_reads_it(host: str | None, url: str) -> None:
    assert server_url(host) == url


@pytest.mark.parametrize("host", ["ftp://box", "box:port", "box:99999", "http://[::1"])
def test_an_address_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match="expected OLLAMA_HOST as"):
        server_url(host)


def test_an_address_that_is_none_is_told_without_its_password() -> None:
    with pytest.raises(SettingsError, match="found 'box:99999'; correct it"):
        server_url("me:hunter2@box:99999")


@pytest.mark.parametrize("host", [None, "http://127.0.0.1:9"])
def test_the_client_that_reads_a_wrong_address_by_itself_ends_in_words(host: str | None) -> None:
    # It reads the environment while it is imported, and here it has been long ago.
    code = f"""
from agents.local_models import list_models
from contracts.errors import SettingsError
import os
try:
    list_models({host!r} or os.environ["OLLAMA_HOST"])
except SettingsError as error:
    print(error)
"""
    env = {**os.environ, "OLLAMA_HOST": "127.0.0.1:99999", "PYTHONPATH": str(ROOT)}
    said = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert said.stdout.startswith("expected OLLAMA_HOST ")
    assert "found " in said.stdout


def test_a_key_of_the_client_that_no_header_can_hold_is_left_out_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, shelf: OllamaStandIn
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "sk-hunter2\nrest")
    assert list_models(shelf.root_url)


def test_models_are_listed_as_records(shelf: OllamaStandIn) -> None:
    assert list_models(shelf.root_url) == (
        LocalModelInfo(
            name="qwen3:4b",
            digest="a" * 64,
            size_bytes=2_500_000_000,
            modified_at=datetime(2025, 1, 1, tzinfo=UTC),
            family="qwen3",
            parameters="134.52M",
            quantization="Q4_1",
        ),
    )


def test_a_digest_is_found_by_either_spelling_and_absence_is_none(shelf: OllamaStandIn) -> None:
    list(pull_model(shelf.root_url, "llama3.2", lambda: None))
    assert model_digest(shelf.root_url, "qwen3:4b") == "a" * 64
    assert (
        model_digest(shelf.root_url, "llama3.2")
        == model_digest(shelf.root_url, "llama3.2:latest")
        == "b" * 64
    )
    assert model_digest(shelf.root_url, "qwen3") is None
    assert model_digest(f"127.0.0.1:{free_port()}", "qwen3:4b") is None


def test_capabilities_are_what_the_server_declares_and_absence_is_none(shelf: OllamaStandIn) -> None:
    assert model_capabilities(shelf.root_url, "qwen3:4b") == ("completion", "tools", "thinking")
    assert model_capabilities(shelf.root_url, "none") is None
    assert model_capabilities(f"127.0.0.1:{free_port()}", "qwen3:4b") is None


def test_a_server_that_declares_nothing_says_nothing_of_a_model() -> None:
    with OllamaStandIn(stored=(replace(QWEN, capabilities=()),)) as server:
        assert model_capabilities(server.root_url, "qwen3:4b") is None


# What a model needs


def test_memory_is_the_file_and_the_kept_heads_of_every_layer(shelf: OllamaStandIn) -> None:
    shown = show_model(shelf.root_url, "qwen3:4b")
    assert shown.capabilities == ("completion", "tools", "thinking")
    assert (shown.context_tokens, shown.has_template) == (40_960, True)
    assert shown.license_line == "Apache[31m License"
    # 144 KiB a token, the figure published for a cache of this shape in 16 bits.
    assert shown.memory.cache_bytes == 144 * 1024 * 4096
    assert shown.memory.total_bytes == 2_500_000_000 + 603_979_776


def test_memory_is_estimated_for_no_more_than_the_model_can_hold(shelf: OllamaStandIn) -> None:
    memory = show_model(shelf.root_url, "qwen3:4b", 1_000_000).memory
    assert (memory.context_tokens, memory.cache_bytes) == (40_960, 144 * 1024 * 40_960)


@pytest.mark.parametrize(
    ("facts", "a_token"),
    [
        # Without a width of its own a head has its share of the embedding; without kept heads, all are kept.
        ({"block_count": 4, "embedding_length": 64, "attention.head_count": 8}, 4 * 8 * (8 + 8) * 2),
        (
            {
                "block_count": 3,
                "attention.head_count_kv": [2, 0, 4],
                "attention.key_length": 16,
                "attention.value_length": 8,
            },
            6 * (16 + 8) * 2,
        ),
        ({}, None),
        ({"block_count": 4}, None),
    ],
)
def test_memory_of_other_descriptions(facts: dict[str, object], a_token: int | None) -> None:
    model = replace(QWEN, facts=facts, context_tokens=100)
    with OllamaStandIn(stored=(model,)) as server:
        memory = show_model(server.root_url, model.name).memory
    assert memory.cache_bytes == (None if a_token is None else a_token * 100)
    assert (memory.total_bytes is None) == (a_token is None)


# Fetching


def test_a_pull_tells_where_it_stands_and_leaves_the_model(shelf: OllamaStandIn) -> None:
    steps = list(pull_model(shelf.root_url, "llama3.2", lambda: 3 * GIGABYTE))
    assert [step.completed_bytes for step in steps if step.status.startswith("pulling b")] == [
        0,
        500_000_000,
        1_000_000_000,
        1_500_000_000,
        2_000_000_000,
    ]
    assert (steps[0].total_bytes, steps[-1].total_bytes, steps[-1].status) == (0, 2_000_000_000, "success")
    assert len(list_models(shelf.root_url)) == 2


def test_layers_are_added_up_and_what_is_there_needs_no_room() -> None:
    asked = []

    def free() -> int:
        asked.append(True)
        return 400

    model = LayeredModel("small:latest", "c" * 64, 1050)
    with OllamaStandIn(library=(model,)) as server:
        steps = list(pull_model(server.root_url, "small", free))
    assert [(step.completed_bytes, step.total_bytes) for step in steps] == [
        (0, 0),
        (600, 1000),
        (1000, 1000),
        (1000, 1050),
        (1000, 1050),
    ]
    assert len(asked) == 2


def test_a_pull_that_does_not_fit_is_left_before_its_first_bytes(shelf: OllamaStandIn) -> None:
    steps = pull_model(shelf.root_url, "llama3.2", lambda: 1_500_000_000)
    assert next(steps).status == "pulling manifest"
    with pytest.raises(SettingsError, match=r"expected 2\.0 GB free for llama3\.2, found 1\.5 GB; make room"):
        next(steps)


def test_a_name_that_the_library_lacks_is_said(shelf: OllamaStandIn) -> None:
    with pytest.raises(SettingsError, match=r"file does not exist; look the name up"):
        list(pull_model(shelf.root_url, "none", lambda: None))


# Failures


def test_a_model_that_is_not_there_is_named_with_those_that_are(shelf: OllamaStandIn) -> None:
    with pytest.raises(
        SettingsError, match=r"expected model none:latest .* found qwen3:4b; .*models pull none"
    ):
        show_model(shelf.root_url, "none")


def test_no_server_is_said_with_the_way_to_start_one() -> None:
    port = free_port()
    words = (
        rf"expected an Ollama server at http://127\.0\.0\.1:{port}, found none; start it with `ollama serve`"
    )
    with pytest.raises(SettingsError, match=words):
        list_models(f"127.0.0.1:{port}")
    with pytest.raises(SettingsError, match=words):
        list(pull_model(f"127.0.0.1:{port}", "qwen3:4b", lambda: None))


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Silence("stall"), "found silence"),
        (Silence("close"), "found it broken off"),
        (Delivery(Reply(body=b'{"models": []}'), cut_after=4), "found it broken off"),
        (Reply(body=b"<html>sign in</html>"), "found something else"),
        (Reply(body=b'{"data": []}'), "found something else"),
        (Reply(body=b"[]"), "found something else"),
        (Reply(404, b"404 page not found"), "found: 404 page not found"),
        (Reply(500, b'["oops"]'), "found something else"),
    ],
)
def test_what_is_no_ollama_is_said(scripted: ScriptedServer, step: Step, words: str) -> None:
    scripted.always(step)
    with pytest.raises(SettingsError, match=words):
        list_models(scripted.root_url, timeout_s=0.3)


# Asking


def test_a_model_that_does_not_chat_is_not_asked() -> None:
    model = StoredModel("embed:latest", "d" * 64, 1, capabilities=("embedding",))
    with OllamaStandIn(stored=(model,)) as server:
        result = check_model(server.root_url, "embed", lambda: AT)
    assert (result.abilities, result.capabilities) == (None, ("embedding",))


def test_a_model_that_declares_much_and_answers_nothing_is_found_out(shelf: OllamaStandIn) -> None:
    result = check_model(shelf.root_url, "qwen3:4b", lambda: AT)
    assert result.abilities is not None
    assert "tools" in result.capabilities
    assert (result.abilities.answer("tools"), result.abilities.brain) == ("unknown", "unknown")
    assert "no model behind it" in result.abilities.found[0].how


@pytest.mark.slow
def test_the_real_model_streams_keeps_to_a_schema_and_calls_no_tool(
    ollama_stand_in: OllamaStandIn, local_model: LocalModel
) -> None:
    result = check_model(ollama_stand_in.root_url, local_model.model, lambda: AT)
    assert result.info.digest == model_digest(ollama_stand_in.root_url, local_model.model)
    assert result.abilities is not None
    assert result.abilities.answer("streaming") == "yes"
    assert result.abilities.answer("reasoning") == "no"
    assert result.abilities.answer("json_schema") == "yes"
    assert result.abilities.answer("tools") != "yes"
    assert result.abilities.brain == "schema"
