"""A page for each group of tools: every tool with its documentation and an example that was really run.

The examples run on what comes with the desk. `EXAMPLES` says how where the plain call on EUR/USD would have
nothing to read; a tool whose input no sample has (quotes, a book) shows what it answers then.
"""

import math
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field

from desk.commands.tool_call import call_tool
from desk.commands.tool_inputs import sample_overrides
from desk.settings import Settings, load_settings
from docs.sameness import alike
from tools.formulas.catalogue import SETS
from tools.registry import Tool, groups

_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")
_AT = "2017-12-01T14:00"


@dataclass(frozen=True)
class Example:
    """How a tool is called on bundled data."""

    symbol: str = "EURUSD"
    at: str | None = _AT
    samples: tuple[str, ...] = ()
    interval: str | None = None
    other: str | None = None
    bars: int | None = None
    params: Mapping[str, float] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The settings that its options come to."""
        named = {"timeframe": self.interval, "snapshot.bars": self.bars}
        overrides = {name: value for name, value in named.items() if value is not None}
        return load_settings(sample_overrides(self.samples) | overrides)

    def command(self, name: str) -> str:
        """What a person types."""
        options: list[tuple[str, object]] = [
            ("--symbol", self.symbol),
            ("--other", self.other),
            ("--at", self.at),
        ]
        options += [("--sample", sample) for sample in self.samples]
        options += [("--interval", self.interval), ("--bars", self.bars)]
        options += [("--arg", f"{key}={value:g}") for key, value in self.params.items()]
        told = " ".join(f"{option} {value}" for option, value in options if value is not None)
        return f"dualbrain tools call {name} {told}"


_TRADED = Example("ES", None, ("es-minutes-2013",), "1m")
_PAIR = Example("SPX", None, ("spx-daily", "ixic-daily"), "1d", other="IXIC")
_FALL = Example("SPX", "2008-11-28T22:00", ("spx-daily",), "1d")
EXAMPLES: Mapping[str, Example] = {
    "bars_since_change": _FALL,
    "change_strength": _FALL,
    "half_life": Example(at="2017-05-10T14:00"),
    "roll_spread_bars": Example(at="2017-05-10T14:00"),
    "har_volatility": Example(bars=6000, params={"days": 100}),
    "harq_volatility": Example(bars=6000, params={"days": 100}),
    "har_forecast_edge": Example(bars=6000, params={"days": 100, "walked": 100}),
    "kyle_lambda": Example("ES", None, params={"by_ticks": 1}),
    "trade_sign_autocorrelation": Example("ES", None, params={"by_ticks": 1}),
    "vpin": Example("ES", None, params={"bar_seconds": 1}),
}


def tool_pages(kept: Mapping[str, str]) -> dict[str, str]:
    """Every page, by its file's name; a kept one stays where only the last digits of a fit differ."""
    made = {page_name(group): _page(group, tools) for group, tools in groups().items() if group not in SETS}
    return {
        name: kept[name] if say_the_same(text, kept.get(name, "")) else text for name, text in made.items()
    }


def page_name(group: str) -> str:
    """The name of a group's page, without folder or ending; published formulas have pages of their own."""
    return group.replace(" ", "_")


def page_link(tool: Tool) -> str:
    """The tool's name, leading to its section from beside the folder of the pages."""
    return f"[`{tool.name}`](tools/{page_name(tool.group)}.md#{tool.name})"


def example_of(tool: Tool) -> Example:
    """How this tool is shown."""
    if tool.name in EXAMPLES:
        return EXAMPLES[tool.name]
    if "other" in tool.inputs:
        return _PAIR
    if "bars" not in tool.inputs:
        return Example("ES", None)
    return _TRADED if "traded_volume" in tool.reads else Example()


def _page(group: str, tools: tuple[Tool, ...]) -> str:
    head = f"# Tools: {group}\n\nWritten by `python docs/generate.py`. [All groups](../tools.md)."
    return "\n\n".join([head, *map(_section, tools)]) + "\n"


def _section(tool: Tool) -> str:
    doc, example = tool.doc, example_of(tool)
    called = call_tool(
        tool.name,
        example.settings,
        example.symbol,
        at=example.at,
        other=example.other,
        params=example.params,
    )
    parts = [
        f"## {tool.name}\n\n{doc.summary} Unit: {tool.unit}.",
        doc.use,
        *([_parameters(tool)] if tool.parameters else []),
        f"**Returns** {_result(doc.returns)}",
        f"**Notes** {doc.notes}",
        f"**Source** {doc.references}",
        "```\n" + "\n".join([f"$ {example.command(tool.name)}", *called.as_lines()]) + "\n```",
    ]
    return "\n\n".join(parts)


def _parameters(tool: Tool) -> str:
    rows = [
        f"| `{each.name}` | {each.default:g} | {each.bounds.low:g} to {each.bounds.high:g} "
        f"| {each.text.removeprefix(each.kind.__name__).strip()} |"
        for each in tool.parameters
    ]
    return "\n".join(["| parameter | default | range | |", "| --- | --- | --- | --- |", *rows])


def _result(text: str) -> str:
    shape, _, meaning = text.partition("\n")
    return f"{shape}. {textwrap.dedent(meaning).strip()}"


def say_the_same(one: str, other: str) -> bool:
    """Whether two pages say the same, numbers within a thousandth: fits end a little apart on machines."""
    return alike(one, other, _NUMBER, _is_near)


def _is_near(one: str, other: str) -> bool:
    return math.isclose(float(one.replace(",", "")), float(other.replace(",", "")), rel_tol=1e-3)
