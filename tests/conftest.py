"""Fixtures every room's tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.servers.fixtures import local_model, ollama_stand_in, scripted

__all__ = ["local_model", "ollama_stand_in", "scripted", "shared_data"]

# Machines are noisy: how long an example takes decides nothing.
settings.register_profile("suite", deadline=None, max_examples=60)
settings.register_profile("fuzz", deadline=None, max_examples=2_000)
settings.load_profile("suite")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real market data outside the repository; skips, saying so, where it is absent."""
    shared = Path(os.environ.get("DUALBRAIN_SHARED", "../shared"))
    data = (shared if shared.is_absolute() else ROOT / shared) / "data"
    if not data.is_dir():
        pytest.skip(f"needs the shared market data: expected a folder at {data} (set DUALBRAIN_SHARED)")
    return data
