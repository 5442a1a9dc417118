"""`dualbrain ask`: a question about a desk, answered from its record by a model that can only read."""

from typing import TYPE_CHECKING, Annotated

import typer

from desk.commands.options import DeskOption, JsonOption, footer

if TYPE_CHECKING:
    from agents.assistant import Answer
    from desk.settings import Settings

QuestionArgument = Annotated[str, typer.Argument(metavar="QUESTION", help="In plain words, in quotes.")]

EPILOG = footer(
    'dualbrain ask "why did we stand aside on EUR/USD at 14:00?"',
    'dualbrain ask "how did each seat do in March?" --desk desk2 --json',
    exits=(0, 2, 4, 5),
).replace("0 fine;", "0 fine; 1 no answer, with the reason;")
_NO_ANSWER = 1
_QUIET_S = 2.0


def ask(question: QuestionArgument, desk: DeskOption = None, is_json: JsonOption = False) -> None:
    """Ask about a desk: its decisions, votes, risk, results.

    A model answers from the record, beside a running desk or without one. It
    can do nothing but read. What it wrote is checked: numbers that are not
    from the record are listed. The settings under `assistant` name the model.
    """
    import asyncio

    from desk.commands.files import find_desk, settings_of, show_banner

    settings = settings_of({} if desk is None else {"desk": desk})
    name, folder = find_desk(settings.desk)
    show_banner(name, folder)
    answer = asyncio.run(_ask(settings, question))
    if is_json:
        typer.echo(answer.model_dump_json(indent=2))
    elif answer.failed is None:
        _print(answer)
    if answer.failed is not None:
        typer.echo(f"error: no answer: {answer.failed.removeprefix('no answer ')}", err=True)
        raise typer.Exit(_NO_ANSWER)


async def _ask(settings: "Settings", question: str) -> "Answer":
    import asyncio
    import time

    from desk.asking import open_assistant
    from desk.present import to_stderr

    err = to_stderr()
    started = time.monotonic()

    def tell(tool: str) -> None:
        if time.monotonic() - started > _QUIET_S:
            err.print(f"reading: {tool}", style="dim")

    with open_assistant(settings, on_use=tell) as asking:
        chosen = asking.settings

        async def tell_late() -> None:
            await asyncio.sleep(_QUIET_S)
            err.print(f"asking {chosen.model}, {chosen.deadline_s:g} s at most", style="dim")

        waiting = asyncio.create_task(tell_late())
        try:
            return await asking.assistant.ask(question)
        finally:
            waiting.cancel()
            await asking.traffic.aclose()


def _print(answer: "Answer") -> None:
    from desk.present import moment, short

    typer.echo(answer.text)
    if answer.notice is not None:
        typer.echo(f"\n{answer.notice}")
    if answer.cited:
        typer.echo("\ncited:")
    for each in answer.cited:
        typer.echo(f"  {short(each.cycle_id)} {each.instrument_id} {moment(each.as_of)}")
    if answer.unknown_cycles:
        typer.echo(f"no such cycle: {', '.join(answer.unknown_cycles)}")
    if answer.ungrounded:
        typer.echo(f"not from the record: {', '.join(answer.ungrounded)}")
    cost = "cost not known" if answer.cost_usd is None else f"{answer.cost_usd:f} USD"
    typer.echo(f"{answer.tokens_in:,} tokens in, {answer.tokens_out:,} out, {cost}")
