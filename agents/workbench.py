"""The quant tools as a model may use them on one case: find one, read it, call it.

Eight hundred tools do not go into a prompt. Every number that comes out is evidence on record, with an id
that a view may cite. Nothing here can reach a broker: the registry holds tools that read, and no others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agents.blind import mask_of
from contracts.errors import ToolInputError
from contracts.market import Bars, Timeframe
from contracts.ports import Case
from contracts.records import Evidence
from contracts.ticks import Beside
from tools.formulas.catalogue import formulas
from tools.registry import Tool, all_tools, get_tool
from tools.shared_bars import SharedBars

MAX_FOUND = 8
_WEIGHT_OF_NAME = 3
"""A word in a tool's name says more than the same word in its summary."""


@dataclass
class Workbench:
    """What one brain may do on one case; the same call is answered once."""

    case: Case
    bars: Mapping[Timeframe, Bars]
    others: Sequence[Bars]
    max_calls: int
    called: list[Evidence] = field(default_factory=list)
    _known: dict[tuple[object, ...], Evidence] = field(default_factory=dict)

    def find(self, query: str) -> list[str]:
        """Tools whose name or summary holds the most words of the query, a line each, best first."""
        return find_tools(query)

    def read(self, name: str) -> str:
        """What a tool is for, a formula's text, parameters with their bounds. ToolInputError if unknown."""
        return read_tool(name)

    def call(self, name: str, timeframe: str, parameters: Mapping[str, float]) -> Evidence:
        """One number, on record from then on.

        Raises ToolInputError where name, timeframe or parameters do not fit, or no call is left.
        """
        bars = self._bars_on(timeframe)
        prepared = get_tool(name).prepare(**parameters)
        key = (name, timeframe, tuple(sorted(parameters.items())))
        if key in self._known:
            return self._known[key]
        if len(self.called) >= self.max_calls:
            raise ToolInputError(
                f"expected at most {self.max_calls} calls of tools, found one more; answer now"
            )
        value = prepared.newest(bars)
        evidence = Evidence(
            evidence_id=f"{name}.{len(self.called) + 1}",
            tool=name,
            instrument_id=self.case.snapshot.instrument.instrument_id,
            timeframe=Timeframe(timeframe),
            value=value.value,
            unit=get_tool(name).unit,
            n_obs=value.n_obs,
            reason=value.reason,
            warnings=value.warnings,
        )
        self.called.append(evidence)
        self._known[key] = evidence
        return evidence

    def shown(self, row: Evidence) -> Evidence:
        """A row as the model may see it; what goes on record is the row itself."""
        return mask_of(self.case).evidence(row)

    def _bars_on(self, timeframe: str) -> SharedBars:
        known = {str(each): series for each, series in self.bars.items()}
        if timeframe not in known:
            raise ToolInputError(f"expected a timeframe among {', '.join(known)}, found {timeframe!r}")
        is_own = timeframe == str(self.case.snapshot.timeframe)
        beside = Beside(is_volume_traded=self.case.snapshot.instrument.has_traded_volume)
        return SharedBars.of(known[timeframe], tuple(self.others) if is_own else (), beside)


def find_tools(query: str) -> list[str]:
    """Tools whose name or summary holds the most words of the query, a line each, best first."""
    words = {word for word in query.lower().replace("_", " ").split() if len(word) > 1}
    ranked = sorted(((_rank(tool, words), tool.name, tool) for tool in all_tools()), key=_best_first)
    return [_line(tool) for rank, _, tool in ranked[:MAX_FOUND] if rank]


def read_tool(name: str) -> str:
    """What a tool is for, a formula's text, parameters with their bounds. ToolInputError if unknown."""
    tool = get_tool(name)
    lines = [_line(tool)]
    if name in formulas():
        lines.append(f"  text: {formulas()[name].text}")
    lines += [
        f"  {p.name}: {p.text} From {p.bounds.low:g} to {p.bounds.high:g}; {p.default:g} if left out."
        for p in tool.parameters
    ]
    return "\n".join(lines)


def _rank(tool: Tool, words: set[str]) -> int:
    name, text = tool.name.replace("_", " ").split(), tool.summary.lower()
    return sum(_WEIGHT_OF_NAME * (word in name) + (word in text) for word in words)


def _best_first(ranked: tuple[int, str, Tool]) -> tuple[int, str]:
    return -ranked[0], ranked[1]


def _line(tool: Tool) -> str:
    return f"{tool.name} ({tool.unit}): {tool.summary}"
