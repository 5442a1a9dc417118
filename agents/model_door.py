"""A model's door: what comes of asking one within its time, or why nothing did; no exception gets past it."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from agents.line import Line
from contracts.canonical import Record
from contracts.errors import NOT_AN_ABSTENTION

R = TypeVar("R", bound=Record)
T = TypeVar("T")


async def answer_or_why(
    line: Line, seconds: float, asking: Awaitable[R], in_words: Callable[[Exception], str], nothing: str
) -> R | str:
    """The record that `asking` makes, or one sentence; `nothing` names what is missing at the deadline.

    Raises what NOT_AN_ABSTENTION names, NotOnRecord among them: the desk is at fault then, not the model.
    """
    try:
        async with line.within(seconds):
            found: R | str = await asking
    except TimeoutError:
        found = f"{nothing} by the deadline of {seconds:g} s"
        line.give_up(found)
        return found
    except NOT_AN_ABSTENTION:
        raise
    except Exception as error:  # noqa: BLE001 - whatever else fails becomes a sentence, and an abstention
        line.check_on_record()
        found = in_words(error)
    return line.given_up() or found


async def settled(line: Line, asking: Awaitable[T]) -> T:
    """The answer, or its failure, once all of it is on record: a client that stumbles turns away before."""
    try:
        found = await asking
    except Exception:
        await line.settled()
        raise
    await line.settled()
    return found
