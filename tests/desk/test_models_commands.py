"""`dualbrain models` and the doctor's section on models, against servers that really answer."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from desk.commands import models
from tests.desk.command_line import Said, dualbrain
from tests.servers.answers import Completion, ToolCall, error
from tests.servers.fixtures import local_model, ollama_stand_in, scripted
from tests.servers.local_model import LocalModel
from tests.servers.ollama_stand_in import OllamaStandIn, StoredModel
from tests.servers.scripted import ScriptedServer

__all__ = ["local_model", "ollama_stand_in", "scripted"]

KEY = "sk-never-shown-4711"
SMALL = StoredModel("qwen3:4b", "a" * 64, 2_500_000_000, family="qwen3", capabilities=("completion", "tools"))
OTHER = StoredModel("llama3.2:latest", "b" * 64, 2_000_000_000)
NOBODY = "127.0.0.1:9"
"""The discard port, where no machine of today listens."""

COUNTS = Completion("one, two, three, four, five, six")
PARCEL = Completion('{"colour": "teal", "size": "small"}')
CALLS = Completion(tool_calls=(ToolCall("last_close", '{"symbol": "EURUSD"}'),))


@pytest.fixture(autouse=True)
def _no_server_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", NOBODY)
    for name in ("DEEPSEEK_API_KEY", "MOONSHOT_API_KEY", "MINIMAX_API_KEY", "OPENAI_COMPATIBLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaStandIn]:
    """OLLAMA_HOST's server: models to manage, and nothing that can chat."""
    with OllamaStandIn(stored=(SMALL,), library=(OTHER,)) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.root_url)
        yield server


# dualbrain models


def test_ls_lists_what_is_stored(shelf: OllamaStandIn, tmp_path: Path) -> None:
    said = dualbrain(tmp_path, "models", "ls")
    assert said.code == 0
    row = " ".join(said.out.splitlines()[1].split())
    assert row == "qwen3:4b 2.50 GB aaaaaaaaaaaa 2025-01-01 00:00 UTC qwen3 134.52M Q4_1"
    (told,) = json.loads(dualbrain(tmp_path, "models", "ls", "--json").out)
    assert (told["name"], told["digest"], told["size_bytes"]) == ("qwen3:4b", "a" * 64, 2_500_000_000)


def test_ls_of_an_empty_server_says_how_to_fill_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with OllamaStandIn() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.root_url)
        said = dualbrain(tmp_path, "models", "ls")
        checked = dualbrain(tmp_path, "models", "check")
    assert (said.code, checked.code) == (0, 0)
    assert "`dualbrain models pull NAME`" in said.out
    assert "`dualbrain models pull NAME`" in checked.out


def test_the_address_is_also_read_from_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLLAMA_HOST")
    with OllamaStandIn(stored=(SMALL,)) as server:
        (tmp_path / ".env").write_text(f"OLLAMA_HOST={server.root_url}\n", encoding="utf-8")
        assert "qwen3:4b" in dualbrain(tmp_path, "models", "ls").out


@pytest.mark.parametrize(
    "command", [("ls",), ("ls", "--json"), ("show", "x"), ("pull", "x"), ("check",), ("check", "x")]
)
def test_without_a_server_each_says_how_to_start_one(tmp_path: Path, command: tuple[str, ...]) -> None:
    said = dualbrain(tmp_path, "models", *command)
    assert (said.code, said.out) == (2, "")
    assert said.error == (
        "error: expected an Ollama server at http://127.0.0.1:9, found none; "
        "start it with `ollama serve` or set OLLAMA_HOST"
    )


def test_show_tells_what_is_declared_and_what_is_not(shelf: OllamaStandIn, tmp_path: Path) -> None:
    said = dualbrain(tmp_path, "models", "show", "qwen3:4b")
    assert said.code == 0
    assert "completion, tools" in said.out
    assert "up to 8,192 tokens" in said.out
    assert "2.50 GB of weights" in said.out
    told = json.loads(dualbrain(tmp_path, "models", "show", "qwen3:4b", "--context", "500", "--json").out)
    assert told["memory"] == {
        "context_tokens": 500,
        "weights_bytes": 2_500_000_000,
        "cache_bytes": None,
        "total_bytes": None,
    }


def test_pull_shows_its_way_and_ends_with_the_digest(
    shelf: OllamaStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path))
    said = dualbrain(tmp_path, "models", "pull", "llama3.2", "--json")
    assert said.code == 0
    assert json.loads(said.out) == {"name": "llama3.2", "digest": "b" * 64, "size_bytes": 2_000_000_000}
    assert "needs 2.00 GB, room for" in said.err
    assert "pulling llama3.2 50 %" in said.err


def test_pull_refuses_what_the_disk_cannot_take(
    shelf: OllamaStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path))
    shelf.library["huge:latest"] = StoredModel("huge:latest", "e" * 64, 10**18)
    said = dualbrain(tmp_path, "models", "pull", "huge")
    assert said.code == 2
    assert "expected 1,000,000,000.0 GB free for huge" in said.error
    assert "%" not in said.err


