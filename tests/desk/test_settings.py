"""A setting that is written and not read is worse than a start that fails."""

from pathlib import Path

import pytest

from contracts.errors import DualbrainError, SettingsError
from desk.settings import in_force, load_settings, sources, validate
from desk.wiring import open_desk


def test_environment_beats_the_file_and_the_command_line_beats_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dualbrain.toml").write_text("[limits]\nmax_daily_loss_pct = 1\nmax_drawdown_pct = 5\n")
    (tmp_path / ".env").write_text("DUALBRAIN_LIMITS__MAX_DRAWDOWN_PCT=6\nUNRELATED=1\n")
    monkeypatch.setenv("DUALBRAIN_LIMITS__MAX_DAILY_LOSS_PCT", "2")
    found = sources({"limits.risk_per_trade_pct": 0.5}, tmp_path)
    settings = load_settings({"limits.risk_per_trade_pct": 0.5}, where=tmp_path)
    limits = settings.limits
    assert (limits.max_daily_loss_pct, limits.max_drawdown_pct, limits.risk_per_trade_pct) == (2, 6, 0.5)
    told = {row.name: row.source for row in in_force(settings, found)}
    assert told["limits.max_daily_loss_pct"] == "environment"
    assert told["limits.max_drawdown_pct"].endswith(".env")
    assert told["limits.risk_per_trade_pct"] == "command line"
    assert told["limits.stop_atr_multiple"] == "default"


def test_a_list_in_the_environment_is_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALBRAIN_FEED__SAMPLES", '["spx-daily"]')
    assert load_settings(where=tmp_path).feed.samples == ("spx-daily",)
    monkeypatch.setenv("DUALBRAIN_FEED__SAMPLES", '["spx-daily"')
    with pytest.raises(SettingsError, match="expected JSON in DUALBRAIN_FEED__SAMPLES"):
        load_settings(where=tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("dualbrain_limits__max_daily_loss_pct", "1", "in capitals"),
        ("DUALBRAIN_LIMITZ__MAX_DAILY_LOSS_PCT", "1", "known setting"),
        ("DUALBRAIN_LIMITS__MAX_DAILY_LOS_PCT", "1", "unknown name"),
        ("DUALBRAIN_LIMITS__MAX_DAILY_LOSS_PCT", "much", "limits.max_daily_loss_pct"),
        ("DUALBRAIN_DESK", "../elsewhere", "desk"),
    ],
)
def test_a_name_or_value_that_cannot_be_used_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=said):
        load_settings(where=tmp_path)


@pytest.mark.parametrize("balance", [0, -1, "1e30", "nan"])
def test_a_balance_that_no_account_can_have_is_refused(balance: object) -> None:
    with pytest.raises(SettingsError, match="starting_balance"):
        validate({"account": {"starting_balance": balance}})


def test_a_section_given_as_a_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="limits"):
        load_settings({"limits": 3, "limits.max_daily_loss_pct": 2}, where=tmp_path)


def test_a_profile_without_a_file_stops_the_start_before_any_cycle(tmp_path: Path) -> None:
    settings = load_settings({"desk": "p", "profile": "nonesuch"}, where=tmp_path)
    with pytest.raises(DualbrainError, match="nonesuch"), open_desk(settings, command="test", home=tmp_path):
        pass
    with open_desk(load_settings({"desk": "p"}, where=tmp_path), command="test", home=tmp_path) as runner:
        assert {row.kind for row in runner.journal.rows()} == {"Environment", "SessionStarted"}
