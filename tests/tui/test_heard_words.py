"""Words of models on their way to the screen: gathered by speaker, cut where nobody looks."""

import threading
from pathlib import Path

import pytest

from graphs.session import SessionEvent
from tests.tui.terminal import door_of, terminal
from tui.chat import Chat
from tui.door import Spoke, Told

CYCLE = "c" * 64


def test_the_words_of_one_speaker_come_in_one_piece_and_only_once(tmp_path: Path) -> None:
    door = door_of(tmp_path)
    for word in ("The ", "trend ", "agrees."):
        door._hear(SessionEvent("model_says", CYCLE, word, seat="kimi"))
    door._hear(SessionEvent("model_thinks", CYCLE, "hm", seat="kimi"))
    door._hear(SessionEvent("fill", CYCLE, "entry SELL"))
    door._hear(SessionEvent("cycle_finished", CYCLE, "stood aside"))
    assert door.heard() == (
        Spoke(kind="says", who="kimi", text="The trend agrees.", cycle_id=CYCLE),
        Spoke(kind="thinks", who="kimi", text="hm", cycle_id=CYCLE),
        Spoke(kind="desk", who="fill", text="entry SELL", cycle_id=CYCLE),
    )
    assert door.heard() == ()


def test_the_words_of_one_speaker_in_two_cycles_are_kept_apart(tmp_path: Path) -> None:
    door = door_of(tmp_path)
    door._hear(SessionEvent("model_says", CYCLE, "yes", seat="kimi"))
    door._hear(SessionEvent("model_says", "d" * 64, "no", seat="kimi"))
    assert [(spoke.text, spoke.cycle_id) for spoke in door.heard()] == [("yes", CYCLE), ("no", "d" * 64)]


def test_a_screen_that_never_looks_costs_no_memory(tmp_path: Path) -> None:
    door = door_of(tmp_path)
    for n in range(1_000):
        door._hear(SessionEvent("fill", CYCLE, f"{n}"))
        door._hear(SessionEvent("model_says", CYCLE, "x" * 1_000, seat="kimi"))
    found = door.heard()
    assert len(found) < 300
    assert sum(len(spoke.text) for spoke in found) < 400_000
    assert found[-1].text.endswith("x")


def test_words_from_many_threads_are_all_heard(tmp_path: Path) -> None:
    door = door_of(tmp_path)

    def speak() -> None:
        for _ in range(200):
            door._hear(SessionEvent("model_says", CYCLE, "x", seat="kimi"))

    threads = [threading.Thread(target=speak) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(spoke.text) for spoke in door.heard()) == 800


@pytest.mark.slow
async def test_words_that_come_while_the_terminal_is_being_left_are_dropped(tmp_path: Path) -> None:
    async with terminal(door_of(tmp_path)) as (app, _pilot):
        chat = app.screen.query_one(Chat)
        app.exit()
        await chat.said.hear((Spoke(kind="desk", who="fill", text="entry"),))
        await chat.said.hear((Spoke(kind="says", who="kimi", text="late"),))
        await chat.tell(Told(title="late", rows=(("a", "b"),)))


@pytest.mark.slow
async def test_what_the_desk_does_looks_the_same_however_it_was_heard(tmp_path: Path) -> None:
    done = tuple(Spoke(kind="desk", who="order", text=f"part {n}") for n in range(4))
    async with terminal(door_of(tmp_path, changes={"approval.policy": "autonomous"})) as (app, pilot):
        said = app.screen.query_one(Chat).said
        heights = []
        for pieces in ([done], [done[:1], done[1:3], done[3:]]):
            await said.say("you", "and now?")
            first = said.children[-1]
            for piece in pieces:
                await said.hear(piece)
            await pilot.pause()
            heights.append(said.children[-1].virtual_region.bottom - first.virtual_region.bottom)
    assert heights == [1 + len(done)] * 2