def test_a_pull_leaves_a_gigabyte_free(
    shelf: OllamaStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path))
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=2_500_000_000))
    said = dualbrain(tmp_path, "models", "pull", "llama3.2")
    assert "expected 2.0 GB free for llama3.2, found 1.5 GB" in said.error


def test_the_disk_of_another_machine_is_not_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path))
    assert models._free_bytes("http://10.0.0.7:11434")() is None
    assert (models._free_bytes("localhost")() or 0) > 0


def test_a_check_that_nobody_answers_fails_and_says_how(shelf: OllamaStandIn, tmp_path: Path) -> None:
    said = dualbrain(tmp_path, "models", "check", "qwen3:4b")
    assert said.code == 1
    assert "declares completion, tools" in said.out
    assert "no model behind it" in said.out
    assert "formula brain: not known" in said.out


@pytest.mark.slow
def test_a_check_of_the_real_model_tells_what_the_brain_can_do_with_it(
    ollama_stand_in: OllamaStandIn, local_model: LocalModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", ollama_stand_in.root_url)
    said = dualbrain(tmp_path, "models", "check", "--json")
    assert said.code == 0
    (told,) = json.loads(said.out)
    assert told["info"]["name"] == local_model.model
    assert told["brain"]["mode"] == "schema"
    assert all(each["seconds"] > 0 for each in told["abilities"]["found"])


# dualbrain doctor


def doctor(folder: Path, *more: str) -> tuple[Said, dict[str, dict[str, object]]]:
    said = dualbrain(folder, "doctor", "--json", *more)
    assert said.code == 0, said.err
    told = json.loads(said.out)["models"]
    return said, {**{seat["seat"]: seat for seat in told["seats"]}, "": told}


def set_seat(folder: Path, provider: str, model: str, base_url: str | None = None) -> None:
    address = "" if base_url is None else f'base_url = "{base_url}"\n'
    text = f'[panel]\nseats = ["local"]\n[seats.local]\nprovider = "{provider}"\nmodel = "{model}"\n'
    (folder / "dualbrain.toml").write_text(f'{text}prompt = "seat_kimi"\n{address}', encoding="utf-8")


def test_doctor_tells_each_seat_its_price_and_how_to_get_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOONSHOT_API_KEY", KEY)
    said, seats = doctor(tmp_path)
    assert seats["kimi"]["key"] == "found"
    assert seats["kimi"]["missing"] is None
    assert seats["deepseek"]["key"] == "missing"
    assert "set DEEPSEEK_API_KEY" in str(seats["deepseek"]["missing"])
    assert isinstance(seats["kimi"]["price"], dict)
    assert seats[""]["is_asked"] is False
    text = dualbrain(tmp_path, "doctor")
    assert KEY not in said.out + said.err + text.out + text.err
    assert "no model is asked in this mode" in text.out
    assert "USD a million tokens" in text.out


def test_doctor_says_that_no_local_server_answers(tmp_path: Path) -> None:
    set_seat(tmp_path, "ollama", "qwen3:4b", f"http://{NOBODY}/v1")
    _, seats = doctor(tmp_path)
    assert "expected an Ollama server at http://127.0.0.1:9, found none" in str(seats["local"]["missing"])
    assert "start it with `ollama serve`" in dualbrain(tmp_path, "doctor").out


def test_doctor_looks_whether_the_local_model_is_there(shelf: OllamaStandIn, tmp_path: Path) -> None:
    set_seat(tmp_path, "ollama", "qwen3:4b", shelf.base_url)
    _, seats = doctor(tmp_path)
    assert seats["local"]["missing"] is None
    assert seats["local"]["key"] == "not needed"
    assert seats["kimi"]["sits"] is False
    set_seat(tmp_path, "ollama", "llama3.2", shelf.base_url.replace("127.0.0.1", "localhost"))
    assert "`dualbrain models pull llama3.2`" in str(doctor(tmp_path)[1]["local"]["missing"])
    set_seat(tmp_path, "ollama", "qwen3:4b")
    local = doctor(tmp_path)[1]["local"]
    assert (local["base_url"], local["missing"]) == (shelf.base_url, None)
    set_seat(tmp_path, "ollama", "qwen3:4b", f"http://{NOBODY}/v1")
    assert "make them one" in str(doctor(tmp_path)[1]["local"]["missing"])
    set_seat(tmp_path, "ollama", "qwen3:4b", "http://box:port/v1")
    assert "correct it" in str(doctor(tmp_path)[1]["local"]["missing"])


def test_doctor_looks_at_brain_and_assistant_where_they_have_a_model(
    shelf: OllamaStandIn, tmp_path: Path
) -> None:
    assert doctor(tmp_path)[1].keys().isdisjoint({"brain", "assistant"})
    text = '[brain]\nmodel = "qwen3:4b"\n[assistant]\nprovider = "deepseek"\nmodel = "deepseek-flash"\n'
    (tmp_path / "dualbrain.toml").write_text(text, encoding="utf-8")
    _, minds = doctor(tmp_path)
    assert (minds["brain"]["base_url"], minds["brain"]["missing"]) == (shelf.base_url, None)
    assert "set DEEPSEEK_API_KEY" in str(minds["assistant"]["missing"])
    assert (minds["kimi"]["sits"], minds["brain"]["sits"]) == (True, True)
    told = dualbrain(tmp_path, "doctor").out
    assert "brain          qwen3:4b at ollama; not billed" in told
    assert told.index("\nbrain ") < told.index("\nseat kimi ") < told.index("\nassistant ")


def test_doctor_says_that_the_address_of_ollama_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "ftp://box")
    set_seat(tmp_path, "ollama", "qwen3:4b")
    local = doctor(tmp_path)[1]["local"]
    assert local["base_url"] is None
    assert "expected OLLAMA_HOST as" in str(local["missing"])


