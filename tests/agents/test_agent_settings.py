"""One field of a seat may be set alone, what nobody can mean is refused, and the record is exact."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from agents.settings import DEFAULT_SEATS, BrainSettings, PanelSettings, SeatSettings
from contracts.errors import SettingsError
from desk.settings import load_settings, sources
from graphs.desk import CycleSettings

KIMI = DEFAULT_SEATS["kimi"]
OWN = {"provider": "ollama", "model": "qwen3:8b", "prompt": "seat_kimi"}


def set_in_toml(where: Path, _: pytest.MonkeyPatch) -> dict[str, object]:
    (where / "dualbrain.toml").write_text('[seats.kimi]\nmodel = "kimi-k3"\n')
    return {}


def set_in_env_file(where: Path, _: pytest.MonkeyPatch) -> dict[str, object]:
    (where / ".env").write_text("DUALBRAIN_SEATS__KIMI__MODEL=kimi-k3\n")
    return {}


def set_in_environment(_: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.setenv("DUALBRAIN_SEATS__KIMI__MODEL", "kimi-k3")
    return {}


def set_on_the_command_line(_: Path, __: pytest.MonkeyPatch) -> dict[str, object]:
    return {"seats.kimi.model": "kimi-k3"}


@pytest.mark.parametrize(
    "setter", [set_in_toml, set_in_env_file, set_in_environment, set_on_the_command_line]
)
def test_one_field_of_a_seat_is_set_alone(
    setter: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(setter)
    overrides = setter(tmp_path, monkeypatch)
    assert len(sources(overrides, tmp_path)) == 1
    seats = load_settings(overrides, where=tmp_path).seats
    assert seats == {**DEFAULT_SEATS, "kimi": KIMI.model_copy(update={"model": "kimi-k3"})}


def test_fields_of_one_seat_come_from_several_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dualbrain.toml").write_text('[seats.kimi]\nmodel = "kimi-k3"\ntemperature = 0.7\n')
    monkeypatch.setenv("DUALBRAIN_SEATS__KIMI__MAX_TOKENS", "900")
    found = load_settings({"seats.kimi.temperature": 0.3}, where=tmp_path).seats["kimi"]
    assert found == KIMI.model_copy(update={"model": "kimi-k3", "temperature": 0.3, "max_tokens": 900})


def test_a_seat_of_ones_own_needs_all_that_has_no_default(tmp_path: Path) -> None:
    (tmp_path / "dualbrain.toml").write_text(
        '[panel]\nseats = ["kimi", "local"]\n\n'
        '[seats.local]\nprovider = "ollama"\nmodel = "qwen3:8b"\nprompt = "seat_kimi"\n'
    )
    settings = load_settings(where=tmp_path)
    assert settings.panel.seats == ("kimi", "local")
    assert settings.seats["local"] == SeatSettings.model_validate(OWN)
    assert set(settings.seats) == {*DEFAULT_SEATS, "local"}
    with pytest.raises(SettingsError, match=r"seats\.other\.(model|prompt)"):
        load_settings({"seats.other.provider": "ollama"}, where=tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"panel.seats": ["kimi", "nobody"]}, r"panel\.seats: expected seats among .*kimi.*\['nobody'\]"),
        ({"panel.seats": ["kimi", "kimi"]}, "expected at least one seat and each once"),
        ({"panel.seats": []}, "expected at least one seat and each once"),
        ({"panel.deadline_s": 0}, r"panel\.deadline_s"),
        ({"panel.quorum": 2}, r"panel\.quorum: expected a known setting"),
        ({"seats.kimi.modle": "kimi-k3"}, r"seats\.kimi\.modle: expected a known setting"),
        ({"seats.kimi.temperature": 2.1}, r"seats\.kimi\.temperature"),
        ({"seats.kimi.max_tokens": 100}, r"seats\.kimi\.max_tokens"),
        ({"seats.kimi.answer_as": "prose"}, r"seats\.kimi\.answer_as"),
        ({"seats.kimi": "kimi-k3"}, r"seats\.kimi"),
        ({"seats": "kimi"}, "seats"),
        ({"budget.usd_per_day": -1}, r"budget\.usd_per_day"),
        ({"budget.usd_per_day": "nan"}, r"budget\.usd_per_day"),
        ({"budget.usd_per_day_of": {"moonshot": "much"}}, r"budget\.usd_per_day_of\.moonshot"),
        ({"budget.unpriced": "allow"}, r"budget\.unpriced"),
        ({"budget.usd_a_day": 1}, r"budget\.usd_a_day: expected a known setting"),
    ],
)
def test_what_nobody_can_mean_stops_the_start(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_settings(changes, where=tmp_path)


@pytest.mark.parametrize(
    "base_url",
    [
        "http://127.0.0.1:8080/v1",
        "https://api.example/v1/",
        "http://gpu-box:8000",
        "https://[::1]:8443/v1",
    ],
)
def test_an_address_is_taken_as_it_is(base_url: str) -> None:
    assert SeatSettings.model_validate(OWN | {"base_url": base_url}).base_url == base_url
    assert BrainSettings(base_url=base_url).base_url == base_url


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "127.0.0.1:8080",
        "ftp://models.example/v1",
        "https://",
        "https:" + "//user:sk-secret@models.example/v1",
        "https://models.example/v1?key=sk-secret",
        "https://models.example/v1#part",
        "https://models.example /v1",
    ],
)
def test_an_address_that_is_none_or_carries_a_key_is_refused(base_url: str) -> None:
    with pytest.raises(ValidationError, match="base_url"):
        SeatSettings.model_validate(OWN | {"base_url": base_url})
    with pytest.raises(ValidationError, match="base_url"):
        BrainSettings(base_url=base_url)


ORDER = ("minimax", "local", "kimi", "deepseek")


def cycle_settings(seats: dict[str, object]) -> CycleSettings:
    return CycleSettings.model_validate({"panel": {"seats": ORDER}, "seats": seats})


def test_settings_read_back_from_the_record_are_the_same_seats_in_the_same_order() -> None:
    settings = cycle_settings({"local": OWN, "kimi": {"model": "kimi-k3"}})
    again = CycleSettings.from_canonical(settings.canonical)
    assert again == settings
    assert again.record_id == settings.record_id
    assert again.panel.seats == ORDER
    assert again.seats["kimi"].model == "kimi-k3"


def test_the_hash_of_settings_tells_the_order_of_the_panel_and_not_that_of_the_seats() -> None:
    first = cycle_settings({"own": OWN, "local": OWN})
    second = cycle_settings({"local": OWN, "own": OWN})
    assert list(first.seats) != list(second.seats)
    assert first.record_id == second.record_id
    turned = first.model_copy(update={"panel": PanelSettings(seats=tuple(reversed(ORDER)))})
    assert turned.record_id != first.record_id


def test_every_field_of_a_seat_is_on_record() -> None:
    stored = json.loads(cycle_settings({"local": OWN}).canonical)["seats"]
    assert set(stored) == {*DEFAULT_SEATS, "local"}
    assert all(set(seat) == set(SeatSettings.model_fields) for seat in stored.values())


def test_money_of_a_budget_has_one_spelling_on_record() -> None:
    spelt = [CycleSettings.model_validate({"budget": {"usd_per_day": each}}) for each in ("0.50", 0.5, "0.5")]
    assert len({settings.record_id for settings in spelt}) == 1
