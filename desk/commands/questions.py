"""`dualbrain questions` and `answer`: a desk's open questions, seen and answered from another terminal."""

import getpass
import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from contracts.errors import SettingsError
from desk.commands.options import DeskOption, JsonOption, footer

CycleArgument = Annotated[
    str, typer.Argument(metavar="CYCLE", help="Cycle id of the question, or its beginning.")
]
WordArgument = Annotated[str, typer.Argument(metavar="yes|no", help="Whether the trade may be made.")]
QuantityOption = Annotated[
    float | None, typer.Option("--quantity", metavar="UNITS", help="Less than was asked; never more.")
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, in a few words.")]
ByOption = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who answers; default: you.")]

QUESTIONS_EPILOG = footer("dualbrain questions", "dualbrain questions --desk desk2 --json")
ANSWER_EPILOG = footer(
    "dualbrain answer 3f2a91c0 yes",
    "dualbrain answer 3f2a91c0 yes --quantity 10000",
    'dualbrain answer 3f2a91c0 no --reason "news in five minutes"',
)


def questions(desk: DeskOption = None, is_json: JsonOption = False) -> None:
    """List the trades that wait for a person's yes or no.

    They stand while a desk runs with --ask; `dualbrain answer` answers them.
    """
    from desk.commands.files import reading
    from desk.commands.person import question_facts
    from desk.present import facts, short, to_stdout
    from graphs.questions import open_questions, runs_out
    from markets.instruments import resolve

    with reading(desk) as on_file:
        asked = open_questions(on_file.journal, on_file.journal.unfinished_cycles())
        found = [each for each in asked if runs_out(on_file.journal, each) > datetime.now(UTC)]
    if is_json:
        told = [each.model_dump(mode="json") | {"request_id": each.record_id} for each in found]
        typer.echo(json.dumps(told, indent=2))
        return
    if not found:
        typer.echo("no question is open")
    out = to_stdout()
    for request in found:
        out.print(f"cycle {short(request.cycle_id)}", style="bold")
        out.print(facts(question_facts(request, resolve(request.instrument_id))))


def answer(
    cycle: CycleArgument,
    word: WordArgument,
    quantity: QuantityOption = None,
    reason: ReasonOption = "",
    by: ByOption = None,
    desk: DeskOption = None,
) -> None:
    """Say yes or no to an open question; the desk that asked acts on it.

    The answer holds for exactly what was asked. If the price has moved too
    far since, the desk asks again. The first answer to a question counts.
    """
    from desk.commands.files import find_cycle, reading
    from desk.saying import say_here
    from graphs.questions import open_questions

    if word not in ("yes", "no"):
        raise SettingsError(f"expected yes or no, found {word[:40]!r}")
    if word == "no" and quantity is not None:
        raise SettingsError("expected a quantity beside yes only, found one beside no")
    with reading(desk) as on_file:
        cycle_id = find_cycle(on_file.journal, cycle)
        found = open_questions(on_file.journal, on_file.journal.unfinished_cycles())
        request = next((each for each in found if each.cycle_id == cycle_id), None)
        if request is None:
            raise SettingsError(f"expected an open question of cycle {cycle_id[:12]}, found none")
        folder = on_file.folder
    said = say_here(
        folder,
        request,
        is_granted=word == "yes",
        by=by or getpass.getuser(),
        reason=reason or f"said from another terminal: {word}",
        quantity=quantity,
    )
    amount = "" if said.quantity is None else f" to {said.quantity:g}"
    typer.echo(f"{word}{amount}, by {said.by}; the desk hears it at its next look")
