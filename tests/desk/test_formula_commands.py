"""`dualbrain tools` on formulas: shown, taken apart, listed."""

import gzip
import json
from pathlib import Path

import pytest

from tests.desk.command_line import dualbrain
from tools.formulas import catalogue
from tools.formulas.catalogue import published
from tools.formulas.operators import FIELDS, GROUPS, OPERATORS

AT = ("--symbol", "EURUSD", "--at", "2017-03-01T14:00")


def words_of(text: str) -> str:
    """Without the line breaks of the terminal."""
    return " ".join(text.split())


def test_show_tells_text_needs_and_source(tmp_path: Path) -> None:
    said = dualbrain(tmp_path, "tools", "show", "alpha191_015")
    assert said.code == 0
    assert said.out.splitlines()[0] == "alpha191_015 · Alpha191 of Guotai Junan · ratio"
    told = words_of(said.out)
    for text in (
        "formula open / delay(close, 1) - 1",
        "reads close, open",
        "bars 2 to the first value",
        "division_by_zero missing (or infinite)",
        "source Li Chen and Liu Fubing",
    ):
        assert text in told
    assert "compares" not in told
    assert "wrong" not in told


def test_show_tells_what_is_wrong_as_printed_and_which_reading_is_taken(tmp_path: Path) -> None:
    told = words_of(dualbrain(tmp_path, "tools", "show", "alpha101_096").out)
    assert "compares instruments on the same bar; needs at least five" in told
    assert "flat_correlation missing (or zero)" in told
    for name in ("printed", "wrong", "chosen", "why"):
        assert f" {name} " in told


def test_show_tells_how_long_an_average_remembers(tmp_path: Path) -> None:
    told = words_of(dualbrain(tmp_path, "tools", "show", "alpha191_009").out)
    assert "bars 8 to the first value, 22 until where they begin weighs under 1 %" in told


def test_explain_prints_the_tree_with_the_value_of_every_part(tmp_path: Path) -> None:
    said = dualbrain(tmp_path, "tools", "explain", "alpha101_101", *AT)
    assert said.code == 0
    assert said.out.splitlines() == [
        "alpha101_101 of EURUSD 1h, bar closed 2017-03-01 14:00 UTC, mixed",
        "-0.0440678  (close - open) / (high - low + 0.001)",
        "├── -0.00013  close - open",
        "│   ├── 1.05254  close",
        "│   └── 1.05267  open",
        "└── 0.00295  high - low + 0.001",
        "    └── 0.00195  high - low",
        "        ├── 1.05338  high",
        "        └── 1.05143  low",
    ]


def test_explain_says_yes_and_no_of_conditions(tmp_path: Path) -> None:
    out = dualbrain(tmp_path, "tools", "explain", "alpha191_003", *AT).out
    assert "├── no  close == delay(close, 1)" in out
    assert "no  close > delay(close, 1)" in out


def test_explain_as_json_holds_the_same_tree_and_agrees_with_call(tmp_path: Path) -> None:
    explained = json.loads(dualbrain(tmp_path, "tools", "explain", "alpha191_003", *AT, "--json").out)
    called = json.loads(dualbrain(tmp_path, "tools", "call", "alpha191_003", *AT, "--json").out)
    assert explained["formula"] == called["tool"] == "alpha191_003"
    assert (explained["value"], explained["as_of"]) == (called["value"], called["as_of"])
    assert (explained["reason"], explained["warnings"]) == (None, [])
    assert explained["parts"][0]["parts"][0]["text"] == "close == delay(close, 1)"
    assert explained["parts"][0]["parts"][0]["value"] == 0


def test_explain_says_why_the_tool_has_no_value(tmp_path: Path) -> None:
    lone = dualbrain(tmp_path, "tools", "explain", "alpha101_001", *AT)
    assert lone.code == 0
    assert lone.out.splitlines()[1] == "none: needs 5 instruments to compare, has 1"
    lacking = dualbrain(tmp_path, "tools", "explain", "alpha191_030", *AT)
    assert "none: needs factor_market and factor_size and factor_value" in lacking.out
    assert "missing  factor_size" in lacking.out
    told = json.loads(dualbrain(tmp_path, "tools", "explain", "alpha191_030", *AT, "--json").out)
    assert (told["value"], told["reason"][:5]) == (None, "needs")


