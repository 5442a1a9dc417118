"""What models say while they say it, a line a breath, so that several may speak at once."""

from rich.console import Console

from graphs.session import SessionEvent

_BREATH = 100
"""Characters after which a line is printed, at the next space."""


class Voices:
    """A listener that prints the words of models; everybody else's events pass by."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: dict[tuple[str, str], str] = {}

    def hear(self, event: SessionEvent) -> None:
        """One event of the session."""
        if event.kind in ("model_says", "model_thinks") and event.seat is not None:
            said = self._said.pop((event.seat, event.kind), "") + event.text
            while (end := _breath(said)) is not None:
                self._print(event.seat, event.kind, said[:end])
                said = said[end:].lstrip()
            self._said[event.seat, event.kind] = said
        elif event.kind == "model_begins" and event.seat is not None:
            self.finish(event.seat)
        elif event.kind == "cycle_finished":
            self.finish()

    def finish(self, only: str | None = None) -> None:
        """What nobody, or one of them, has finished saying."""
        for seat, kind in [who for who in self._said if only in (None, who[0])]:
            self._print(seat, kind, self._said.pop((seat, kind)))

    def _print(self, seat: str, kind: str, text: str) -> None:
        who = f"{seat} thinks" if kind == "model_thinks" else seat
        words = "".join(each if each.isprintable() else " " for each in text).strip()
        if not words:
            return
        self._console.print(f"{who}: {words}", style="dim", soft_wrap=True)


def _breath(text: str) -> int | None:
    if (end := text.find("\n")) >= 0:
        return end + 1
    if len(text) < _BREATH:
        return None
    end = text.rfind(" ", 0, _BREATH)
    return end if end > 0 else _BREATH
