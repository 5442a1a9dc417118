"""Every command on one desk that has really traded three weeks of bundled hours."""

import json
import shutil
from pathlib import Path

import pytest

from tests.desk.command_line import FEW_DAYS, Said, dualbrain

DESK = ("--desk", "weeks")


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Said]:
    home = tmp_path_factory.mktemp("home")
    return home, dualbrain(home, "run", *FEW_DAYS, *DESK, "--autonomous", "--json")


@pytest.fixture
def home(traded: tuple[Path, Said], tmp_path: Path) -> Path:
    copy = tmp_path / "home"
    shutil.copytree(traded[0], copy)
    return copy


def cycles(home: Path, *more: str) -> list[dict[str, object]]:
    said = dualbrain(home, "audit", "ls", *DESK, "--json", *more)
    assert said.code == 0
    found: list[dict[str, object]] = json.loads(said.out)
    return found


def a_traded_cycle(home: Path) -> str:
    return str(cycles(home, "--ended-at", "outcome", "--limit", "1")[0]["cycle_id"])


def test_run_prints_its_summary_as_json_and_exports_the_same(traded: tuple[Path, Said]) -> None:
    _, said = traded
    assert said.code == 0
    summary = json.loads(said.out)
    assert summary["is_paper"] is True
    assert summary["why_ended"] == "the feed ended"
    assert summary["n_cycles"] > 300
    assert summary["performance"]["n_closed"] > 0
    exported = json.loads(Path(summary["summary_file"]).read_text(encoding="utf-8"))
    assert exported.items() <= summary.items()


def test_run_shows_desk_account_and_paper_on_stderr(traded: tuple[Path, Said]) -> None:
    assert "PAPER · desk weeks · account paper-weeks" in traded[1].err


def test_running_again_decides_nothing_twice(home: Path) -> None:
    said = dualbrain(home, "run", *FEW_DAYS, *DESK, "--json")
    summary = json.loads(said.out)
    assert (said.code, summary["n_cycles"], summary["n_orders"]) == (0, 0, 0)
    assert summary["n_already_done"] > 300


def test_run_once_decides_one_closing_moment(tmp_path: Path) -> None:
    said = dualbrain(tmp_path, "run", *FEW_DAYS, "--once", "--desk", "one", "--json")
    assert json.loads(said.out)["n_cycles"] == 1
    assert len(json.loads(dualbrain(tmp_path, "audit", "ls", "--desk", "one", "--json").out)) == 1


def test_asking_without_a_terminal_lets_questions_expire_and_sends_nothing(tmp_path: Path) -> None:
    said = dualbrain(tmp_path, "run", "--from", "2017-03-01", "--to", "2017-03-08", "--ask", "--json")
    summary = json.loads(said.out)
    assert said.code == 0
    assert "nobody is at a terminal" in " ".join(said.err.split())
    assert summary["n_orders"] == 0
    assert any(count["what"].startswith("approval") for count in summary["stood_aside"])


def test_the_summary_for_people_names_what_happened_and_what_to_try_next(home: Path) -> None:
    out = dualbrain(home, "run", *FEW_DAYS, *DESK).out
    for words in ("PAPER", "cycles", "journal", "dualbrain replay", "dualbrain audit verify --desk weeks"):
        assert words in out


def test_ls_is_newest_first_and_keeps_to_its_limit(home: Path) -> None:
    found = cycles(home, "--limit", "5")
    moments = [str(cycle["as_of"]) for cycle in found]
    assert len(found) == 5
    assert moments == sorted(moments, reverse=True)


def test_ls_filters_by_the_stage_a_cycle_came_to(home: Path) -> None:
    gates = cycles(home, "--ended-at", "gate", "--limit", "400")
    assert {cycle["came_to"] for cycle in gates} == {"gate"}
    assert len(gates) > 50


def test_show_tells_a_trade_in_the_order_of_the_path(home: Path) -> None:
    said = dualbrain(home, "audit", "show", a_traded_cycle(home)[:12], *DESK)
    before_the_guard = ["desk", "market", "numbers", "gate", "proposal", "decision", "portfolio"]
    after_it = ["question", "answer", "second look", "intent", "order", "fill", "outcome"]
    order = [*before_the_guard, "risk guard", *after_it]
    places = [said.out.index(f"\n{heading} ") for heading in order]
    assert places == sorted(places)
    assert "risk per trade" in said.out.replace("_", " ")
    assert "EURUSD 1h, decided on the bar that closed 2017-03-" in said.out


