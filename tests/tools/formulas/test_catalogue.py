"""Catalogues: ours are whole and true to their units, the user's are checked line by line."""

from pathlib import Path

import pytest

from contracts.errors import SettingsError, ToolInputError
from tools.formulas import catalogue
from tools.formulas.catalogue import add_catalogue, find_formula, formulas, load_catalogue
from tools.formulas.parse import parse
from tools.formulas.tree import text_of
from tools.formulas.units import unit_text

MINE = """
set = "mine"
title = "What I watch"
source = "Myself"
unit = "ratio"
[formulas]
mine_gap = "open / delay(close, 1) - 1"
mine_range = "high - low"
[units]
mine_range = "price"
[notes."mine_g*"]
printed = "a"
wrong = "b"
chosen = "c"
why = "d"
"""


def test_the_four_sets_hold_810_formulas_in_order() -> None:
    counts: dict[str, int] = {}
    for name in formulas():
        counts[name.split("_")[0]] = counts.get(name.split("_")[0], 0) + 1
    assert counts == {"alpha101": 101, "alpha191": 191, "alpha158": 158, "alpha360": 360}
    assert list(counts) == ["alpha101", "alpha191", "alpha158", "alpha360"]


def test_every_formula_parses_has_the_unit_it_states_and_says_where_it_is_from() -> None:
    for formula in formulas().values():
        assert unit_text(formula.tree) == formula.unit, formula.name
        assert formula.source


def test_every_text_is_written_with_no_bracket_that_does_not_matter() -> None:
    for formula in formulas().values():
        assert text_of(parse(formula.text)) == formula.text, formula.name


def test_a_users_catalogue_works_like_ours(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    found = load_catalogue(path)
    assert [(f.name, f.unit, f.note is not None) for f in found.values()] == [
        ("mine_gap", "ratio", True),
        ("mine_range", "price", False),
    ]
    assert find_formula("mine_gap", found).title == "What I watch"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("high - low", "high - lo", "column 8"),
        ('mine_range = "price"', 'mine_range = "ratio"', "expected unit 'price' of mine_range"),
        ("mine_range =", "my_range =", "rename it"),
        ('unit = "ratio"\n', 'unit = "ratio"\ncolour = 1\n', "colour"),
        ('why = "d"\n', "", "why"),
        ('[notes."mine_g*"]', '[notes."mine_h*"]', "'mine_h*'; remove it"),
        ("[formulas]", "[formulas", "readable TOML"),
        ('source = "Myself"\n', "", "source"),
    ],
)
def test_a_fault_in_a_users_catalogue_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in MINE
    path = tmp_path / "mine.toml"
    path.write_text(MINE.replace(old, new, 1) if old != "mine_range =" else MINE.replace(old, new))
    with pytest.raises(SettingsError, match=r"mine\.toml") as caught:
        load_catalogue(path)
    assert says in str(caught.value)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ToolInputError, match="did you mean alpha158_kmid"):
        find_formula("alpha158_kmidd")


@pytest.fixture
def no_formulas_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    table = dict(catalogue.published())
    monkeypatch.setattr(catalogue, "_known", lambda: table)


@pytest.mark.usefixtures("no_formulas_of_ones_own")
def test_a_users_formula_is_known_by_name_and_may_be_changed(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    add_catalogue(path)
    assert find_formula("mine_gap").text == "open / delay(close, 1) - 1"
    path.write_text(MINE.replace("open / delay(close, 1) - 1", "close / open - 1"))
    add_catalogue(path)
    assert find_formula("mine_gap").text == "close / open - 1"
    assert len(formulas()) == 812


def test_a_users_set_may_not_take_a_published_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINE.replace("mine_", "alpha101_").replace('"mine"', '"alpha101"'))
    path.write_text(
        path.read_text().replace("alpha101_gap", "alpha101_001").replace("alpha101_g*", "alpha101_001")
    )
    with pytest.raises(SettingsError, match="rename the set"):
        add_catalogue(path)
