"""What widgets tell their screens."""

from textual.message import Message

from tui.door import Spoke


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