def test_doctor_speaks_of_a_key_that_would_be_sent_in_the_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_COMPATIBLE_API_KEY", KEY)
    set_seat(tmp_path, "openai-compatible", "m", "http://gpu-box:8000/v1")
    assert "expected https to send the key" in str(doctor(tmp_path)[1]["local"]["missing"])


def test_doctor_speaks_of_a_seat_that_can_never_be_filled(tmp_path: Path) -> None:
    set_seat(tmp_path, "deepseek", "deepseek-chat")
    assert "use deepseek-flash" in str(doctor(tmp_path)[1]["local"]["missing"])
    set_seat(tmp_path, "nobody", "m")
    assert "expected a provider, found 'nobody'" in str(doctor(tmp_path)[1]["local"]["missing"])


def test_doctor_asks_no_model_unless_told_and_keeps_what_came(
    scripted: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_COMPATIBLE_API_KEY", KEY)
    set_seat(tmp_path, "openai-compatible", "m", scripted.base_url)
    assert doctor(tmp_path)[1]["local"]["probed"] is None
    assert scripted.requests == []

    scripted.script(COUNTS, PARCEL, CALLS)
    _, seats = doctor(tmp_path, "--probe")
    assert len(scripted.requests) == 3
    assert scripted.requests[0].headers["authorization"] == f"Bearer {KEY}"
    kept = (tmp_path / "probes.json").read_text(encoding="utf-8")
    assert KEY not in kept

    _, again = doctor(tmp_path)
    assert again["local"]["probed"] == seats["local"]["probed"] is not None
    assert len(scripted.requests) == 3
    assert "streaming yes, reasoning no, json schema yes, tools yes" in dualbrain(tmp_path, "doctor").out

    scripted.script(error(401, f"bad key {KEY}"))
    said = dualbrain(tmp_path, "doctor", "--probe")
    assert "401: bad key ********" in said.out
    assert KEY not in (tmp_path / "probes.json").read_text(encoding="utf-8")


def test_a_seat_without_its_key_is_not_probed(tmp_path: Path) -> None:
    # Every default seat would have to leave this machine, which tests cannot.
    _, seats = doctor(tmp_path, "--probe")
    assert [seats[name]["probed"] for name in ("deepseek", "kimi", "minimax")] == [None, None, None]
    assert json.loads((tmp_path / "probes.json").read_text(encoding="utf-8")) == []


def test_answers_that_cannot_be_read_are_said_and_written_anew(tmp_path: Path) -> None:
    (tmp_path / "probes.json").write_text("{", encoding="utf-8")
    assert "expected earlier answers" in str(doctor(tmp_path)[1][""]["problem"])
    assert doctor(tmp_path, "--probe")[1][""]["problem"] is None
    assert doctor(tmp_path)[1][""]["problem"] is None


def test_doctor_looks_at_brain_and_assistant_as_at_seats(shelf: OllamaStandIn, tmp_path: Path) -> None:
    _, seats = doctor(tmp_path)
    assert {"brain", "assistant"}.isdisjoint(seats)
    assert "none, so nobody reads before the panel votes" in dualbrain(tmp_path, "doctor").out
    (tmp_path / "dualbrain.toml").write_text('[brain]\nmodel = "qwen3:4b"\n', encoding="utf-8")
    _, seats = doctor(tmp_path)
    for role in ("brain", "assistant"):
        assert (seats[role]["role"], seats[role]["model"]) == (role, "qwen3:4b")
        assert (seats[role]["base_url"], seats[role]["missing"]) == (shelf.base_url, None)
    (tmp_path / "dualbrain.toml").write_text('[assistant]\nmodel = "llama3.2"\n', encoding="utf-8")
    _, seats = doctor(tmp_path)
    assert "brain" not in seats
    assert "`dualbrain models pull llama3.2`" in str(seats["assistant"]["missing"])
