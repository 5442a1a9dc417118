"""The charts of the documents: fresh, shown, legible as XML, and true to what they are given."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from docs import tool_pictures
from docs.chart_drawing import HEIGHT, WIDTH, Band, Chart, Heat, Line, Mark, Panel, draw
from docs.tool_pictures import CHARTS, draw_charts, show_the_same
from tests.conftest import ROOT

FOLDER = ROOT / "docs" / "charts"
SVG = "{http://www.w3.org/2000/svg}"
X = np.array([0.0, 1.0, 2.0, 3.0])


def chart(**parts: object) -> Chart:
    return Chart("a < b & c", "x", "y", **parts)  # type: ignore[arg-type]  # parts are of mixed kinds


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)


def texts(svg: str) -> list[str]:
    return [each.text or "" for each in parsed(svg).iter(f"{SVG}text")]


def test_kept_charts_are_what_the_tools_make() -> None:
    kept = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.svg")}
    assert draw_charts(kept) == kept, "run python docs/generate.py"
    assert set(kept) == set(CHARTS)


def test_the_page_of_tools_shows_every_chart_and_no_other() -> None:
    page = (ROOT / "docs" / "tools.md").read_text(encoding="utf-8")
    shown = re.findall(r"^!\[[^\]]+\]\(charts/(\w+)\.svg\)$", page, re.MULTILINE)
    assert sorted(shown) == sorted(path.stem for path in FOLDER.glob("*"))


def test_chart_whose_data_is_absent_stays_as_it_is_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        tool_pictures, "CHARTS", {"far": lambda: None, "near": lambda: chart(marks=[Mark("m", 1, 2)])}
    )
    made = draw_charts({"far": "kept", "gone": "stray"})
    assert made["far"] == "kept"
    assert set(made) == {"far", "near"}
    assert "far, whose data is not on this machine" in capsys.readouterr().out
    assert set(draw_charts({})) == {"near"}


def test_a_picture_moved_by_a_fraction_of_a_pixel_is_kept_and_any_other_is_new() -> None:
    line = Line("up", X, 10 * X)
    kept = draw(chart(lines=[line]))
    for moved_by, is_same in ((0.03, True), (0.1, False)):
        moved = draw(chart(lines=[Line("up", X, 10 * X + [0, moved_by, 0, 0])]))
        assert moved != kept
        assert show_the_same(kept, moved) is is_same
    assert not show_the_same(kept, draw(chart(lines=[Line("UP", X, 10 * X)])))
    assert not show_the_same(kept, draw(chart(lines=[Line("up", X[:3], 10 * X[:3]), line])))
    assert not show_the_same("", kept)


def test_titles_labels_and_ticks_are_written_out() -> None:
    svg = draw(
        chart(lines=[Line("up", X, 10 * X)], bands=[Band("wide", X, X, 20 * X)], marks=[Mark("here", 2, 20)])
    )
    found = texts(svg)
    assert {"a < b & c", "x", "y", "up", "wide", "here"} <= set(found)
    # Both axes begin at nothing, since nothing is under it, and go in round steps.
    assert [each for each in found if re.fullmatch(r"[\d.]+", each)] == [
        *("0", "20", "40", "60"),
        *("0", "1", "2", "3"),
    ]


@pytest.mark.parametrize("size", [1e-9, 0.003, 1.0, 7e4, 3e9])
@pytest.mark.parametrize("level", [0.0, 50.0, -4.0])
def test_scale_of_any_size_has_a_few_ticks_and_holds_all_points(size: float, level: float) -> None:
    y = size * (level + np.array([0.0, 1.0, 0.4, 0.7]))
    root = parsed(draw(chart(lines=[Line("", X, y)])))
    (path,) = (each for each in root.iter(f"{SVG}path"))
    points = re.findall(r"[ML]([\d.]+) ([\d.]+)", path.get("d", ""))
    assert len(points) == 4
    assert all(0 < float(a) < WIDTH and 0 < float(b) < HEIGHT for a, b in points)
    assert 4 <= len(list(root.iter(f"{SVG}line"))) <= 20


def test_higher_value_lies_higher_and_a_gap_breaks_the_line() -> None:
    root = parsed(draw(chart(lines=[Line("", X, np.array([1.0, 2.0, np.nan, 3.0]))])))
    (path,) = (each.get("d", "") for each in root.iter(f"{SVG}path"))
    assert re.sub(r"[\d. ]", "", path) == "MLM"
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", path)]
    assert heights == sorted(heights, reverse=True)


def test_heat_map_draws_each_cell_with_something_in_it_once_and_the_most_at_full_strength() -> None:
    values = np.array([[1.0, 2.0, 0.0], [np.nan, 8.0, 4.0]])
    svg = draw(chart(heats=[Heat("h", X, np.array([0.0, 1.0, 2.0]), values)]))
    paths = [each for each in parsed(svg).iter(f"{SVG}path") if each.get("fill-opacity")]
    cells = {float(each.get("fill-opacity", "")): each.get("d", "").count("M") for each in paths}
    assert cells == {0.12: 1, 0.25: 1, 0.5: 1, 1.0: 1}


def test_colours_follow_the_reader_and_need_nothing_from_elsewhere() -> None:
    svg = draw(chart(marks=[Mark("m", 1, 2)]))
    assert svg.count(".paper{fill:") == 2
    assert "prefers-color-scheme:dark" in svg
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("y", [np.full(4, np.nan), np.empty(0)])
def test_chart_of_nothing_is_refused(y: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected something finite"):
        draw(chart(lines=[Line("", X[: len(y)], y)]))


def test_heat_maps_of_one_chart_share_their_scale() -> None:
    edges = np.array([0.0, 1.0])
    weak, strong = (Heat(name, edges, edges + up, np.array([[up + 1.0]])) for up, name in enumerate("ab"))
    svg = draw(chart(heats=[weak, strong]))
    drawn = [each.get("fill-opacity") for each in parsed(svg).iter(f"{SVG}path")]
    assert drawn == ["0.50", "1.00"]


def test_panel_above_has_its_own_scale_the_same_x_and_no_point_within_the_chart() -> None:
    far = Panel("prices", [Line("price", X + 1, 1e4 * X)])
    svg = draw(chart(lines=[Line("rate", X, X)], above=far))
    assert {"x", "y", "prices", "rate", "price"} <= set(texts(svg))
    upper, lower = (
        re.findall(r"[ML]([\d.]+) ([\d.]+)", each.get("d", ""))
        for each in parsed(svg).iter(f"{SVG}path")
        if each.get("fill") == "none"
    )
    assert [x for x, _ in upper[:-1]] == [x for x, _ in lower[1:]]
    assert float(upper[-1][0]) < WIDTH
    assert max(float(y) for _, y in upper) < min(float(y) for _, y in lower)


def test_kept_charts_are_small() -> None:
    assert all(path.stat().st_size < 60_000 for path in FOLDER.glob("*.svg"))
