"""Bars shorter than a day, for what makes days out of them."""

from datetime import UTC, datetime

import numpy as np

from contracts.market import Bars, Float1D

HOUR_MS = 3_600_000


def hourly_bars(seed: int, n_days: int, hours: int = 24, begins: str = "2023-01-02T22:00") -> Bars:
    """Hours that follow each other, with a volatility that wanders from day to day."""
    rng = np.random.default_rng(seed)
    n = n_days * hours
    first = int(datetime.fromisoformat(begins).replace(tzinfo=UTC).timestamp() * 1000)
    step = 24 * HOUR_MS // hours
    opened = first + np.arange(n, dtype=np.int64) * step
    level = np.zeros(n_days)
    for i in range(1, n_days):
        level[i] = 0.9 * level[i - 1] + rng.normal(0, 0.2)
    sigma = 1e-3 * np.exp(np.repeat(level, hours))
    close = 1.1 * np.exp(np.cumsum(rng.normal(0, 1, n) * sigma))
    return Bars(opened, opened + step, close, close, close, close, np.full(n, np.nan), "mid")


def true_days(seed: int, n: int) -> tuple[Float1D, Float1D, Float1D]:
    """True variance of days, realized variance and quarticity of 78 returns; three in ten measured badly."""
    rng = np.random.default_rng(seed)
    level = np.zeros(n)
    for i in range(1, n):
        level[i] = 0.7 * level[i - 1] + rng.normal(0, 0.25)
    truth = 1e-4 * np.maximum(1 + level, 0.2)
    # A badly measured day has nearly all its movement in two returns.
    is_bad = rng.random((n, 1)) < 0.3
    share = np.where(is_bad, np.r_[[40.0] * 2, [0.1] * 76], 1.0)
    share /= share.sum(axis=1, keepdims=True)
    returns = rng.normal(0, 1, (n, 78)) * np.sqrt(share * truth[:, None])
    return truth, np.square(returns).sum(axis=1), 78 / 3 * (returns**4).sum(axis=1)


def measured_days(seed: int, n: int) -> tuple[Float1D, Float1D]:
    """What is seen of `true_days`."""
    _, values, quarticity = true_days(seed, n)
    return values, quarticity
