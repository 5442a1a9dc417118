"""Prompts are found, whole, and do not change without a new version."""

from pathlib import Path

import pytest

from contracts.errors import InvariantBroken, SettingsError
from prompts.loader import load_prompt, parse_prompt, prompt_names

WRITTEN = {
    "assistant": (1, "a02aa47384a7"),
    "assistant_loop": (1, "6e8acb88f109"),
    "formula_brain": (1, "5af52780aaa2"),
    "formula_brain_loop": (2, "079f1b0247ee"),
    "panel": (2, "ebb0f8f5e80c"),
    "repair": (1, "782d6c1d83a5"),
    "seat_deepseek": (1, "683e202f8561"),
    "seat_kimi": (1, "ba23b5370b2d"),
    "seat_minimax": (1, "c07e1f9420bf"),
}
"""Version and hash of each. New wording: raise the version in its file, and put the new hash here."""


@pytest.mark.parametrize("name", prompt_names())
def test_changed_wording_is_a_new_version(name: str) -> None:
    prompt = load_prompt(name)
    assert (prompt.version, prompt.sha[:12]) == WRITTEN[name]


def test_every_prompt_is_written_down_here() -> None:
    assert set(WRITTEN) == set(prompt_names())


def test_rendering_fills_every_slot() -> None:
    text = load_prompt("panel").render(seat="kimi", seats="3")
    assert "in seat kimi." in text
    assert "one of 3 independent" in text
    assert "{{" not in text


@pytest.mark.parametrize("values", [{}, {"seat": "kimi"}, {"seat": "kimi", "seats": "3", "mood": "calm"}])
def test_rendering_with_a_value_missing_or_unwanted_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(InvariantBroken, match="expected prompt panel to be given seat, seats"):
        load_prompt("panel").render(**values)


def test_a_value_that_looks_like_a_slot_is_not_filled_again() -> None:
    assert "{{seats}}" in load_prompt("panel").render(seat="{{seats}}", seats="3")


def test_unknown_prompt_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"expected a prompt among .*panel, .* found 'seat_gpt'"):
        load_prompt("seat_gpt")


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("You are a voter.", "between two lines of ---"),
        ("---\nrole: seat\n---\ntext", "to hold role, version, inputs, output"),
        ("---\nrole: seat\nversion: one\ninputs:\noutput: Ballot\n---\ntext", "whole number as version"),
        ("---\nrole: seat\nversion: 1\ninputs: a\noutput: Ballot\n---\ntext", r"\(a\), found none"),
        ("---\nrole: seat\nversion: 1\ninputs:\noutput: Ballot\n---\n{{ b }}", r"\(none\), found b"),
    ],
)
def test_head_and_text_that_disagree_are_refused(written: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        parse_prompt("p", written)


def test_a_path_that_ends_in_md_is_a_prompt_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    head = "---\nrole: seat\nversion: 1\ninputs:\noutput: Ballot\n---\n"
    mine = tmp_path / "mine.md"
    mine.write_text(f"{head}Be brief.", encoding="utf-8")
    first = load_prompt("./mine.md")
    assert (first.render(), first.role) == ("Be brief.", "seat")
    mine.write_text(f"{head}Be bold.", encoding="utf-8")
    assert load_prompt(str(mine)).render() == "Be bold."
    assert load_prompt("./mine.md").sha != first.sha


@pytest.mark.parametrize(
    ("content", "says"), [(None, "nowhere.md"), (b"no head", "two lines of ---"), (b"\xff", "utf-8")]
)
def test_a_file_that_is_no_prompt_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "nowhere.md").write_bytes(content)
    with pytest.raises(SettingsError, match=says):
        load_prompt("nowhere.md")
