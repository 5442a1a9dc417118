"""A chart of closed bars with the prices of a trade drawn across it, each with its name."""

from collections.abc import Sequence
from typing import cast

from textual_plotext import PlotextPlot

from tui.door import Candles, Question

_TICKS = 4


class CandleChart(PlotextPlot):
    """Renders one run of bars; levels are told by name at their line, never by colour alone."""

    def show(self, candles: Candles | None, question: Question | None = None) -> None:
        """Draw anew."""
        plot = self.plt
        plot.clear_figure()
        if candles is None or not candles.times:
            plot.title("no bars on record")
            self.refresh()
            return
        # By number: by date a weekend would be a hole. Plotext draws numbers and asks for text in its types.
        bars = list(range(len(candles.times)))
        prices = {
            "Open": list(candles.open),
            "Close": list(candles.close),
            "High": list(candles.high),
            "Low": list(candles.low),
        }
        plot.title(f"{candles.label}, last {candles.close[-1]:g}")
        for _, level in _levels(question):
            plot.plot([0, bars[-1]], [level, level], marker="-", color="white")
        plot.candlestick(cast("Sequence[str]", bars), prices)
        shown = bars[:: max(1, len(bars) // _TICKS)]
        plot.xticks([float(at) for at in shown], [f"{candles.times[at]:%d %b %H:%M}" for at in shown])
        for name, level in _levels(question):
            plot.text(f"{name} {level:g}", 0, level, alignment="left", color="white", background="default")
        self.refresh()


def _levels(question: Question | None) -> list[tuple[str, float]]:
    if question is None:
        return []
    named = (("entry", question.entry), ("stop", question.stop), ("target", question.target))
    return [(name, level) for name, level in named if level is not None]
