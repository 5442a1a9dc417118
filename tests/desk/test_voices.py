"""What is printed of models while they speak."""

from io import StringIO

from rich.console import Console

from desk.commands.voices import Voices
from graphs.session import SessionEvent


def printed(*events: SessionEvent) -> list[str]:
    out = StringIO()
    voices = Voices(Console(file=out, width=200, highlight=False, markup=False))
    for event in events:
        voices.hear(event)
    voices.finish()
    return out.getvalue().splitlines()


def says(seat: str, text: str, kind: str = "model_says") -> SessionEvent:
    return SessionEvent(kind, "ab" * 32, text, seat=seat)


def test_two_that_speak_at_once_are_told_apart_line_by_line() -> None:
    words = "word " * 30
    pieces = [says(seat, words[i : i + 7]) for i in range(0, 150, 7) for seat in ("kimi", "minimax")]
    lines = printed(*pieces)
    for seat in ("kimi", "minimax"):
        assert (
            " ".join(line.removeprefix(f"{seat}: ") for line in lines if line.startswith(seat))
            == words.strip()
        )
    assert all(len(line) <= 110 for line in lines)


def test_a_line_ends_where_the_model_ends_it_and_thinking_says_so() -> None:
    assert printed(says("kimi", "one\ntw"), says("kimi", "o"), says("kimi", "hm", "model_thinks")) == [
        "kimi: one",
        "kimi: two",
        "kimi thinks: hm",
    ]


def test_the_end_of_a_cycle_prints_what_is_left() -> None:
    ended = SessionEvent("cycle_finished", "ab" * 32, "stood aside")
    assert printed(says("kimi", "so it is"), ended, says("kimi", "more")) == ["kimi: so it is", "kimi: more"]


def test_a_second_answer_of_one_begins_a_line_and_leaves_the_others_alone() -> None:
    again = SessionEvent("model_begins", "ab" * 32, "", seat="kimi")
    pieces = (says("minimax", "a "), says("kimi", "one"), again, says("kimi", "two"), says("minimax", "b"))
    assert printed(*pieces) == ["kimi: one", "kimi: two", "minimax: a b"]


def test_text_of_a_model_cannot_draw_on_the_screen() -> None:
    (line,) = printed(says("kimi", "a\x1b[2Jb\x07[red]c"))
    assert line == "kimi: a [2Jb [red]c"


def test_words_without_a_space_are_cut_at_a_breath() -> None:
    assert "".join(line.removeprefix("kimi: ") for line in printed(says("kimi", "x" * 250))) == "x" * 250


def test_a_line_without_words_is_not_printed() -> None:
    assert printed(*(says("kimi", piece) for piece in ("{\n", "\n", " \t\n", '"answer"', "\n", "\n"))) == [
        "kimi: {",
        'kimi: "answer"',
    ]
