"""What one technical cycle costs, durable, by stage, beside bare LangGraph on an empty graph of its shape.

The desk runs over the bundled EUR/USD hours with its real journal on this machine's disk. The empty
graphs have the same nodes and edges and do nothing; they are timed in the same process right after,
without a checkpointer and with SQLite's at durability `sync` and `exit`.
"""

import asyncio
import functools
import sqlite3
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph

from bench.report import median_and_p99, publish, table
from desk.settings import load_settings
from desk.wiring import open_desk
from graphs import nodes

ASIDE = ("observe", "report", "gate", "stand_aside")
TRADED = (
    "observe",
    "report",
    "gate",
    "propose",
    "consensus",
    "guard",
    "approve",
    "requote",
    "commit_intent",
    "submit",
)
STAGES = (*TRADED, "stand_aside")
N_EMPTY = 300


def main() -> None:
    """Measure and publish."""
    by_stage, whole = asyncio.run(_measure_desk())
    rows = [(stage, str(len(t)), *median_and_p99(t)) for stage, t in by_stage.items()]
    text = table(("stage", "n", "median ms", "p99 ms"), rows) + "\n\n"
    text += table(("whole cycle", "n", "median ms", "p99 ms"), _whole_rows(whole)) + "\n\n"
    text += table(("empty graph", "nodes", "no checkpointer", "exit", "sync"), _empty_rows()) + "\n\n"
    own = {key: _own_work(by_stage, path) for key, path in (("aside", ASIDE), ("traded", TRADED))}
    text += (
        f"Our own work, the sum of the stages' medians: {own['aside']:.2f} ms for a cycle that stands aside "
        f"at the gate, {own['traded']:.2f} ms for one that sends an order. Stages include their journal rows."
    )
    publish("cycle", "Cost of one cycle", text)


async def _measure_desk() -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    by_stage: dict[str, list[float]] = {stage: [] for stage in STAGES}
    for stage in STAGES:
        setattr(nodes, stage, _timed(getattr(nodes, stage), by_stage[stage]))
    whole: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as home:
        settings = load_settings({"desk": "bench"}, where=Path(home))
        with open_desk(settings, command="bench", home=Path(home)) as runner:
            session = runner.session
            async for bars in runner.desk.feed.events(settings.timeframe):
                n_before = session.tally.n_cycles
                started = time.perf_counter()
                await session.step(bars)
                if session.tally.n_cycles > n_before:
                    whole[session.tally.last_end].append(time.perf_counter() - started)
    return by_stage, whole


def _own_work(by_stage: dict[str, list[float]], path: tuple[str, ...]) -> float:
    return sum(statistics.median(by_stage[stage]) * 1e3 for stage in path if by_stage[stage])


def _whole_rows(whole: dict[str, list[float]]) -> list[tuple[str, str, str, str]]:
    aside = [t for end, times in whole.items() if end.startswith("stands aside at gate") for t in times]
    traded = [t for end, times in whole.items() if end.startswith("order") for t in times]
    named = (
        ("any", [t for times in whole.values() for t in times]),
        ("stands aside at the gate", aside),
        ("sends an order", traded),
    )
    return [(name, str(len(times)), *median_and_p99(times)) for name, times in named if times]


def _timed(node: Callable[..., Awaitable[Any]], into: list[float]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(node)
    async def timed(*args: Any, **kwargs: Any) -> Any:
        started = time.perf_counter()
        try:
            return await node(*args, **kwargs)
        finally:
            into.append(time.perf_counter() - started)

    return timed


class _Empty(TypedDict, total=False):
    n: int


def _empty_rows() -> list[tuple[str, str, str, str, str]]:
    rows = []
    for name, path in (("stands aside at the gate", ASIDE), ("sends an order", TRADED)):
        bare = _time_empty(path, None, None)
        exit_, sync = (_time_with_sqlite(path, durability) for durability in ("exit", "sync"))
        rows.append((name, str(len(path)), f"{bare:.2f} ms", f"{exit_:.2f} ms", f"{sync:.2f} ms"))
    return rows


def _time_with_sqlite(path: tuple[str, ...], durability: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "checkpoints.db", check_same_thread=False)
        try:
            return _time_empty(path, SqliteSaver(connection), durability)  # type: ignore[arg-type]
        finally:
            connection.close()


def _time_empty(
    path: tuple[str, ...],
    checkpointer: SqliteSaver | None,
    durability: Literal["exit", "sync"] | None,
) -> float:
    def node(state: _Empty) -> _Empty:
        return {"n": state["n"] + 1}

    graph = StateGraph(_Empty)
    for stage in STAGES:
        graph.add_node(stage, node)
    for source, target in zip((START, *path), (*path, END), strict=True):
        graph.add_conditional_edges(source, lambda _state, to=target: to, [target])
    compiled = graph.compile(checkpointer=checkpointer)
    times = []
    for i in range(N_EMPTY):
        started = time.perf_counter()
        compiled.invoke({"n": 0}, {"configurable": {"thread_id": str(i)}}, durability=durability)
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e3


if __name__ == "__main__":
    main()
