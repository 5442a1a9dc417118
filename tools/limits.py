"""The numbers a person sets: how much may be risked, held and lost. Every one has a bound.

Percentages are of account equity, open profit and loss included, in the account's currency. The
defaults are this desk's own choices, not facts about any venue. Where several limits speak about the
same trade the tightest one wins, so lowering any number can only make trades smaller or fewer.
"""

from decimal import Decimal

from pydantic import Field

from contracts.canonical import Record
from contracts.market import Market
from contracts.ports import Limit
from contracts.records import AccountMarks


class KellySettings(Record):
    """How the Kelly rule turns closed trades into a bound on the money at risk."""

    min_trades: int = Field(default=30, ge=1, le=10_000)
    """Closed trades under which the rule does not bind."""
    fraction: float = Field(default=0.5, gt=0, le=1)
    """Share of the full Kelly fraction used; 0.5 is half Kelly."""
    shrink_trades: float = Field(default=30.0, ge=0, le=10_000)
    """Weight of the no-edge belief, in trades: n trades count n / (n + shrink_trades)."""
    cap_pct: float = Field(default=2.0, gt=0, le=10)
    """Most the rule may allow, in percent of equity, however good the record looks."""


class RiskLimits(Record):
    """Every limit the sizing and the risk guard read; an unknown name stops start-up."""

    risk_per_trade_pct: float = Field(default=1.0, gt=0, le=5)
    """Equity lost if the stop fills at its price, any market; a market's own figure may only tighten it."""
    forex_risk_pct: float | None = Field(default=None, gt=0, le=5)
    """Tighter risk a trade for forex and metals; None follows risk_per_trade_pct."""
    futures_risk_pct: float | None = Field(default=None, gt=0, le=5)
    """Tighter risk a trade for futures; None follows risk_per_trade_pct."""
    crypto_risk_pct: float | None = Field(default=0.8, gt=0, le=5)
    """Tighter risk a trade for crypto; None follows risk_per_trade_pct."""
    index_risk_pct: float | None = Field(default=None, gt=0, le=5)
    """Tighter risk a trade for indices; None follows risk_per_trade_pct."""
    max_position_notional_pct: float = Field(default=300.0, ge=0, le=5000)
    """Notional of one instrument, everything open and working in it counted, in percent of equity."""
    forex_max_leverage: float = Field(default=5.0, ge=0, le=50)
    """Gross notional of all forex and metals together, in multiples of equity."""
    futures_max_leverage: float = Field(default=10.0, ge=0, le=50)
    """Gross notional of all futures together, in multiples of equity."""
    crypto_max_leverage: float = Field(default=2.0, ge=0, le=50)
    """Gross notional of all crypto together, in multiples of equity."""
    index_max_leverage: float = Field(default=5.0, ge=0, le=50)
    """Gross notional of all indices together, in multiples of equity."""
    max_gross_leverage: float = Field(default=10.0, ge=0, le=50)
    """Gross notional of the whole account, longs and shorts added up, in multiples of equity."""
    max_daily_loss_pct: float = Field(default=3.0, gt=0, le=100)
    """Fall of equity since the trading day opened, in percent of that opening equity."""
    max_drawdown_pct: float = Field(default=10.0, gt=0, le=100)
    """Fall of equity from its highest value, in percent of that peak."""
    stop_atr_multiple: float = Field(default=2.0, gt=0, le=20)
    """Distance from entry to stop, in average true ranges of the decision timeframe."""
    target_r_multiple: float = Field(default=1.5, gt=0, le=20)
    """Distance from entry to target, in distances from entry to stop."""
    max_quote_age_bars: float = Field(default=1.0, gt=0, le=10)
    """Oldest quote an entry may be judged on, in bars of the decision timeframe."""
    kelly: KellySettings = KellySettings()
    """The Kelly rule's own settings."""

    def risk_pct(self, market: Market) -> float:
        """Percent of equity one trade in `market` may risk: the tighter of the two figures."""
        own = {
            "forex": self.forex_risk_pct,
            "futures": self.futures_risk_pct,
            "crypto": self.crypto_risk_pct,
            "index": self.index_risk_pct,
        }[market]
        return self.risk_per_trade_pct if own is None else min(own, self.risk_per_trade_pct)

    def max_leverage(self, market: Market) -> float:
        """Gross notional allowed in all of `market`, in multiples of equity."""
        return {
            "forex": self.forex_max_leverage,
            "futures": self.futures_max_leverage,
            "crypto": self.crypto_max_leverage,
            "index": self.index_max_leverage,
        }[market]


def limits_in_force(limits: RiskLimits, market: Market, marks: AccountMarks) -> tuple[Limit, ...]:
    """The limits that a trade in `market` meets, with what the account has used of those that it uses up."""
    equity = float(marks.equity)
    return (
        Limit("risk_limit_pct", limits.risk_pct(market), "percent"),
        Limit(
            "daily_loss_limit_pct",
            limits.max_daily_loss_pct,
            "percent",
            _fall_pct(marks.day_open_equity, equity),
        ),
        Limit("drawdown_limit_pct", limits.max_drawdown_pct, "percent", _fall_pct(marks.peak_equity, equity)),
        Limit("position_limit_pct", limits.max_position_notional_pct, "percent"),
        Limit("leverage_limit", min(limits.max_leverage(market), limits.max_gross_leverage), "ratio"),
    )


def _fall_pct(start: Decimal, equity: float) -> float:
    return max(0.0, 100 * (float(start) - equity) / float(start)) if start > 0 else 0.0
