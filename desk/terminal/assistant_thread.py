"""The desk assistant of a terminal: one conversation, in a thread with a loop of its own.

Its clients belong to one loop, and reading the record takes time that a screen does not have.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from contracts.errors import DualbrainError
from desk.settings import Settings
from desk.terminal.sources import cycle_source, tool_source
from tui.door import Spoke, Told

if TYPE_CHECKING:
    from agents.assistant import Answer
    from agents.exchanges import Caller
    from agents.spoken import Words
    from desk.asking import Asking

_PATIENCE_S = 3.0
_WHO = "assistant"


class AssistantThread:
    """Opened with the first question, `loaded` is called then; `note` hears the words as they come."""

    def __init__(
        self, settings: Settings, home: Path, note: Callable[[Spoke], None], loaded: Callable[[], object]
    ) -> None:
        self._settings, self._home, self._note, self._loaded = settings, home, note, loaded
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stack = ExitStack()
        self._asking: Asking | None = None
        self._turn = asyncio.Lock()

    async def ask(self, question: str) -> Told:
        """The answer, awaited in any loop; whoever stops waiting ends the question."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="assistant", daemon=True)
            self._thread.start()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._ask(question), self._loop))

    def close(self) -> None:
        """End what is asked and let go of the journal."""
        if self._loop is None or self._thread is None:
            return
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_S)
        if not self._thread.is_alive():
            self._loop.close()

    async def _ask(self, question: str) -> Told:
        async with self._turn:
            try:
                asking = self._opened()
            except DualbrainError as error:
                return Told(title=str(error), is_mistake=True)
            return _told(await asking.assistant.ask(question))

    def _opened(self) -> "Asking":
        if self._asking is None:
            from desk.asking import open_assistant

            def heard(_caller: "Caller", words: "Words") -> None:
                kind: Literal["says", "thinks"] = "thinks" if words.is_thinking else "says"
                self._note(Spoke(kind=kind, who=_WHO, text=words.text))

            self._asking = self._stack.enter_context(
                open_assistant(self._settings, home=self._home, heard=heard)
            )
            self._loaded()
        return self._asking

    async def _close(self) -> None:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        if self._asking is not None:
            await self._asking.traffic.aclose()
        self._stack.close()


def _told(answer: "Answer") -> Told:
    if answer.failed is not None:
        return Told(title=f"no answer: {answer.failed}", is_mistake=True)
    rows = []
    if answer.unknown_cycles:
        rows.append(("no such cycle", ", ".join(answer.unknown_cycles)))
    if answer.ungrounded:
        rows.append(("not from the record", ", ".join(answer.ungrounded)))
    if answer.notice is not None:
        rows.append(("notice", answer.notice))
    cost = "cost not known" if answer.cost_usd is None else f"{answer.cost_usd:f} USD"
    rows.append(("used", f"{answer.tokens_in:,} tokens in, {answer.tokens_out:,} out, {cost}"))
    cited = (cycle_source(each.cycle_id, each.instrument_id, each.as_of) for each in answer.cited)
    return Told(title=answer.text, rows=tuple(rows), sources=(*cited, *map(tool_source, answer.uses)))
