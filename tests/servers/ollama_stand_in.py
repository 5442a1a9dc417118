"""Enough of Ollama's HTTP API for its client, in front of the local model's server.

No Ollama can be installed from the package index. Routes, fields, statuses and error texts follow its source
(ollama/ollama: server/routes.go, server/images.go, openai/openai.go, docs/api.md, as of 2026-08-21), with
one deliberate difference: a model's digest is its file's sha256 and not its manifest's. Without a
backend it manages models and refuses to chat.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import httpx
from pydantic import JsonValue

from tests.servers.local_model import CONTEXT_TOKENS, LocalModel
from tests.servers.loopback import LoopbackHandler, LoopbackServer

JsonObject = dict[str, JsonValue]

_MODIFIED_AT = "2025-01-01T00:00:00Z"
_NDJSON = "application/x-ndjson"
_SAME_NAME = ("temperature", "top_p", "top_k", "min_p", "seed", "stop", "repeat_penalty")
_PULL_STEPS = 4


@dataclass(frozen=True)
class StoredModel:
    """What Ollama tells of a model; the digest is 64 hexadecimal digits."""

    name: str
    digest: str
    size: int
    context_tokens: int = CONTEXT_TOKENS
    family: str = "llama"
    n_parameters: int = 134_515_008
    quantization: str = "Q4_1"
    capabilities: tuple[str, ...] = ("completion",)
    template: str = "{{ .Prompt }}"

    @property
    def details(self) -> dict[str, object]:
        return {
            "parent_model": "",
            "format": "gguf",
            "family": self.family,
            "families": [self.family],
            "parameter_size": f"{self.n_parameters / 1e6:.2f}M",
            "quantization_level": self.quantization,
        }

    @property
    def row(self) -> dict[str, object]:
        row = {"name": self.name, "model": self.name, "modified_at": _MODIFIED_AT, "size": self.size}
        return {**row, "digest": self.digest, "details": self.details}

    @property
    def shown(self) -> dict[str, object]:
        info = {
            "general.architecture": self.family,
            "general.parameter_count": self.n_parameters,
            f"{self.family}.context_length": self.context_tokens,
        }
        return {
            "modelfile": f"FROM {self.name}",
            "parameters": "",
            "template": self.template,
            "details": self.details,
            "model_info": info,
            "capabilities": list(self.capabilities),
            "modified_at": _MODIFIED_AT,
        }

    def pulling(self) -> Iterator[dict[str, object]]:
        yield {"status": "pulling manifest"}
        for step in range(_PULL_STEPS + 1):
            done = {"total": self.size, "completed": self.size * step // _PULL_STEPS}
            yield {"status": f"pulling {self.digest[:12]}", "digest": f"sha256:{self.digest}", **done}
        for status in ("verifying sha256 digest", "writing manifest", "success"):
            yield {"status": status}


def stored_local_model(local: LocalModel) -> StoredModel:
    """The local model as Ollama would list it."""
    props = httpx.get(f"{local.root_url}/props", trust_env=False).json()
    size = local.gguf.stat().st_size
    return StoredModel(local.model, _sha256(local.gguf), size, template=props["chat_template"])


class OllamaStandIn(LoopbackServer):
    """`models` are on its disk by name; those of `library` can be pulled. A backend's own is on its disk."""

    def __init__(
        self,
        backend: LocalModel | None = None,
        *,
        stored: Sequence[StoredModel] = (),
        library: Sequence[StoredModel] = (),
    ) -> None:
        super().__init__(_Handler)
        self.backend = backend
        own = () if backend is None else (stored_local_model(backend),)
        self.models = {model.name: model for model in (*own, *stored)}
        self.library = {model.name: model for model in library}


