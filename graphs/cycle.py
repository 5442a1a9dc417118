"""The whole wiring of a decision, on one screen.

A stage whose record ends the cycle leads to `stand_aside`; every other edge is drawn below. The
journal is what a crash is recovered from: run the graph again from the top and every stage on record
is taken from there. Checkpoints serve interrupts only, and live no longer than the process.
"""

from collections.abc import Awaitable, Callable, Hashable
from typing import Literal

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from agents.consensus import needs_brain
from graphs import nodes
from graphs.nodes import is_panel_asked
from graphs.stages import CycleRun
from graphs.state import CycleState, VoteTask

Graph = CompiledStateGraph[CycleState, CycleRun, CycleState, CycleState]
Stage = Literal["desk_state", "snapshot", "view", "proposal", "decision", "verdict", "approval"]


def compile_cycle(checkpointer: BaseCheckpointSaver[str] | None = None) -> Graph:
    """The graph; a checkpointer is needed only where a person may be asked."""
    graph = StateGraph(CycleState, context_schema=CycleRun)
    graph.add_node("observe", nodes.observe)
    graph.add_node("report", nodes.report)
    graph.add_node("gate", nodes.gate)
    graph.add_node("formula_brain", nodes.formula_brain)
    graph.add_node("propose", nodes.propose)
    graph.add_node("vote", nodes.vote)
    graph.add_node("consensus", nodes.consensus)
    graph.add_node("guard", nodes.guard)
    graph.add_node("approve", nodes.approve)
    graph.add_node("requote", nodes.requote)
    graph.add_node("commit_intent", nodes.commit_intent)
    graph.add_node("submit", nodes.submit)
    graph.add_node("stand_aside", nodes.stand_aside)

    graph.add_conditional_edges(START, _unless_ended("desk_state", "observe"), ["observe", "stand_aside"])
    graph.add_conditional_edges("observe", _unless_ended("snapshot", "report"), ["report", "stand_aside"])
    graph.add_edge("report", "gate")
    graph.add_conditional_edges("gate", _ask_the_brain, ["formula_brain", "propose", "stand_aside"])
    graph.add_conditional_edges("formula_brain", _unless_ended("view", "propose"), ["propose", "stand_aside"])
    graph.add_conditional_edges("propose", _ask_the_panel, ["vote", "consensus", "stand_aside"])
    graph.add_edge("vote", "consensus")
    graph.add_conditional_edges("consensus", _unless_ended("decision", "guard"), ["guard", "stand_aside"])
    graph.add_conditional_edges("guard", _unless_ended("verdict", "approve"), ["approve", "stand_aside"])
    graph.add_conditional_edges("approve", _unless_ended("approval", "requote"), ["requote", "stand_aside"])
    graph.add_conditional_edges("requote", _after_requote, ["commit_intent", "guard", "stand_aside"])
    graph.add_edge("commit_intent", "submit")
    graph.add_edge("submit", END)
    graph.add_edge("stand_aside", END)
    return graph.compile(checkpointer=checkpointer)


def _unless_ended(key: Stage, following: str) -> Callable[[CycleState], Awaitable[Hashable]]:
    # Coroutines, because LangGraph sends a plain function to a thread and the hop costs more than the work.
    async def route(state: CycleState) -> Hashable:
        return "stand_aside" if state[key].ends_cycle else following

    return route


async def _ask_the_brain(state: CycleState, runtime: Runtime[CycleRun]) -> str:
    if state["gate"].ends_cycle:
        return "stand_aside"
    return "formula_brain" if needs_brain(runtime.context.desk.settings.mode) else "propose"


async def _ask_the_panel(state: CycleState, runtime: Runtime[CycleRun]) -> list[Send] | str:
    proposal, desk = state["proposal"], runtime.context.desk
    if proposal.ends_cycle:
        return "stand_aside"
    if not is_panel_asked(proposal, state["report"], desk.settings) or not desk.voters:
        return "consensus"
    return [
        Send(
            "vote",
            VoteTask(
                ordinal=i,
                desk_state=state["desk_state"],
                snapshot=state["snapshot"],
                report=state["report"],
                gate=state["gate"],
                view=state.get("view"),
                proposal=proposal,
            ),
        )
        for i in range(len(desk.voters))
    ]


async def _after_requote(state: CycleState) -> str:
    requote = state["requote"]
    if requote.ends_cycle:
        return "stand_aside"
    return "commit_intent" if requote.outcome == "fresh" else "guard"
