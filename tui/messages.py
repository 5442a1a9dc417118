"""What widgets tell their screens."""

from textual.message import Message

from tui.door import Source, Spoke, Told


class LineTyped(Message):
    """A person ended a line of the chat."""

    def __init__(self, line: str) -> None:
        super().__init__()
        self.line = line


class CycleChosen(Message):
    """A cycle in a list was opened."""

    def __init__(self, cycle_id: str) -> None:
        super().__init__()
        self.cycle_id = cycle_id


class SourceChosen(Message):
    """A source of an answer, other than a cycle, was opened."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source


class AnswerCame(Message):
    """The desk or a model has answered a line; words that came before it are shown before it."""

    def __init__(self, nth: int, told: Told, *, is_prose: bool, to: str = "") -> None:
        """`nth` counts the lines that were typed; `to` is this one, where others were typed since."""
        super().__init__()
        self.nth, self.told, self.is_prose, self.to = nth, told, is_prose, to


class QuestionChosen(Message):
    """An open question in a list was opened."""

    def __init__(self, cycle_id: str) -> None:
        super().__init__()
        self.cycle_id = cycle_id


class WordsHeard(Message):
    """Models spoke, or the desk did something."""

    def __init__(self, spoken: tuple[Spoke, ...]) -> None:
        super().__init__()
        self.spoken = spoken
