"""Formulas as registered tools, the panel their bars make, and the examples that the pages give."""

import re
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import ToolInputError
from contracts.market import Bars, Float1D, Float2D
from markets.bars import no_bars
from tests.conftest import ROOT
from tests.tools.price_paths import random_bars
from tools import registry
from tools.formulas import catalogue
from tools.formulas import values as formula_values
from tools.formulas.catalogue import SETS, load_catalogue, published
from tools.formulas.conventions import DEFAULT
from tools.formulas.engine import Panel, compute_formulas, why_missing
from tools.formulas.panel import panel_of
from tools.formulas.reach import reach_of
from tools.formulas.tools import add_formulas
from tools.formulas.values import compute_together
from tools.registry import get_tool, groups
from tools.shared_bars import SharedBars

N = 400
OTHERS = 6
NAMES = tuple(published())


def make_bars(seed: int, n: int = N) -> Bars:
    """Random bars with volume."""
    volume: Float1D = np.random.default_rng(1000 + seed).lognormal(8, 0.6, n)
    return replace(random_bars(seed, n), volume=volume)


BARS = make_bars(0)
PEERS = tuple(make_bars(seed) for seed in range(1, OTHERS + 1))


def together() -> SharedBars:
    return SharedBars.of(BARS, PEERS)


def with_hole(bars: Bars, name: str, *places: int) -> Bars:
    columns = {field.name: getattr(bars, field.name) for field in fields(bars)}
    columns[name] = columns[name].copy()
    columns[name][list(places)] = np.nan
    return Bars(**columns)


# Called through the registry


@pytest.mark.slow
def test_every_formula_is_called_through_the_registry_and_gives_the_engines_value() -> None:
    bars, panel = together(), panel_of(BARS, PEERS)
    expected = compute_formulas(NAMES, panel, last_only=True)
    lacking = why_missing(NAMES, panel)
    compute_together(NAMES, bars)
    n_known = 0
    for name in NAMES:
        found, value = get_tool(name).call(bars), float(expected[name][-1, 0])
        if np.isfinite(value):
            assert (found.value, found.reason) == (value, None), name
            n_known += 1
        else:
            assert found.value is None, name
            assert found.reason == lacking.get(name) or "undefined" in (found.reason or ""), name
    assert n_known > 630


@pytest.mark.slow
def test_computed_together_is_the_same_as_one_by_one() -> None:
    names, shared_bars = NAMES[:292:3], together()
    compute_together(names, shared_bars)
    for name in names:
        assert get_tool(name).call(shared_bars) == get_tool(name).call(together()), name


def test_what_was_computed_together_is_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counted(names: Iterable[str], panel: Panel, *, last_only: bool) -> dict[str, Float2D]:
        asked.extend(wanted := list(names))
        return compute_formulas(wanted, panel, last_only=last_only)

    monkeypatch.setattr(formula_values, "compute_formulas", counted)
    names, bars = ["alpha158_kmid", "alpha101_012"], together()
    compute_together([*names, names[0]], bars)
    values = [get_tool(name).call(bars).value for name in names]
    assert asked == names
    assert None not in values


@pytest.mark.slow
@pytest.mark.parametrize("name", ["alpha158_kmid", "alpha191_009", "alpha101_012", "alpha101_003"])
def test_the_series_ends_with_the_newest_value(name: str) -> None:
    series = get_tool(name).series(together())
    assert series.shape == (N,)
    assert series[-1] == get_tool(name).call(together()).value
    assert np.isnan(series[: get_tool(name).prepare().min_bars - 1]).all()


def test_each_set_is_a_group_with_its_unit_text_and_source() -> None:
    known = groups()
    assert [len(known[name]) for name in SETS] == [101, 191, 158, 360]
    tool = get_tool("alpha191_003")
    assert (tool.group, tool.unit, tool.summary) == ("alpha191", "price", published()["alpha191_003"].text)
    assert "Guotai Junan" in tool.doc.references
    assert "Wrong with it" in tool.doc.notes


def test_a_formula_has_no_parameters() -> None:
    with pytest.raises(ToolInputError, match="among none, found 'period'"):
        get_tool("alpha158_kmid").call(BARS, period=3)


# Reasons


def test_too_few_bars_say_how_many_are_needed() -> None:
    found = get_tool("alpha158_ma60").call(BARS[:59])
    assert (found.value, found.reason) == (None, "needs 60 bars, has 59")
    assert get_tool("alpha158_ma60").call(BARS[:60]).value is not None


