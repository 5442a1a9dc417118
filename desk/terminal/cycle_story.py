"""One cycle as the story screen tells it: its records in words, how long each took, what is under way."""

from agents.desk_record import DeskRecord
from contracts.records import RECORDS, ApprovalRequest, DeskState, StageRecord
from desk.commands.story import story, title
from desk.saying import who_wanted
from desk.terminal.cycle_path import path_of, step_after, under_way
from desk.terminal.question_words import said_to
from graphs.desk import CycleSettings
from graphs.stages import stage_records
from tui.door import Stage, Story

_SECOND_MS = 1_000


def story_of(record: DeskRecord, cycle_id: str) -> Story:
    """One cycle as far as it has come, a stage a record."""
    rows = [
        row for row in record.journal.rows(cycle_id=cycle_id) if issubclass(RECORDS[row.kind], StageRecord)
    ]
    records = [each for each, _ in stage_records(rows)]
    stages = [
        Stage(name=name, words=words, took=_took(row.latency_ms))
        for (name, words), row in zip(story(records), rows, strict=True)
    ]
    stages[:0] = [
        Stage(name=name, words=words, took="") for name, words in who_wanted(record.journal, cycle_id)
    ]
    state = next((each for each in records if isinstance(each, DeskState)), None)
    told = Story(title=title(records), stages=tuple(stages), is_over=True, path=path_of(records, None))
    if state is None or cycle_id not in record.journal.unfinished_cycles():
        return told
    settings = CycleSettings.from_canonical(record.blobs.get(state.settings_hash))
    running = path_of(records, step_after(records, settings))
    newest = records[-1]
    said = said_to(record.journal, newest) if isinstance(newest, ApprovalRequest) else None
    going_on = {"is_over": False, "path": running, "under_way": said or under_way(records, settings)}
    return told.model_copy(update=going_on)


def _took(latency_ms: float | None) -> str:
    if latency_ms is None:
        return ""
    return f"{latency_ms:,.1f} ms" if latency_ms < _SECOND_MS else f"{latency_ms / _SECOND_MS:,.1f} s"
