"""What an answer rests on, as a face opens it: cycles by their story, uses of tools by what they said."""

import json
from datetime import datetime
from typing import TYPE_CHECKING

from desk.present import short
from tui.door import Source

if TYPE_CHECKING:
    from agents.desk_tools import ToolUse


def cycle_source(cycle_id: str, instrument_id: str, as_of: datetime) -> Source:
    """A cycle that was cited or read."""
    return Source(label=f"cycle {short(cycle_id)} {instrument_id} {as_of:%Y-%m-%d %H:%M}", cycle_id=cycle_id)


def tool_source(use: "ToolUse") -> Source:
    """One use of a tool: what it was given, and what it said between its marks of data."""
    from agents.dossier import BEGIN, END

    lines = use.result.splitlines()
    is_fenced = len(lines) >= 2 and lines[0] == BEGIN and lines[-1] == END
    said = "\n".join(lines[1:-1] if is_fenced else lines)
    given = json.loads(use.arguments)
    values = " ".join(str(value) for value in given.values())
    label = f"tool {use.tool} {values}".strip()
    return Source(
        label=f"{label}, refused" if use.is_refused else label,
        rows=(
            ("tool", use.tool),
            *((name, str(value)) for name, value in given.items()),
            ("refused" if use.is_refused else "said", said),
        ),
    )