@pytest.mark.parametrize("name", ["alpha158_kmid", "alpha101_003", "alpha191_009"])
def test_no_bars_are_too_few_and_make_an_empty_series(name: str) -> None:
    assert "has 0" in (get_tool(name).call(no_bars()).reason or "")
    assert get_tool(name).series(no_bars()).shape == (0,)
    compute_together([name], SharedBars.of(no_bars()))


def test_bars_without_volume_say_so() -> None:
    bars = random_bars(1, 100)
    found = get_tool("alpha101_012").call(bars)
    assert (found.value, found.reason, found.n_obs) == (None, "needs volume", 2)
    assert np.isnan(get_tool("alpha101_012").series(bars)).all()
    assert get_tool("alpha101_009").call(bars).value is not None


def test_a_formula_that_compares_needs_five_instruments() -> None:
    four, five = SharedBars.of(BARS, PEERS[:3]), SharedBars.of(BARS, PEERS[:4])
    tool = get_tool("alpha101_010")
    assert tool.call(BARS).reason == "needs 5 instruments to compare, has 1"
    assert tool.call(four).reason == "needs 5 instruments to compare, has 4"
    assert tool.call(five).value is not None
    assert np.isnan(tool.series(four)).all()
    assert get_tool("alpha101_009").call(BARS).value is not None


@pytest.mark.parametrize(
    ("name", "column", "says"),
    [
        ("alpha158_ma60", "close", "needs close on every bar, missing on 2 of 60"),
        ("alpha101_012", "volume", "needs volume on every bar, missing on 1 of 2"),
        ("alpha191_110", "high", "needs high on every bar, missing on 1 of 21"),
    ],
)
def test_a_hole_is_counted(name: str, column: str, says: str) -> None:
    assert get_tool(name).call(with_hole(BARS, column, -2, -30)).reason == says


def test_a_hole_in_closes_is_told_of_a_formula_that_reads_returns_alone() -> None:
    assert reach_of(published()["alpha101_008"].tree, DEFAULT).fields == ("open", "returns")
    held = SharedBars.of(with_hole(BARS, "close", -3), PEERS)
    assert get_tool("alpha101_008").call(held).reason == "needs close on every bar, missing on 1 of 16"


def test_what_is_undefined_points_to_the_command_that_shows_why() -> None:
    flat = replace(BARS, high=BARS.close, low=BARS.close, open=BARS.close)
    found = get_tool("alpha191_002").call(flat)
    assert found.value is None
    assert found.reason == "undefined on these bars; `dualbrain tools explain alpha191_002` shows which part"


def test_an_average_that_still_remembers_its_start_warns() -> None:
    tool, reach = get_tool("alpha191_009"), reach_of(published()["alpha191_009"].tree, DEFAULT)
    assert (reach.bars, reach.settled_bars) == (8, 22)
    early, late = tool.call(BARS[:21]), tool.call(BARS[:22])
    assert early.value is not None
    assert early.warnings == (
        "has 21 bars; under 22 where they begin still counts for over 1 % of the value",
    )
    assert (late.warnings, late.n_obs) == ((), 22)
    assert get_tool("alpha158_kmid").call(BARS[:1]).n_obs == 1


def test_a_condition_that_does_not_hold_is_zero_without_a_sign() -> None:
    values = [get_tool("alpha101_061").call(SharedBars.of(BARS[:n], PEERS)).value for n in range(250, 255)]
    vwapless = [get_tool("alpha191_148").call(SharedBars.of(BARS[:n], PEERS)).value for n in range(250, 270)]
    assert values == [None] * 5
    assert {str(value) for value in vwapless} == {"0.0", "-1.0"}


# The panel that bars make


def test_the_others_are_aligned_by_close_time_and_their_holes_stay_holes() -> None:
    gap = PEERS[0]
    keep = np.ones(N, bool)
    keep[[5, 6, N - 1]] = False
    columns = {name: getattr(gap, name)[keep] for name in gap.__dataclass_fields__ if name != "side"}
    panel = panel_of(BARS, [replace(gap, **columns)])
    assert np.flatnonzero(np.isnan(panel["close"][:, 1])).tolist() == [5, 6, N - 1]
    assert np.array_equal(panel["close"][keep, 1], gap.close[keep])
    assert np.array_equal(panel["close"][:, 0], BARS.close)
    assert all(values.flags.c_contiguous for values in panel.values())


def test_rows_end_with_the_first_instrument_whatever_the_others_know() -> None:
    panel = panel_of(BARS[:100], [PEERS[0]])
    assert np.array_equal(panel["high"][:, 1], PEERS[0].high[:100])
    early = panel_of(BARS[50:100], [PEERS[0][:60]])
    assert np.isfinite(early["low"][:10, 1]).all()
    assert np.isnan(early["low"][10:, 1]).all()


