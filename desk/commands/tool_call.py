"""One call of a tool on the configured feed: what was asked, and the answer in words or as JSON."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from contracts.market import Timeframe
from desk.commands.tool_inputs import inputs_for, known_at
from desk.present import moment, number
from desk.settings import Settings
from markets.instruments import resolve
from tools.registry import Tool, ToolValue, get_tool
from tools.tool_docs import rows_of


def call_tool(
    name: str,
    settings: Settings,
    symbol: str,
    *,
    at: str | None,
    other: str | None,
    params: Mapping[str, float],
) -> "Called":
    """Call it as of `at`, or of the feed's end. SettingsError or ToolInputError for a mistake."""
    tool, instrument_id = get_tool(name), resolve(symbol).instrument_id
    prepared = tool.prepare(**params)
    inputs = asyncio.run(inputs_for(tool, settings, instrument_id, at, other))
    return Called(
        tool=tool,
        params=prepared.params,
        instrument_id=instrument_id,
        timeframe=settings.timeframe if "bars" in tool.inputs else None,
        as_of=known_at(tool, inputs),
        value=prepared.newest(inputs),
    )


@dataclass(frozen=True)
class Called:
    """One call and what came of it."""

    tool: Tool
    params: Mapping[str, int | float]
    instrument_id: str
    timeframe: Timeframe | None
    """None where no bars are read."""
    as_of: datetime | None
    value: ToolValue

    def as_lines(self) -> list[str]:
        """What a person is told."""
        given = ", ".join(f"{name}={setting:g}" for name, setting in self.params.items())
        on = f" {self.timeframe}, bar closed" if self.timeframe else ", known by"
        when = f"{on} {moment(self.as_of)}" if self.as_of else ", of which nothing is known"
        found = self.value
        return [
            f"{self.tool.name}({given}) of {self.instrument_id}{when}",
            f"none: {found.reason}" if found.value is None else f"{number(found.value)} {self.tool.unit}",
            f"from {found.n_obs:,} {rows_of(self.tool.inputs[0], found.n_obs)}",
            *(f"warning: {warning}" for warning in found.warnings),
        ]

    def as_json(self) -> dict[str, object]:
        """What a script is told."""
        return {
            "tool": self.tool.name,
            "parameters": dict(self.params),
            "instrument_id": self.instrument_id,
            "timeframe": self.timeframe,
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
            "value": self.value.value,
            "unit": self.tool.unit,
            "n_obs": self.value.n_obs,
            "reason": self.value.reason,
            "warnings": list(self.value.warnings),
        }
