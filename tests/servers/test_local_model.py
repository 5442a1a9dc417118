"""The local model really answers the libraries the desk uses, is shared, and never outlives its users."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx2
import pytest
from langchain_core.messages import AIMessageChunk
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field, SecretStr
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.servers.local_model import ROOT, STARTED, LocalModel, local_model_server

pytestmark = pytest.mark.slow

USER = """
import sys, pathlib
from tests.servers.local_model import local_model_server
with local_model_server(pathlib.Path(sys.argv[1])) as model:
    print(model.root_url, flush=True)
    sys.stdin.readline()
"""


class Vote(BaseModel):
    answer: Literal["APPROVE", "REDUCE", "REJECT", "HOLD"]
    confidence: int = Field(ge=0, le=100)
    reasoning: str = Field(max_length=200)


def is_answering(root_url: str) -> bool:
    address = urlsplit(root_url)
    with socket.socket() as probe:
        return probe.connect_ex((address.hostname, address.port)) == 0


def is_gone_within(seconds: float, root_url: str) -> bool:
    deadline = time.monotonic() + seconds
    while is_answering(root_url):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def start_user(folder: Path) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-c", USER, str(folder)]
    user = subprocess.Popen(
        command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1
    )
    assert user.stdout is not None
    return user, user.stdout.readline().strip()


def end_user(user: subprocess.Popen[str]) -> None:
    user.kill()
    user.communicate()


def chat_of(local_model: LocalModel, http: httpx2.Client) -> ChatOpenAI:
    return ChatOpenAI(
        model=local_model.model,
        base_url=local_model.base_url,
        api_key=SecretStr("none"),
        temperature=0,
        max_completion_tokens=400,
        max_retries=0,
        stream_usage=True,
        http_client=http,
    )


def test_langchain_gets_a_valid_ballot_from_it(local_model: LocalModel) -> None:
    with httpx2.Client(trust_env=False, timeout=60) as http:
        chat = chat_of(local_model, http).with_structured_output(Vote, method="json_schema")
        assert isinstance(chat.invoke("EURUSD long: RSI 58.3, strength 2.1. Vote as JSON."), Vote)


def test_langchain_streams_the_answer_it_would_give_whole(local_model: LocalModel) -> None:
    with httpx2.Client(trust_env=False, timeout=60) as http:
        chat = chat_of(local_model, http).bind(max_completion_tokens=20)
        whole = chat.invoke("Describe a market.")
        chunks = [chunk for chunk in chat.stream("Describe a market.") if isinstance(chunk, AIMessageChunk)]
    assert "".join(chunk.text for chunk in chunks) == whole.text
    used = [chunk.usage_metadata["output_tokens"] for chunk in chunks if chunk.usage_metadata]
    assert (used, whole.response_metadata["finish_reason"]) == ([20], "length")


async def test_pydantic_ai_gets_a_valid_ballot_from_it(local_model: LocalModel) -> None:
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as http:
        provider = OpenAIProvider(base_url=local_model.base_url, api_key="none", http_client=http)
        model = OpenAIChatModel(local_model.model, provider=provider)
        agent = Agent(model, output_type=NativeOutput(Vote), retries=3)
        run = await agent.run("EURUSD long: RSI 58.3. Vote.", model_settings={"max_tokens": 400})
    assert 0 <= run.output.confidence <= 100
    assert run.usage.output_tokens > 5


def test_a_client_that_leaves_frees_the_model_for_the_next(local_model: LocalModel) -> None:
    body = {"messages": [{"role": "user", "content": "Tell a long story."}], "ignore_eos": True}
    with httpx2.Client(trust_env=False, base_url=local_model.base_url) as http:
        with pytest.raises(httpx2.ReadTimeout):
            http.post("/chat/completions", json={**body, "max_tokens": 1000}, timeout=0.5)
        began = time.monotonic()
        http.post("/chat/completions", json={**body, "max_tokens": 5}, timeout=30).raise_for_status()
    # A thousand tokens take about 12 s.
    assert time.monotonic() - began < 5


def test_users_of_a_folder_share_a_server_that_ends_with_the_last(tmp_path: Path) -> None:
    first, url = start_user(tmp_path)
    try:
        with local_model_server(tmp_path) as second:
            assert second.root_url == url
            # The one that started it is killed, and says nothing to anybody.
            first.send_signal(signal.SIGKILL)
            first.wait()
            time.sleep(0.3)
            assert is_answering(url)
        assert is_gone_within(2, url)
        with local_model_server(tmp_path) as third:
            assert is_answering(third.root_url)
        assert is_gone_within(2, third.root_url)
    finally:
        end_user(first)


def test_a_killed_user_leaves_no_server_behind(tmp_path: Path) -> None:
    user, url = start_user(tmp_path)
    try:
        assert is_answering(url)
    finally:
        end_user(user)
    assert is_gone_within(2, url)


def test_a_server_that_died_is_started_anew(tmp_path: Path) -> None:
    with local_model_server(tmp_path) as first:
        process = STARTED[tmp_path / "local_model.port"]
        process.kill()
        process.wait()
        with local_model_server(tmp_path) as second:
            assert second.root_url != first.root_url
            assert is_answering(second.root_url)
    assert is_gone_within(2, second.root_url)


def test_a_start_that_fails_shows_what_the_server_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "xllamacpp.py").write_text("raise RuntimeError('no such processor')")
    with pytest.raises(RuntimeError, match="no such processor"), local_model_server(tmp_path):
        pass
