"""What this process runs on, as hashes: schema, code, lock, machine."""

import os
import platform
import sys
from importlib.metadata import distributions
from pathlib import Path

from contracts.canonical import sha256_hex
from contracts.records import Environment
from desk.settings import ROOT

ROOMS = ("agents", "contracts", "desk", "graphs", "markets", "memory", "prompts", "tools", "tui")


def forbid_tracing() -> None:
    """LangChain would report to LangSmith if an inherited variable said so; both names must say no."""
    os.environ["LANGSMITH_TRACING"] = os.environ["LANGCHAIN_TRACING_V2"] = "false"


def describe_environment() -> Environment:
    """Equal on two machines that run the same code on the same packages, but for the machine."""
    return Environment(
        schema_hash=_hash_files(sorted((ROOT / "contracts").glob("*.py"))),
        code_hash=_hash_files(_code_files()),
        lock_hash=sha256_hex(_installed().encode()),
        machine=f"{platform.system()} {platform.machine()} {platform.processor()}".strip(),
        python=f"{platform.python_implementation()} {sys.version.split()[0]}",
    )


def _code_files() -> list[Path]:
    found = (path for room in ROOMS for path in (ROOT / room).rglob("*"))
    return sorted(path for path in found if path.suffix in (".py", ".toml", ".md") and path.is_file())


def _hash_files(paths: list[Path]) -> str:
    lines = [f"{path.relative_to(ROOT).as_posix()} {sha256_hex(path.read_bytes())}" for path in paths]
    return sha256_hex("\n".join(lines).encode())


def _installed() -> str:
    return "\n".join(sorted({f"{d.name}=={d.version}".lower() for d in distributions()}))
