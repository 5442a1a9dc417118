"""Every rule of the count, as a table."""

from datetime import UTC, datetime

import pytest

from agents.consensus import ConsensusSettings, decide, decide_technical, needs_panel
from contracts.market import Side
from contracts.records import Ballot, KellyBound, TradeProposal

CYCLE = "ab" * 32
AS_OF = datetime(2017, 3, 1, 12, tzinfo=UTC)
LETTERS = {"A": "APPROVE", "r": "REDUCE", "X": "REJECT", "h": "HOLD", "-": "ABSTAIN"}


def _proposal() -> TradeProposal:
    return TradeProposal(
        cycle_id=CYCLE,
        as_of=AS_OF,
        parents=(),
        instrument_id="EURUSD",
        purpose="entry",
        side=Side.BUY,
        entry=1.05,
        stop=1.04,
        target=1.07,
        quantity=10_000,
        risk_amount=100,
        risk_pct=0.1,
        notional=10_500,
        conversion_rate=1,
        currency="USD",
        kelly=KellyBound(fraction=None, note="0 of 30 closed trades"),
        reasons=(),
    )


def _ballots(letters: str, confidence: float | None = 0.9) -> list[Ballot]:
    return [
        Ballot.model_validate(
            {
                "cycle_id": CYCLE,
                "as_of": AS_OF,
                "parents": (),
                "seat": f"seat{i}",
                "ordinal": i,
                "answer": LETTERS[letter],
                "abstained": "timed out" if letter == "-" else None,
                "confidence": None if letter == "-" else confidence,
            }
        )
        for i, letter in enumerate(letters)
    ]


@pytest.mark.parametrize(
    ("letters", "size", "code"),
    [
        ("AAA", 1.0, None),
        ("AAr", 0.5, "half_size"),
        ("rrr", 0.5, "half_size"),
        ("AA-", 0.5, "half_size"),
        ("AAh", 0.5, "half_size"),
        ("Ahh", 0.0, "no_majority"),
        ("hhh", 0.0, "no_majority"),
        ("Ah-", 0.0, "no_majority"),
        ("AAX", 0.0, "rejected"),
        ("X--", 0.0, "rejected"),
        ("A--", 0.0, "no_quorum"),
        ("---", 0.0, "no_quorum"),
        ("A", 1.0, None),
        ("-", 0.0, "no_quorum"),
        ("", 0.0, "no_quorum"),
        ("Ah", 0.0, "no_majority"),
        ("A-", 0.0, "no_quorum"),
        ("AAAhh", 0.5, "half_size"),
        ("AAhh", 0.0, "no_majority"),
        ("AAA--", 0.0, "no_quorum"),
    ],
)
def test_majority_counts_all_seats(letters: str, size: float, code: str | None) -> None:
    decision = decide(_proposal(), _ballots(letters), len(letters), ConsensusSettings())
    assert decision.size_fraction == size
    assert [r.code for r in decision.reasons] == ([] if code is None else [code])
    assert decision.ends_cycle is (size == 0)


@pytest.mark.parametrize(
    ("letters", "confidence", "size"),
    [
        ("AA", 0.81, 1.0),
        ("AA", 0.80, 0.5),
        ("AA", None, 0.5),
        ("Ar", 0.9, 0.5),
        ("Ah", 0.9, 0.5),
        ("hh", 0.9, 0.5),
        ("AX", 0.9, 0.0),
        ("XX", 0.9, 0.0),
        ("A-", 0.9, 0.0),
    ],
)
def test_two_model_preset_is_full_half_or_none(letters: str, confidence: float | None, size: float) -> None:
    settings = ConsensusSettings(rule="two-model")
    decision = decide(_proposal(), _ballots(letters, confidence), 2, settings)
    assert decision.size_fraction == size


def test_without_quorum_the_technical_half_is_taken_only_when_configured() -> None:
    settings = ConsensusSettings(no_quorum="technical_half")
    assert decide(_proposal(), _ballots("A--"), 3, settings).size_fraction == 0.5
    assert decide(_proposal(), _ballots("X--"), 3, settings).size_fraction == 0.0


def test_a_missing_ballot_counts_as_a_seat_that_did_not_answer() -> None:
    decision = decide(_proposal(), _ballots("A"), 3, ConsensusSettings())
    assert (decision.n_seats, decision.n_valid, decision.reasons[0].code) == (3, 1, "no_quorum")


def test_an_abstention_is_not_counted_as_a_vote() -> None:
    decision = decide(_proposal(), _ballots("AA-"), 3, ConsensusSettings())
    assert (decision.n_valid, decision.n_for) == (2, 2)


def test_technical_decision_takes_the_proposal_as_it_stands() -> None:
    decision = decide_technical(_proposal())
    assert (decision.rule, decision.size_fraction, decision.n_seats) == ("technical", 1.0, 0)
    assert decision.parents == (_proposal().record_id,)


@pytest.mark.parametrize(
    ("mode", "score", "is_asked"),
    [
        ("technical", 10.0, False),
        ("technical+panel", 5.9, False),
        ("technical+panel", 6.0, True),
        ("dual", 0.0, True),
    ],
)
def test_panel_is_asked_by_mode_and_score(mode: str, score: float, is_asked: bool) -> None:
    assert needs_panel(mode, score, 6.0) is is_asked  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("letters", "bounds", "size", "code"),
    [
        ("AAA", (1.0, 1.0, 1.0), 1.0, None),
        ("AAA", (1.0, 0.6, 1.0), 0.6, "size_bound"),
        ("AAr", (1.0, 1.0, 0.5), 0.5, "half_size"),
        ("AAr", (1.0, 1.0, 0.2), 0.2, "size_bound"),
        ("AAh", (1.0, 1.0, 0.1), 0.5, "half_size"),
        ("AA-", (1.0, 0.3, 0.1), 0.3, "size_bound"),
    ],
)
@pytest.mark.parametrize("rule", ["majority", "two-model"])
def test_a_seats_size_is_an_upper_bound_where_it_is_for_the_trade(
    rule: str, letters: str, bounds: tuple[float, ...], size: float, code: str | None
) -> None:
    ballots = [b.model_copy(update={"size_bound": x}) for b, x in zip(_ballots(letters), bounds, strict=True)]
    decision = decide(_proposal(), ballots, len(letters), ConsensusSettings.model_validate({"rule": rule}))
    assert decision.size_fraction == size
    assert (decision.reasons[-1].code if decision.reasons else None) == code
