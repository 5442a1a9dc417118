"""Blobs are whole, named by their content, and never handed out changed."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.canonical import sha256_hex
from contracts.errors import DataUnavailable, JournalCorrupt, JournalUnavailable
from memory import blobs as blobs_module
from memory.blobs import FileBlobStore
from memory.scratch import OverlayBlobStore


def _file_of(root: Path, blob: str) -> Path:
    return root / blob[:2] / blob


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=2000))
def test_what_is_put_is_got_back_under_its_hash(tmp_path: Path, data: bytes) -> None:
    store = FileBlobStore(tmp_path / "blobs")
    blob = store.put(data)
    assert blob == sha256_hex(data)
    assert store.get(blob) == data
    assert FileBlobStore(tmp_path / "blobs").get(blob) == data


def test_equal_content_is_stored_once(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path)
    blob = store.put(b"bars")
    written = _file_of(tmp_path, blob).stat().st_mtime_ns
    assert store.put(b"bars") == FileBlobStore(tmp_path).put(b"bars") == blob
    assert _file_of(tmp_path, blob).stat().st_mtime_ns == written
    assert list(store.all()) == [blob]


def test_a_known_blob_costs_no_look_at_the_disk(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path / "blobs")
    blob = store.put(b"bars")
    _file_of(tmp_path / "blobs", blob).unlink()
    store.put(b"bars")
    assert list(store.all()) == []


def test_what_is_remembered_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs_module, "KNOWN_LIMIT", 10)
    store = FileBlobStore(tmp_path)
    for i in range(35):
        store.put(str(i).encode())
    assert len(store._known) <= 10
    assert len(list(store.all())) == 35


def test_a_blob_cut_short_by_a_power_cut_is_mended_by_the_next_put(tmp_path: Path) -> None:
    blob = FileBlobStore(tmp_path).put(b"all of it")
    _file_of(tmp_path, blob).write_bytes(b"all")
    store = FileBlobStore(tmp_path)
    with pytest.raises(JournalCorrupt):
        store.get(blob)
    store.put(b"all of it")
    assert store.get(blob) == b"all of it"


def test_a_changed_blob_is_corrupt_and_says_which(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path)
    blob = store.put(b"right")
    _file_of(tmp_path, blob).write_bytes(b"wrong")
    with pytest.raises(JournalCorrupt, match=blob[:12]) as caught:
        store.get(blob)
    assert caught.value.fields["blob"] == blob


@pytest.mark.parametrize("blob", ["f" * 64, "", "../../etc/passwd", "F" * 64, "f" * 63, "f" * 64 + "\n"])
def test_a_blob_that_is_not_there_is_unavailable(tmp_path: Path, blob: str) -> None:
    with pytest.raises(DataUnavailable, match="expected blob"):
        FileBlobStore(tmp_path).get(blob)


def test_a_store_that_cannot_be_written_stops_the_desk_and_leaves_nothing(tmp_path: Path) -> None:
    root = tmp_path / "blobs"
    root.write_text("a file where the folder should be")
    with pytest.raises(JournalUnavailable, match="expected to write a blob"):
        FileBlobStore(root).put(b"bars")


def test_a_blob_that_could_not_be_finished_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    store = FileBlobStore(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        with pytest.raises(JournalUnavailable, match="No space left"):
            store.put(b"bars")
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
    blob = store.put(b"bars")
    assert store.get(blob) == b"bars"


def test_listing_passes_over_what_a_killed_writer_left(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path)
    blob = store.put(b"bars")
    (_file_of(tmp_path, blob).parent / ".abc.part").write_bytes(b"ba")
    (tmp_path / "notes.txt").write_text("not a blob")
    assert list(store.all()) == [blob]


def test_a_store_that_was_never_written_is_empty(tmp_path: Path) -> None:
    assert list(FileBlobStore(tmp_path / "none").all()) == []


def test_an_overlay_reads_its_base_and_writes_only_to_memory(tmp_path: Path) -> None:
    base = FileBlobStore(tmp_path)
    kept = base.put(b"kept")
    overlay = OverlayBlobStore(base)
    own = overlay.put(b"own")
    assert (overlay.get(kept), overlay.get(own)) == (b"kept", b"own")
    assert list(base.all()) == [kept]
    with pytest.raises(DataUnavailable):
        overlay.get("f" * 64)
    with pytest.raises(DataUnavailable):
        OverlayBlobStore().get(kept)