def test_bars_that_never_meet_and_no_bars_are_missing() -> None:
    shifted = replace(PEERS[0], close_time=PEERS[0].close_time + 1)
    panel = panel_of(BARS, [shifted, no_bars()])
    assert np.isnan(panel["close"][:, 1:]).all()


def test_there_is_a_volume_as_soon_as_anybody_has_one() -> None:
    silent = random_bars(3, N)
    assert "volume" not in panel_of(silent, [silent])
    panel = panel_of(silent, [BARS])
    assert np.isnan(panel["volume"][:, 0]).all()
    assert np.array_equal(panel["volume"][:, 1], BARS.volume)


def test_what_is_not_finite_in_bars_is_missing_in_the_panel() -> None:
    column = BARS.close.copy()
    column[3] = np.inf
    assert np.isnan(panel_of(replace(BARS, close=column))["close"][3, 0])


def test_the_bars_are_not_written() -> None:
    panel = panel_of(BARS)
    panel["close"][0, 0] = 7
    assert BARS.close[0] != 7


def test_the_future_of_another_instrument_changes_nothing() -> None:
    changed = replace(PEERS[0], close=np.concatenate((PEERS[0].close[:300], PEERS[0].close[300:] * 2)))
    before = get_tool("alpha101_010").call(SharedBars.of(BARS[:300], PEERS))
    after = get_tool("alpha101_010").call(SharedBars.of(BARS[:300], (changed, *PEERS[1:])))
    assert before == after


# The pages


def fenced(language: str) -> list[str]:
    page = (ROOT / "docs" / "formulas.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)


def test_the_catalogue_of_the_page_loads_and_its_formulas_compute(tmp_path: Path) -> None:
    (text,) = fenced("toml")
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    mine = load_catalogue(path)
    assert [(one.name, one.unit) for one in mine.values()] == [
        ("mine_gap", "ratio"),
        ("mine_calm", "ratio"),
        ("mine_range", "price"),
    ]
    assert all(
        np.isfinite(v[-1]).all() for v in compute_formulas(mine, panel_of(BARS), catalogue=mine).values()
    )


def test_the_examples_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text(fenced("toml")[0], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    counts = []
    for text in fenced("python"):
        names: dict[str, object] = {"panel": panel_of(BARS, PEERS)}
        exec(text, names)
        assert isinstance(names["values"], dict)
        counts.append(len(names["values"]))
    assert counts == [2, 3]


@pytest.mark.parametrize("name", SETS)
def test_every_formula_is_on_its_sets_page_and_every_link_leads_to_its_note(name: str) -> None:
    page = (ROOT / "docs" / "formulas" / f"{name}.md").read_text(encoding="utf-8")
    members = [formula for formula in published().values() if formula.name.startswith(f"{name}_")]
    for formula in members if name != "alpha360" else ():
        assert f"`{formula.name}`" in page, formula.name
        assert formula.text.replace("|", r"\|") in page, formula.name
    headings = {
        re.sub(r"[^\w-]", "", title.replace(" ", "-"))
        for title in re.findall(r"^### (.+)$", page, re.MULTILINE)
    }
    links = set(re.findall(r"\]\(#([^)]+)\)", page))
    assert links == headings
    assert len(links) == len({formula.note for formula in members if formula.note})


def test_an_instrument_without_the_bar_does_not_count_among_the_five() -> None:
    others = PEERS[:4]
    late = others[3][: len(BARS) - 1]
    tool = get_tool("alpha101_033")
    assert tool.call(SharedBars.of(BARS, others)).value is not None
    found = tool.call(SharedBars.of(BARS, (*others[:3], late)))
    assert (found.value, found.reason) == (None, "needs 5 instruments to compare, has 4")
    series = tool.series(SharedBars.of(BARS, (*others[:3], late)))
    assert np.isnan(series).tolist() == [False] * (len(BARS) - 1) + [True]


def test_a_catalogue_added_again_changes_what_the_registry_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    get_tool("alpha101_001")
    table = dict(published())
    monkeypatch.setattr(catalogue, "_known", lambda: table)
    monkeypatch.setattr(registry, "_TOOLS", dict(registry._TOOLS))
    path = tmp_path / "own.toml"
    head = 'set = "own"\ntitle = "Mine"\nsource = "Myself"\nunit = '
    path.write_text(head + '"ratio"\n[formulas]\nown_a = "high / low"\n')
    add_formulas(path)
    path.write_text(head + '"price"\n[formulas]\nown_a = "high - low"\n')
    add_formulas(path)
    tool = get_tool("own_a")
    assert (tool.unit, tool.summary) == ("price", "high - low")
    assert tool.call(BARS).value == pytest.approx(BARS.high[-1] - BARS.low[-1])
