"""The stand-in satisfies Ollama's own client: management without a model, chat with the real one."""

import hashlib
from collections.abc import Iterator
from typing import Literal

import httpx
import httpx2
import ollama
import pytest
from openai import NotFoundError, OpenAI
from pydantic import BaseModel, Field

from tests.servers.local_model import LocalModel
from tests.servers.ollama_stand_in import OllamaStandIn, StoredModel

SMALL = StoredModel("qwen3:4b", "a" * 64, 2_500_000_000, family="qwen3", capabilities=("completion", "tools"))
OTHER = StoredModel("llama3.2:latest", "b" * 64, 2_000_000_000)


class Vote(BaseModel):
    answer: Literal["APPROVE", "REDUCE", "REJECT", "HOLD"]
    confidence: int = Field(ge=0, le=100)


@pytest.fixture
def shelf() -> Iterator[OllamaStandIn]:
    """Models to manage, and nothing that can chat."""
    with OllamaStandIn(stored=(SMALL,), library=(OTHER,)) as server:
        yield server


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Iterator[ollama.Client]:
    """Of whichever server the test uses."""
    name = "shelf" if "shelf" in request.fixturenames else "ollama_stand_in"
    server: OllamaStandIn = request.getfixturevalue(name)
    with ollama.Client(server.root_url, trust_env=False) as client:
        yield client


# Management


def test_models_are_listed_with_their_digest_and_size(shelf: OllamaStandIn, client: ollama.Client) -> None:
    (row,) = client.list().models
    assert (row.model, row.digest, row.size) == ("qwen3:4b", "a" * 64, 2_500_000_000)
    assert row.details is not None
    assert (row.details.family, row.details.quantization_level) == ("qwen3", "Q4_1")


def test_a_model_shows_what_it_can_do(shelf: OllamaStandIn, client: ollama.Client) -> None:
    shown = client.show("qwen3:4b")
    assert shown.capabilities == ["completion", "tools"]
    assert shown.modelinfo is not None
    assert shown.modelinfo["qwen3.context_length"] == 8192


def test_a_pull_tells_its_progress_and_puts_the_model_on_the_disk(
    shelf: OllamaStandIn, client: ollama.Client
) -> None:
    lines = list(client.pull("llama3.2", stream=True))
    done = [line.completed for line in lines if line.total == OTHER.size]
    assert done == [0, 500_000_000, 1_000_000_000, 1_500_000_000, 2_000_000_000]
    assert (lines[0].status, lines[-1].status) == ("pulling manifest", "success")
    assert [row.model for row in client.list().models] == ["qwen3:4b", "llama3.2:latest"]


def test_a_pull_that_is_not_streamed_tells_its_end(shelf: OllamaStandIn, client: ollama.Client) -> None:
    assert client.pull("llama3.2").status == "success"
    assert client.show("llama3.2").capabilities == ["completion"]


def test_an_unknown_model_is_an_error_of_each_route(shelf: OllamaStandIn, client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match="model 'none' not found") as shown:
        client.show("none")
    with pytest.raises(ollama.ResponseError, match="model 'none' not found") as chatted:
        client.chat("none")
    with pytest.raises(ollama.ResponseError, match="file does not exist") as pulled:
        client.pull("none")
    # Streamed, the status 200 was sent before the registry was asked.
    with pytest.raises(ollama.ResponseError, match="file does not exist") as streamed:
        list(client.pull("none", stream=True))
    raised = (shown, chatted, pulled, streamed)
    assert [error.value.status_code for error in raised] == [404, 404, 500, -1]


def test_a_model_refuses_what_it_cannot_do(shelf: OllamaStandIn, client: ollama.Client) -> None:
    client.pull("llama3.2")
    tool = {"type": "function", "function": {"name": "rsi"}}
    with pytest.raises(ollama.ResponseError, match="latest does not support tools"):
        client.chat("llama3.2", tools=[tool])
    with pytest.raises(ollama.ResponseError, match='latest" does not support thinking'):
        client.chat("llama3.2", think=True)
    with pytest.raises(ollama.ResponseError, match="no model behind it"):
        client.chat("llama3.2")


def test_the_version_and_the_names_are_told(shelf: OllamaStandIn) -> None:
    with httpx.Client(base_url=shelf.root_url, trust_env=False) as http:
        assert http.get("/api/version").json() == {"version": "0.0.0"}
        assert http.get("/v1/models").json()["data"][0]["id"] == "qwen3:4b"
        assert http.get("/api/nothing").status_code == 404
        assert http.post("/api/show", content=b"{").status_code == 400


# Chat


@pytest.mark.slow
def test_the_local_model_is_listed_by_the_hash_of_its_file(
    ollama_stand_in: OllamaStandIn, local_model: LocalModel, client: ollama.Client
) -> None:
    (row,) = client.list().models
    assert row.model == local_model.model
    assert row.digest == hashlib.sha256(local_model.gguf.read_bytes()).hexdigest()
    assert row.size == local_model.gguf.stat().st_size
    assert "<|im_start|>" in (client.show(local_model.model).template or "")


@pytest.mark.slow
def test_a_chat_follows_its_schema_and_counts_its_tokens(
    ollama_stand_in: OllamaStandIn, local_model: LocalModel, client: ollama.Client
) -> None:
    question = {"role": "user", "content": "RSI is 71 and falling. Vote, with a confidence in percent."}
    options = {"temperature": 0, "num_predict": 400}
    told = client.chat(local_model.model, [question], format=Vote.model_json_schema(), options=options)
    assert 0 <= Vote.model_validate_json(told.message.content or "").confidence <= 100
    assert (told.done, told.done_reason) == (True, "stop")
    assert (told.prompt_eval_count or 0) > 20
    assert (told.eval_count or 0) > 5


@pytest.mark.slow
def test_a_streamed_chat_is_the_whole_one_in_pieces_and_stops_where_it_was_told(
    ollama_stand_in: OllamaStandIn, local_model: LocalModel, client: ollama.Client
) -> None:
    question = {"role": "user", "content": "Describe a market."}
    options = {"temperature": 0, "num_predict": 12}
    whole = client.chat(local_model.model, [question], options=options)
    pieces = list(client.chat(local_model.model, [question], options=options, stream=True))
    assert len(pieces) > 5
    assert "".join(piece.message.content or "" for piece in pieces) == whole.message.content
    assert (whole.eval_count, whole.done_reason) == (pieces[-1].eval_count, "length") == (12, "length")


@pytest.mark.slow
def test_the_openai_routes_are_passed_through(
    ollama_stand_in: OllamaStandIn, local_model: LocalModel
) -> None:
    with httpx2.Client(trust_env=False) as http:
        client = OpenAI(base_url=ollama_stand_in.base_url, api_key="k", max_retries=0, http_client=http)
        asked = client.chat.completions.create(
            model=local_model.model, messages=[{"role": "user", "content": "Hi"}], max_tokens=5, stream=True
        )
        told = list(asked)
        assert {chunk.model for chunk in told} == {local_model.model}
        assert [chunk.choices[0].finish_reason for chunk in told if chunk.choices][-1] == "length"
        with pytest.raises(NotFoundError, match="model 'none' not found"):
            client.chat.completions.create(model="none", messages=[{"role": "user", "content": "Hi"}])