def test_every_cycle_can_be_shown(home: Path) -> None:
    for cycle in cycles(home, "--limit", "40"):
        assert dualbrain(home, "audit", "show", str(cycle["cycle_id"]), *DESK).code == 0


def test_show_as_json_is_the_records_themselves(home: Path) -> None:
    told = json.loads(dualbrain(home, "audit", "show", a_traded_cycle(home), *DESK, "--json").out)
    assert told[0]["kind"] == "DeskState"
    assert {"OrderIntent", "Fill", "Outcome"} <= {row["kind"] for row in told}


def test_verify_is_sound_and_then_names_a_changed_blob(home: Path) -> None:
    assert dualbrain(home, "audit", "verify", *DESK).code == 0
    blob = next(path for path in (home / "weeks" / "blobs").rglob("*") if path.is_file())
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.write_bytes(data)
    said = dualbrain(home, "audit", "verify", *DESK)
    assert said.code == 1
    assert blob.name[:12] in said.out
    assert "NOT sound" in said.out


def test_verify_finds_a_flipped_byte_in_the_journal(home: Path) -> None:
    path = home / "weeks" / "journal.db"
    data = path.read_bytes()
    place = data.index(b'"is_paper":true') + len(b'"is_paper":tru')
    path.write_bytes(data[:place] + b"f" + data[place + 1 :])
    assert dualbrain(home, "audit", "verify", *DESK, "--json").code == 1


def test_export_writes_every_row_and_the_head(home: Path) -> None:
    file = home / "copy.jsonl"
    said = dualbrain(home, "audit", "export", str(file), *DESK)
    lines = file.read_text(encoding="utf-8").splitlines()
    assert said.code == 0
    assert json.loads(lines[-1])["anchor"]["count"] == len(lines) - 1