def test_explain_warns_of_an_average_that_still_remembers_its_start(tmp_path: Path) -> None:
    early = ("--symbol", "EURUSD", "--at", "2017-01-02T16:00")
    found = json.loads(dualbrain(tmp_path, "tools", "explain", "alpha191_009", *early, "--json").out)
    assert found["value"] is not None
    assert "still counts for over 1 %" in found["warnings"][0]
    assert f"warning: {found['warnings'][0]}" in words_of(
        dualbrain(tmp_path, "tools", "explain", "alpha191_009", *early).out
    )


def test_explain_reads_the_interval_that_is_asked_for(tmp_path: Path) -> None:
    said = dualbrain(tmp_path, "tools", "explain", "alpha158_kmid", *AT, "--interval", "4h")
    assert said.out.startswith("alpha158_kmid of EURUSD 4h, bar closed 2017-03-01 14:00 UTC")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("alpha158_kmidd", *AT), "did you mean alpha158_kmid?"),
        (("rsi", *AT), "expected the name of a formula, found 'rsi'"),
        (("alpha158_kmid", "--symbol", "EURUSD", "--at", "2016-01-01"), "the feed begins later"),
        (("alpha158_kmid", "--symbol", "NOSUCH"), "NOSUCH"),
        (("alpha158_kmid", "--symbol", "EURUSD", "--at", "soon"), "expected --at"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    said = dualbrain(tmp_path, "tools", "explain", *arguments)
    assert said.code == 2
    assert says in said.error


def test_a_formula_of_the_users_catalogue_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tools import registry

    registry.all_tools()
    table = dict(catalogue.published())
    monkeypatch.setattr(catalogue, "_known", lambda: table)
    monkeypatch.setattr(registry, "_TOOLS", dict(registry._TOOLS))
    (tmp_path / "mine.toml").write_text(
        'set = "mine"\ntitle = "t"\nsource = "s"\nunit = "ratio"\n[formulas]\nmine_gap = "open / close - 1"\n'
    )
    (tmp_path / "dualbrain.toml").write_text('catalogues = ["mine.toml"]\n')
    said = dualbrain(tmp_path, "tools", "explain", "mine_gap", *AT)
    assert "0.000123511  open / close - 1" in said.out


def test_a_catalogue_that_takes_the_name_of_a_tool_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = dict(catalogue.published())
    monkeypatch.setattr(catalogue, "_known", lambda: table)
    (tmp_path / "mine.toml").write_text(
        'set = "pivot"\ntitle = "t"\nsource = "s"\nunit = "ratio"\n[formulas]\npivot_high = "open / close"\n'
    )
    (tmp_path / "dualbrain.toml").write_text('catalogues = ["mine.toml"]\n')
    said = dualbrain(tmp_path, "tools", "explain", "pivot_high", *AT)
    assert said.code == 2
    assert "found 'pivot_high'; rename the set" in said.error


PAIRS = ("NZDUSD", "GBPUSD", "AUDUSD", "USDCAD", "USDCHF")


def write_feed(folder: Path) -> None:
    """Five pairs at noon; the n-th closes n pips over its open, on the last hour n pips under it."""
    described = ["[feed]", "samples = []"]
    for n, pair in enumerate(PAIRS, start=1):
        closes = [1 + n / 10_000] * 9 + [1 - n / 10_000]
        rows = [f"2017-01-04 {hour:02}:00,1,1.1,0.9,{close}" for hour, close in enumerate(closes, start=8)]
        path = folder / f"{pair}.csv.gz"
        path.write_bytes(gzip.compress("\n".join(["time,open,high,low,close", *rows]).encode()))
        described += [
            "[[feed.files]]",
            f"path = '{path.as_posix()}'",
            f"instrument = '{pair}'",
            "timeframe = '1h'",
            "side = 'mid'",
            "time_format = '%Y-%m-%d %H:%M'",
            "columns = {time = 'time', open = 'open', high = 'high', low = 'low', close = 'close'}",
        ]
    (folder / "dualbrain.toml").write_text("\n".join(described), encoding="utf-8")


@pytest.mark.parametrize(
    ("at", "ranks"), [("2017-01-04T17:00", [1, 2, 3, 4, 5]), ("2017-01-04T18:00", [5, 4, 3, 2, 1])]
)
def test_explain_compares_with_the_rest_of_the_feed_at_that_moment(
    tmp_path: Path, at: str, ranks: list[int]
) -> None:
    write_feed(tmp_path)
    assert published()["alpha101_033"].text == "rank(-((1 - open / close) ^ 1))"
    asked = [("tools", "explain", "alpha101_033", "--symbol", pair, "--at", at, "--json") for pair in PAIRS]
    found = [json.loads(dualbrain(tmp_path, *arguments).out) for arguments in asked]
    # -(1 - open / close) is open / close - 1: the further the close is over the open, the lower the rank.
    assert [one["value"] for one in found] == pytest.approx([(6 - rank) / 5 for rank in ranks])
    assert [one["reason"] for one in found] == [None] * 5


def test_words_lists_every_word_and_field(tmp_path: Path) -> None:
    listed = json.loads(dualbrain(tmp_path, "tools", "words", "--json").out)
    assert len(listed) == len(OPERATORS) + len(FIELDS) + len(GROUPS)
    meanings = {row["word"]: row["meaning"] for row in listed}
    assert meanings["x > y"] == "x > y"
    assert meanings["c ? x : y"].startswith("c ? x : y; only the chosen one")
    assert {"-x", "!c", "c && c", "ts_corr(x, y, d)", "sma(x, d, q)", "neutralize(x, g)"} <= set(meanings)
    out = dualbrain(tmp_path, "tools", "words").out
    assert all(row["word"] in out for row in listed)


def test_ls_lists_a_set_and_folds_it_otherwise(tmp_path: Path) -> None:
    whole = dualbrain(tmp_path, "tools", "ls", "--group", "alpha101").out
    assert whole.count("alpha101_") >= 101
    assert "alpha191_" not in whole
    folded = dualbrain(tmp_path, "tools", "ls").out
    assert "alpha360_..." in folded
    assert "360 formulas; list them with --group alpha360" in words_of(folded)
    assert "alpha360_close5" not in folded
    rows = json.loads(dualbrain(tmp_path, "tools", "ls", "--group", "alpha158", "--json").out)
    assert len(rows) == 158
    assert rows[0]["summary"] == published()[rows[0]["name"]].text


def test_a_formula_that_does_not_parse_is_drawn_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'set = "mine"\ntitle = "Mine"\nsource = "Myself"\nunit = "ratio"\n[formulas]\nmine_a = "rank(close"\n'
    )
    (tmp_path / "dualbrain.toml").write_text('catalogues = ["mine.toml"]\n')
    said = dualbrain(tmp_path, "tools", "show", "mine_a")
    assert said.code == 2
    first, *drawn = said.err.splitlines()
    assert "column 11" in first
    assert drawn == ["rank(close", " " * 10 + "^"]


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("2017-03-01T14:00", ""),
        ("2017-03-04T12:00", "note: no bar after 2017-03-03 22:00 UTC had closed by 2017-03-04 12:00 UTC\n"),
        ("2030-01-01", "note: no bar after 2017-12-29 22:00 UTC had closed by 2030-01-01 00:00 UTC\n"),
    ],
)
def test_an_old_newest_bar_is_said_beside_the_answer(tmp_path: Path, at: str, says: str) -> None:
    said = dualbrain(tmp_path, "tools", "call", "alpha158_kmid", "--symbol", "EURUSD", "--at", at, "--json")
    assert said.code == 0
    assert said.err == says
    assert json.loads(said.out)["tool"] == "alpha158_kmid"