class _Handler(LoopbackHandler):
    server: OllamaStandIn

    def answer(self, body: bytes) -> None:
        try:
            asked: JsonValue = json.loads(body) if body else {}
        except ValueError as error:
            return self.send_json({"error": str(error)}, 400)
        if not isinstance(asked, dict):
            return self.send_json({"error": "expected a JSON object"}, 400)
        match self.command, self.path:
            case "GET", "/api/version":
                # What its source says of itself before a release stamps it.
                self.send_json({"version": "0.0.0"})
            case "GET", "/api/tags":
                self.send_json({"models": [model.row for model in self.server.models.values()]})
            case "POST", "/api/show":
                self._show(asked)
            case "POST", "/api/pull":
                self._pull(asked)
            case "POST", "/api/chat":
                self._chat(asked)
            case "GET", "/v1/models":
                rows = [{"id": name, "object": "model"} for name in self.server.models]
                self.send_json({"object": "list", "data": rows})
            case "POST", path if path.startswith("/v1/"):
                self._pass_through(asked, body)
            case _:
                self.send_json({"error": "404 page not found"}, 404)
        return None

    def _stored(self, asked: JsonObject) -> StoredModel | None:
        return self.server.models.get(_full_name(asked))

    def _show(self, asked: JsonObject) -> None:
        model = self._stored(asked)
        if model is None:
            self.send_json({"error": _not_found(asked)}, 404)
        else:
            self.send_json(model.shown)

    def _pull(self, asked: JsonObject) -> None:
        name = _full_name(asked)
        model = self.server.library.get(name) or self.server.models.get(name)
        lines: list[Mapping[str, object]]
        if model is None:
            lines = [{"status": "pulling manifest"}, {"error": "pull model manifest: file does not exist"}]
        else:
            lines = list(model.pulling())
            self.server.models[name] = model
        if asked.get("stream") is False:
            self.send_json(lines[-1], 500 if model is None else 200)
        else:
            # The status is sent with the first line, so an unknown model is an error inside a 200.
            self.send_chunks(_NDJSON, (_line(line) for line in lines))

    def _chat(self, asked: JsonObject) -> None:
        model = self._stored(asked)
        if model is None:
            return self.send_json({"error": _not_found(asked)}, 404)
        if asked.get("tools") and "tools" not in model.capabilities:
            return self.send_json({"error": f"{model.name} does not support tools"}, 400)
        if asked.get("think") and "thinking" not in model.capabilities:
            return self.send_json({"error": f'"{model.name}" does not support thinking'}, 400)
        if self.server.backend is None:
            return self.send_json({"error": "this stand-in has no model behind it"}, 500)
        started = time.monotonic_ns()
        url = f"{self.server.backend.base_url}/chat/completions"
        with httpx.stream("POST", url, json=_completion_request(asked), timeout=120, trust_env=False) as told:
            if told.status_code != 200:
                return self.send_json({"error": told.read().decode()}, 500)
            lines = _chat_lines(told.iter_lines(), model.name, started)
            if asked.get("stream") is False:
                return self.send_json(_joined(list(lines)))
            return self.send_chunks(_NDJSON, map(_line, lines))

    def _pass_through(self, asked: JsonObject, body: bytes) -> None:
        if self._stored(asked) is None:
            error = {"message": _not_found(asked), "type": "not_found_error", "param": None, "code": None}
            return self.send_json({"error": error}, 404)
        if self.server.backend is None:
            error = {"message": "this stand-in has no model behind it", "type": "api_error"}
            return self.send_json({"error": error}, 500)
        url = f"{self.server.backend.root_url}{self.path}"
        headers = {"content-type": "application/json"}
        with httpx.stream("POST", url, content=body, headers=headers, timeout=120, trust_env=False) as told:
            return self.send_chunks(told.headers["content-type"], told.iter_raw(), told.status_code)


def _full_name(asked: JsonObject) -> str:
    name = str(asked.get("model") or asked.get("name") or "")
    return name if ":" in name else f"{name}:latest"


def _not_found(asked: JsonObject) -> str:
    return f"model '{asked.get('model') or asked.get('name')}' not found"


def _completion_request(asked: JsonObject) -> dict[str, object]:
    options = asked.get("options")
    options = options if isinstance(options, dict) else {}
    request: dict[str, object] = {name: options[name] for name in _SAME_NAME if name in options}
    if "num_predict" in options:
        request["max_tokens"] = options["num_predict"]
    match asked.get("format"):
        case "json":
            request["response_format"] = {"type": "json_object"}
        case dict() as schema:
            named = {"name": "answer", "schema": schema, "strict": True}
            request["response_format"] = {"type": "json_schema", "json_schema": named}
    told = {"stream": True, "stream_options": {"include_usage": True}}
    return {**request, **told, "model": asked.get("model"), "messages": asked.get("messages")}


def _chat_lines(events: Iterator[str], name: str, started_ns: int) -> Iterator[dict[str, object]]:
    """Ollama's lines from the backend's events: pieces, then one line with the reason and the counts."""
    done_reason = "stop"
    usage: Mapping[str, object] = {}
    for event in events:
        data = event.removeprefix("data: ")
        if data == event or data == "[DONE]":
            continue
        chunk = json.loads(data)
        usage = chunk.get("usage") or usage
        for choice in chunk["choices"]:
            done_reason = choice["finish_reason"] or done_reason
            if choice["delta"].get("content"):
                yield {**_said(name, choice["delta"]["content"]), "done": False}
    counts = {"prompt_eval_count": usage.get("prompt_tokens"), "eval_count": usage.get("completion_tokens")}
    took = {"total_duration": time.monotonic_ns() - started_ns}
    yield {**_said(name, ""), "done": True, "done_reason": done_reason, **took, **counts}


def _said(name: str, content: str) -> dict[str, object]:
    message = {"role": "assistant", "content": content}
    return {"model": name, "created_at": datetime.now(UTC).isoformat(), "message": message}


def _joined(lines: list[dict[str, object]]) -> dict[str, object]:
    messages = (line["message"] for line in lines)
    text = "".join(str(message["content"]) for message in messages if isinstance(message, dict))
    return {**lines[-1], "message": {"role": "assistant", "content": text}}


def _line(value: Mapping[str, object]) -> bytes:
    return json.dumps(value).encode() + b"\n"


@cache
def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
