"""Putting a question to a person: what is shown, what counts as an answer."""

import asyncio
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from rich.console import Console

from contracts.market import Side
from contracts.records import ApprovalRequest
from desk.commands.person import Person, parse_quantity, question_facts, reward_multiple
from desk.commands.stop import StopRequest
from markets.instruments import INSTRUMENTS

if TYPE_CHECKING:
    from graphs.session import Session

CYCLE = "c" * 64
AT = datetime(2017, 3, 1, 14, tzinfo=UTC)


def a_request(**changed: object) -> ApprovalRequest:
    fields: dict[str, object] = {
        "cycle_id": CYCLE,
        "as_of": AT,
        "parents": (),
        "round": 0,
        "instrument_id": "EURUSD",
        "purpose": "entry",
        "side": Side.BUY,
        "quantity": 238_095.0,
        "entry": 1.0542,
        "stop": 1.05,
        "target": 1.0605,
        "risk_amount": 999.999,
        "risk_pct": 1.0,
        "currency": "USD",
        "asked_at": AT,
        "expires_at": AT.replace(minute=15),
    }
    return ApprovalRequest.model_validate(fields | changed)


class ScriptedConsole(Console):
    """Answers prompts from a list; an exception in it is raised, an empty list is the end of input."""

    def __init__(self, *answers: str | type[BaseException]) -> None:
        super().__init__(file=io.StringIO(), width=100, markup=False, highlight=False)
        self._answers = list(answers)

    def input(self, prompt: Any = "", **_: Any) -> str:
        self.print(prompt)
        if not self._answers:
            raise EOFError
        said = self._answers.pop(0)
        if isinstance(said, str):
            return said
        raise said

    @property
    def shown(self) -> str:
        return cast("io.StringIO", self.file).getvalue()


class QuestionDesk:
    """What a person needs of a session: what waits, what others said, and where answers go."""

    def __init__(self, *requests: ApprovalRequest) -> None:
        state = {"snapshot": SimpleNamespace(instrument=INSTRUMENTS["EURUSD"])}
        self.pending = {r.cycle_id: SimpleNamespace(request=r, state=state) for r in requests}
        self.answers: list[dict[str, object]] = []
        self.answered_elsewhere: list[str] = []

    async def hear_answers(self) -> None:
        for cycle_id in self.answered_elsewhere:
            self.pending.pop(cycle_id, None)

    async def answer(self, cycle_id: str, request_id: str, **said: object) -> None:
        assert self.pending.pop(cycle_id).request.record_id == request_id
        self.answers.append(said)


@pytest.fixture
def stop() -> Iterator[StopRequest]:
    with StopRequest() as request:
        yield request


def ask(console: Console, stop: StopRequest, desk: QuestionDesk) -> list[dict[str, object]]:
    asyncio.run(Person(console, stop).answer_all(cast("Session", desk)))
    return desk.answers


def test_a_question_shows_side_size_prices_risk_and_multiple() -> None:
    text = "\n".join(f"{name} {said}" for name, said in question_facts(a_request(), INSTRUMENTS["EURUSD"]))
    assert "BUY 238,095 (2.381 lots) EURUSD" in text
    assert "1.05420, stop 1.05000, target 1.06050" in text
    assert "1,000.00 USD, 1.00 % of equity, target pays 1.50 R" in text
    assert "2017-03-01 14:15 UTC" in text


def test_an_exit_shows_no_risk_and_no_stop() -> None:
    request = a_request(purpose="exit", stop=None, target=None, risk_amount=0.0, risk_pct=0.0)
    shown = dict(question_facts(request, INSTRUMENTS["EURUSD"]))
    assert "at risk" not in shown
    assert "stop none" in shown["at"]
    assert reward_multiple(request) is None


def test_yes_grants_the_whole_quantity_in_the_users_name(stop: StopRequest, monkeypatch: Any) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    (said,) = ask(ScriptedConsole("y"), stop, QuestionDesk(a_request()))
    assert said["is_granted"] is True
    assert said["quantity"] == 238_095.0
    assert said["by"] == "ada"


def test_an_answer_from_elsewhere_that_came_first_counts_and_the_person_is_told(stop: StopRequest) -> None:
    console, desk = ScriptedConsole("y"), QuestionDesk(a_request())
    desk.answered_elsewhere = [CYCLE]
    assert ask(console, stop, desk) == []
    assert "answered from elsewhere before; that answer counts" in console.shown


def test_no_is_a_refusal_with_the_reason_given(stop: StopRequest) -> None:
    (said,) = ask(ScriptedConsole("n", "news at three"), stop, QuestionDesk(a_request()))
    assert said["is_granted"] is False
    assert said["reason"] == "news at three"


def test_a_smaller_quantity_is_granted_and_a_larger_one_is_asked_again(stop: StopRequest) -> None:
    console = ScriptedConsole("238,096", "-5", "nan", "1e999", "maybe", "", "100,000")
    (said,) = ask(console, stop, QuestionDesk(a_request()))
    assert said["quantity"] == 100_000.0
    for typed in ("-5", "nan", "1e999", "maybe", ""):
        assert f"expected y, n or a quantity up to 238,095, found {typed!r}" in console.shown
    assert "expected a quantity over 0 and up to 238095, found 238096; it may only shrink" in console.shown


def test_a_quantity_that_rounds_down_to_nothing_is_asked_again(stop: StopRequest) -> None:
    console = ScriptedConsole("0.4", "1.5")
    (said,) = ask(console, stop, QuestionDesk(a_request()))
    assert said["quantity"] == 1.5
    assert "expected at least 1 of EURUSD, found 0.4" in console.shown


def test_the_end_of_input_leaves_the_question_open_and_asks_the_next(stop: StopRequest) -> None:
    desk = QuestionDesk(a_request(), a_request(cycle_id="d" * 64))
    assert ask(ScriptedConsole(EOFError, "y"), stop, desk) == [
        {"is_granted": True, "by": desk_user(), "reason": "approved at the terminal", "quantity": 238_095.0}
    ]
    assert list(desk.pending) == [CYCLE]


def test_an_interrupt_at_the_prompt_leaves_everything_open(stop: StopRequest) -> None:
    class Interrupted(ScriptedConsole):
        def input(self, prompt: Any = "", **_: Any) -> str:
            stop.requested_by = "SIGINT"
            raise KeyboardInterrupt

    desk = QuestionDesk(a_request(), a_request(cycle_id="d" * 64))
    assert ask(Interrupted(), stop, desk) == []
    assert len(desk.pending) == 2


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), (" 1,000.5 ", 1000.5), ("0", None), ("inf", None), ("snan", None), ("", None), ("x", None)],
)
def test_only_a_positive_finite_quantity_counts(text: str, value: float | None) -> None:
    assert parse_quantity(text) == value


def desk_user() -> str:
    import getpass

    return getpass.getuser()
