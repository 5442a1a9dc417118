"""A process that appends to a journal, for tests that need more than one, or one that dies.

python -m tests.memory.writer PATH NAME COUNT [BYTES]: appends COUNT gates of cycles of its own, every tenth
durable. Prints a line once the journal is open, waits for a line, then prints one after each row. BYTES caps
the size of its files.
"""

import resource
import sys
from datetime import UTC, datetime
from pathlib import Path

from contracts.errors import JournalUnavailable
from memory.journal import SqliteJournal
from tests.factories import make_environment, make_gate


def main(path: str, name: str, count: str, file_limit: str | None = None) -> None:
    journal = SqliteJournal(
        Path(path), environment=make_environment(), session_id=name, clock=lambda: datetime.now(UTC)
    )
    if file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(file_limit), int(file_limit)))
    print("open", flush=True)
    sys.stdin.readline()
    for i in range(int(count)):
        try:
            row = journal.append(make_gate((name, i), text="x" * 500), durable=i % 10 == 9)
        except JournalUnavailable as error:
            print(f"unavailable {error}", flush=True)
            continue
        print(row.seq, flush=True)
    journal.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
