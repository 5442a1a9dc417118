"""Settings of the deterministic half of a decision: technical score, composite strength, gate."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.market import Market


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ScoreSettings(_Settings):
    """From how many points on the technical score proposes, and whether the higher trend may veto.

    A minimum is counted in the score's points, on the side that has more.
    """

    forex_minimum: float = Field(default=2.5, gt=0)
    futures_minimum: float = Field(default=3.0, gt=0)
    crypto_minimum: float = Field(default=2.5, gt=0)
    index_minimum: float = Field(default=3.0, gt=0)
    higher_trend_filter: bool = True

    def minimum_for(self, market: Market) -> float:
        """Points the leading side needs in this market."""
        return {
            "forex": self.forex_minimum,
            "futures": self.futures_minimum,
            "crypto": self.crypto_minimum,
            "index": self.index_minimum,
        }[market]


DEFAULT_SIGNALS = (
    "rsi_centred",
    "short_rsi_centred",
    "macd_histogram_per_atr",
    "ema_spread_per_atr",
    "directional_movement",
    "percent_b_centred",
)


class CompositeSettings(_Settings):
    """When the composite strength is fitted, on what, and towards what; all counts are bars.

    `signals` are those of `tools/composite.py` and names of formulas; a profile may bring its own.
    `fit_bars` is the whole window; its first `warm_up_bars` are left to the recursive averages, each
    weighting looks at `label_bars` signals and the returns after them, and a new weighting is made every
    `refit_every`. `min_scale_bars` is how many out-of-sample values must stand behind the scale.
    """

    signals: tuple[str, ...] = Field(default=DEFAULT_SIGNALS, min_length=1)
    fit_bars: int = Field(default=600, ge=1)
    warm_up_bars: int = Field(default=80, ge=0)
    label_bars: int = Field(default=240, ge=30)
    horizon_bars: int = Field(default=4, ge=1)
    refit_every: int = Field(default=24, ge=1)
    min_scale_bars: int = Field(default=96, ge=2)

    @model_validator(mode="after")
    def _window_holds_a_walk(self) -> Self:
        if self.label_bars < 10 * self.horizon_bars:
            raise ValueError(
                f"expected label_bars of at least ten horizons ({10 * self.horizon_bars}), "
                f"found {self.label_bars}; lengthen it or shorten horizon_bars"
            )
        needed = self.warm_up_bars + self.label_bars + self.horizon_bars + self.min_scale_bars
        if self.fit_bars < needed + self.refit_every:
            raise ValueError(
                f"expected fit_bars of at least {needed + self.refit_every} (warm-up, labels, horizon, scale "
                f"and one refit), found {self.fit_bars}; raise it or shorten the others"
            )
        return self


class GateSettings(_Settings):
    """From which measured strength on the desk thinks (`brief`), and asks the panel (`vote`).

    Both are in units of the composite's usual size, so at 1 the signal is larger than usual.
    `panel_from_score` is the technical score from which mode `technical+panel` asks the panel.
    """

    brief: float = Field(default=1.0, gt=0)
    vote: float = Field(default=1.5, gt=0)
    panel_from_score: float = Field(default=6.0, ge=0)

    @model_validator(mode="after")
    def _thresholds_in_order(self) -> Self:
        if self.brief > self.vote:
            raise ValueError(
                f"expected brief at or under vote, found {self.brief:g} and {self.vote:g}; lower brief"
            )
        return self
