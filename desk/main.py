"""The command line `dualbrain`: gathers the commands, and turns every failure into one line and a code.

Nothing heavy is imported here or at the top of a command's module, so `--help` answers at once. Exit
codes are in `desk/commands/options.py`; 130 is a second Ctrl+C, 141 a reader that left the pipe.
"""

import errno
import os
import sys
import traceback
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from contracts.errors import DualbrainError
from desk.commands import ask, audit, chat, demo, doctor, kill, models, questions, replay, run, tools

TRACEBACK = "DUALBRAIN_TRACEBACK"


class _Door(TyperGroup):
    """Where errors leave the program; the one `except Exception` of the command line."""

    def invoke(self, ctx: Any) -> Any:
        # Taken out of the environment: it is no setting, and settings refuse names they do not know.
        has_traceback = bool(os.environ.pop(TRACEBACK, ""))
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # Before a command listens for it: while its modules are still being imported.
            raise typer.Exit(130) from None
        except Exception as error:
            if type(error).__module__.startswith("typer"):
                raise
            if has_traceback:
                traceback.print_exc()
            raise typer.Exit(_tell(error, has_traceback=has_traceback)) from None


app = typer.Typer(
    name="dualbrain",
    cls=_Door,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=demo.EPILOG)(demo.demo)
app.command(epilog=run.EPILOG)(run.run)
app.command(epilog=chat.EPILOG)(chat.chat)
app.command(epilog=questions.QUESTIONS_EPILOG)(questions.questions)
app.command(epilog=questions.ANSWER_EPILOG)(questions.answer)
app.command(epilog=replay.EPILOG)(replay.replay)
app.command(epilog=ask.EPILOG)(ask.ask)
app.add_typer(audit.app, name="audit")
app.add_typer(tools.app, name="tools")
app.add_typer(models.app, name="models")
app.command(epilog=doctor.EPILOG)(doctor.doctor)
app.command(epilog=kill.HALT_EPILOG)(kill.halt)
app.command(epilog=kill.RESUME_EPILOG)(kill.resume)
app.command("reset-kelly", epilog=kill.RESET_EPILOG)(kill.reset_kelly)


def main() -> None:
    """Entry point of `dualbrain`."""
    app()


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        try:
            typer.echo(f"dualbrain {version('dualbrain')}")
        except PackageNotFoundError:
            typer.echo("dualbrain, not installed as a package")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version.")
    ] = False,
) -> None:
    """A trading desk run by two kinds of minds and one kind of arithmetic.

    Paper accounts only. Begin with `dualbrain demo`.
    """


def _tell(error: Exception, *, has_traceback: bool) -> int:
    """One line on stderr, or a formula with the place where it goes wrong; the exit code."""
    is_drawn = isinstance(error, DualbrainError) and isinstance(error.fields.get("column"), int)
    if isinstance(error, DualbrainError):
        text, code = str(error), error.exit_code
    elif isinstance(error, OSError) and error.errno == errno.EPIPE:
        return _leave_pipe()
    elif isinstance(error, OSError) and error.filename is not None:
        text, code = f"expected to use {error.filename}, found: {error.strerror}", 4
    else:
        hint = "" if has_traceback else f"; set {TRACEBACK}=1 for the traceback"
        text, code = f"unexpected {type(error).__name__}: {error}{hint}", 5
    typer.echo("error: " + (text if is_drawn else " ".join(text.split())), err=True)
    return code


def _leave_pipe() -> int:
    # Python flushes stdout once more on its way out and would complain about the closed pipe.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


if __name__ == "__main__":
    main()
