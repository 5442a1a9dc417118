"""Keeps the composite weights in force: fitted on an absolute schedule, journaled once, found again."""

from collections.abc import Iterable
from datetime import datetime

from contracts.market import Bars, Timeframe
from contracts.ports import Feed, Journal
from contracts.records import BarSeries, CompositeWeights
from markets.bars import ChunkWriter
from tools.composite import fit_composite, fit_point
from tools.decision_settings import CompositeSettings


class WeightsKeeper:
    """Fits when the schedule says so; between two fit points it only remembers."""

    def __init__(
        self,
        feed: Feed,
        journal: Journal,
        writer: ChunkWriter,
        timeframe: Timeframe,
        settings: CompositeSettings,
        others: Iterable[str] = (),
    ) -> None:
        """`others` are the instruments that the signals compare with."""
        self._feed = feed
        self._journal = journal
        self._writer = writer
        self._timeframe = timeframe
        self._settings = settings
        self._others = tuple(others)
        self._in_force: dict[str, tuple[datetime, CompositeWeights | None, str | None]] = {}

    async def current(
        self, instrument_id: str, as_of: datetime
    ) -> tuple[CompositeWeights | None, str | None]:
        """The weights for a decision at `as_of`, or None and the reason."""
        at = fit_point(as_of, self._timeframe, self._settings)
        known = self._in_force.get(instrument_id)
        if known is None or known[0] != at:
            known = (at, *await self._fit(instrument_id, at))
            self._in_force[instrument_id] = known
        return known[1], known[2]

    def by_id(self, weights_id: str | None) -> CompositeWeights | None:
        """Weights on record; those in force come from memory."""
        if weights_id is None:
            return None
        for _, weights, _ in self._in_force.values():
            if weights is not None and weights.record_id == weights_id:
                return weights
        return self._journal.by_id(CompositeWeights, weights_id)

    async def _stored(self, instrument_id: str, at: datetime) -> tuple[BarSeries, Bars]:
        bars = await self._feed.bars(instrument_id, self._timeframe, at, self._settings.fit_bars)
        return self._writer.store(instrument_id, self._timeframe, bars), bars

    async def _fit(self, instrument_id: str, at: datetime) -> tuple[CompositeWeights | None, str | None]:
        series, bars = await self._stored(instrument_id, at)
        others = [await self._stored(other, at) for other in self._others if other != instrument_id]
        known = {name: found for name, found in others if len(found)}
        fitted = fit_composite(bars, series=series, settings=self._settings, others=known)
        if isinstance(fitted, str):
            return None, fitted
        if self._journal.by_id(CompositeWeights, fitted.record_id) is None:
            self._journal.append(fitted)
        return fitted, None
