"""One way to print a measurement and keep it: a table, the machine, the command."""

import os
import platform
import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

MEASURED = Path(__file__).resolve().parent.parent / "docs" / "measured"


def median_and_p99(seconds: Sequence[float]) -> tuple[str, str]:
    """Milliseconds, as text."""
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"{statistics.median(ordered) * 1e3:.2f}", f"{p99 * 1e3:.2f}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, columns aligned so that it reads well unrendered."""
    lines = [tuple(header), *[tuple(row) for row in rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    body = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    body.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" for line in body)


def publish(name: str, title: str, text: str, page_name: str | None = None) -> None:
    """Print, and with `--write` on the command line keep it under docs/measured/."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    page = f"# {title}\n\n`python -m bench.{name}` on {machine}, {datetime.now(UTC):%Y-%m-%d}.\n\n{text}\n"
    print(page)
    if "--write" in sys.argv:
        MEASURED.mkdir(parents=True, exist_ok=True)
        (MEASURED / f"{page_name or name}.md").write_text(page, encoding="utf-8")
