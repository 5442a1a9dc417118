"""What a model is reminded of: whole turns, and not too many."""

from pydantic_ai.messages import ModelRequest, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.messages import UserPromptPart as Asked

from agents.answer_check import numbers_in
from agents.conversation import Conversation


def add(to: Conversation, question: str, n_chars: int = 10) -> None:
    """A turn with one call of a tool, whose result has so many characters."""
    call = ToolCallPart("account", "{}", tool_call_id=question)
    result = ToolReturnPart("account", "x" * n_chars, tool_call_id=question)
    to.add(
        [
            ModelRequest([Asked(question)]),
            ModelResponse([call]),
            ModelRequest([result]),
            ModelResponse([TextPart("so")]),
        ],
        numbers_in(question),
    )


def calls_and_results(of: Conversation) -> tuple[list[str], list[str]]:
    parts = [part for message in of.messages for part in message.parts]
    calls = [part.tool_call_id for part in parts if isinstance(part, ToolCallPart)]
    return calls, [part.tool_call_id for part in parts if isinstance(part, ToolReturnPart)]


def test_the_oldest_turns_go_first_and_whole() -> None:
    said = Conversation(max_turns=2, max_chars=10_000)
    for question in ("ask 101", "ask 202", "ask 303"):
        add(said, question)
    calls, results = calls_and_results(said)
    assert calls == results == ["ask 202", "ask 303"]
    assert {int(shown.value) for shown in said.shown} == {202, 303}


def test_characters_bound_it_too_and_a_turn_over_the_bound_is_not_kept() -> None:
    said = Conversation(max_turns=9, max_chars=300)
    add(said, "first", 100)
    add(said, "second", 200)
    assert calls_and_results(said) == (["second"], ["second"])
    add(said, "third", 1_000)
    assert said.turns == []


def test_no_turns_means_no_memory() -> None:
    said = Conversation(max_turns=0, max_chars=10_000)
    add(said, "first")
    assert said.messages == []


def test_reset_forgets_everything() -> None:
    said = Conversation(max_turns=5, max_chars=10_000)
    add(said, "ask 101")
    said.reset()
    assert (said.messages, said.shown) == ([], frozenset())
