"""What was said so far: whole turns, as many as the limits allow, and the numbers that were shown in them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic_ai.messages import ModelMessage

from agents.answer_check import Shown


@dataclass(frozen=True)
class Turn:
    """One question with all that belongs to it: a call of a tool never stands without its result."""

    messages: tuple[ModelMessage, ...]
    shown: frozenset[Shown]

    @property
    def n_chars(self) -> int:
        """Characters of its parts; instructions are sent anew and do not count."""
        parts = [part for message in self.messages for part in message.parts]
        return sum(len(str(getattr(p, "content", ""))) + len(str(getattr(p, "args", ""))) for p in parts)


@dataclass
class Conversation:
    """Turns in order; the oldest are forgotten first, and whole."""

    max_turns: int
    max_chars: int
    turns: list[Turn] = field(default_factory=list)

    @property
    def messages(self) -> list[ModelMessage]:
        """What a model is reminded of."""
        return [message for turn in self.turns for message in turn.messages]

    @property
    def shown(self) -> frozenset[Shown]:
        """Numbers that it was shown, or that the person wrote, and may repeat."""
        return frozenset().union(*(turn.shown for turn in self.turns))

    def add(self, messages: Sequence[ModelMessage], shown: frozenset[Shown]) -> None:
        """One more turn; what is over the limits goes."""
        self.turns.append(Turn(tuple(messages), shown))
        while self.turns and (
            len(self.turns) > self.max_turns or sum(turn.n_chars for turn in self.turns) > self.max_chars
        ):
            self.turns.pop(0)

    def reset(self) -> None:
        """Forget everything."""
        self.turns.clear()