def test_replay_of_a_trade_is_identical(home: Path) -> None:
    said = dualbrain(home, "replay", a_traded_cycle(home)[:10], *DESK, "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out)["verdict"] == "identical"


@pytest.mark.slow
def test_replay_of_all_is_identical(home: Path) -> None:
    said = dualbrain(home, "replay", "--all", *DESK, "--json")
    counted = json.loads(said.out)
    assert (said.code, counted["verdicts"]["drifted"]) == (0, 0)
    assert counted["n_cycles"] > 300


def test_half_the_risk_would_have_halved_the_quantity_and_exits_0(home: Path) -> None:
    change = ("--set", "limits.risk_per_trade_pct=0.5")
    said = dualbrain(home, "replay", a_traded_cycle(home), *DESK, *change, "--json")
    told = json.loads(said.out)
    (was, now), *_ = [
        (float(d["was"]), float(d["now"]))
        for d in told["differences"]
        if (d["stage"], d["path"]) == ("guard", "quantity")
    ]
    assert said.code == 0
    assert now == pytest.approx(was / 2, abs=1.0)
    assert "would have differed" in dualbrain(home, "replay", a_traded_cycle(home), *DESK, *change).out


@pytest.mark.slow
def test_a_counterfactual_over_all_cycles_counts_the_trades_it_would_have_sized_otherwise(home: Path) -> None:
    said = dualbrain(home, "replay", "--all", *DESK, "--set", "limits.risk_per_trade_pct=0.5")
    assert said.code == 0
    assert "cycles would have differed" in said.out
    assert "propose" in said.out


def test_replay_leaves_the_journal_as_it_was(home: Path) -> None:
    before = (home / "weeks" / "journal.db").read_bytes()
    dualbrain(home, "replay", a_traded_cycle(home), *DESK)
    assert (home / "weeks" / "journal.db").read_bytes() == before


def test_halt_stops_the_next_decisions_and_resume_lets_them_go_on(home: Path) -> None:
    said = dualbrain(home, "halt", "--reason", "news at three", *DESK)
    assert (said.code, "news at three" in said.out, "PAPER" in said.err) == (0, True, True)
    halted = json.loads(dualbrain(home, "run", "--once", *DESK, "--json").out)
    assert halted["stood_aside"][0]["what"].startswith("desk_state")
    # The record outlives this machine, and a model is told of it.
    (ended,) = [
        each["ended"]
        for each in json.loads(dualbrain(home, "audit", "ls", *DESK, "--limit", "1", "--json").out)
    ]
    assert "news at three (`dualbrain resume`, or removing the file HALT, ends it)" in ended
    assert str(home) not in ended
    assert "runs again" in dualbrain(home, "resume", *DESK).out
    assert "was not halted" in dualbrain(home, "resume", *DESK).out
    running = json.loads(dualbrain(home, "run", "--once", *DESK, "--json").out)
    assert not any(count["what"].startswith("desk_state") for count in running["stood_aside"])


def test_reset_kelly_is_in_the_desks_time_and_makes_the_next_start_forget(home: Path) -> None:
    said = dualbrain(home, "reset-kelly", "forex", "--by", "Ada", "--reason", "new stops", *DESK)
    assert said.code == 0
    assert "2017-03-2" in said.out
    assert dualbrain(home, "audit", "verify", *DESK).code == 0
    dualbrain(home, "run", "--once", *DESK)
    newest = str(cycles(home, "--limit", "1")[0]["cycle_id"])
    told = json.loads(dualbrain(home, "audit", "show", newest, *DESK, "--json").out)
    assert told[0]["record"]["stats"]["n_closed"] == 0


def test_tools_ls_show_and_call(home: Path) -> None:
    assert "rsi" in dualbrain(home, "tools", "ls").out
    names = {row["group"] for row in json.loads(dualbrain(home, "tools", "ls", "--json").out)}
    assert len(names) > 1
    assert "Wilder" in dualbrain(home, "tools", "show", "rsi").out
    call = ("tools", "call", "rsi", "--symbol", "EURUSD", "--at", "2017-03-15T12:30", "--json")
    value = json.loads(dualbrain(home, *call).out)
    assert (value["as_of"], value["parameters"], value["n_obs"]) == (
        "2017-03-15T12:00:00+00:00",
        {"period": 14},
        600,
    )
    other = json.loads(dualbrain(home, *call, "--arg", "period=20").out)
    assert other["value"] != value["value"]


def test_a_tool_call_gives_the_number_the_cycle_saw(home: Path) -> None:
    cycle = cycles(home, "--limit", "1")[0]
    told = json.loads(dualbrain(home, "audit", "show", str(cycle["cycle_id"]), *DESK, "--json").out)
    report = next(row["record"] for row in told if row["kind"] == "FormulaReport")
    seen = next(row["value"] for row in report["evidence"] if row["evidence_id"] == "rsi")
    call = ("tools", "call", "rsi", "--symbol", "EURUSD", "--at", str(cycle["as_of"]), "--json")
    assert json.loads(dualbrain(home, *call).out)["value"] == pytest.approx(seen, rel=1e-11)


def test_doctor_names_every_setting_and_where_it_came_from(home: Path) -> None:
    (home / "dualbrain.toml").write_text("[limits]\nmax_daily_loss_pct = 2\n", encoding="utf-8")
    told = json.loads(dualbrain(home, "doctor", *DESK, "--json").out)
    by_name = {row["name"]: row for row in told["settings"]}
    assert by_name["limits.max_daily_loss_pct"]["from"].endswith("dualbrain.toml")
    assert by_name["limits.max_daily_loss_pct"]["value"] == 2.0
    assert by_name["desk"]["from"] == "command line"
    assert by_name["mode"]["from"] == "default"
    assert told["missing"] == []
    assert "rows" in told["journal"]
    assert told["kill switch"] == "off"


def test_doctor_speaks_although_the_settings_are_refused(home: Path) -> None:
    (home / "dualbrain.toml").write_text("[limits]\nmax_dayly_loss_pct = 2\n", encoding="utf-8")
    said = dualbrain(home, "doctor")
    assert said.code == 2
    assert "max_dayly_loss_pct" in said.out
    assert "python" in said.out


def test_doctor_says_that_a_home_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder", encoding="utf-8")
    told = json.loads(dualbrain(tmp_path, "doctor", "--json", home=file).out)
    assert any(str(file) in sentence for sentence in told["missing"])
