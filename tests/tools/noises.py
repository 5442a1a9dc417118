"""Series whose memory is known."""

import numpy as np

from contracts.market import Float1D


def fractional_noise(rng: np.random.Generator, n: int, hurst: float) -> Float1D:
    """Fractional Gaussian noise of variance 1, exact: Davies and Harte (1987)."""
    lags = np.arange(n + 1.0)
    powers = [np.abs(lags + step) ** (2 * hurst) for step in (1.0, 0.0, -1.0)]
    covariance = (powers[0] - 2 * powers[1] + powers[2]) / 2
    spectrum = np.fft.fft(np.concatenate((covariance, covariance[-2:0:-1]))).real
    assert spectrum.min() > -1e-9
    m = len(spectrum)
    draws = rng.normal(size=m) + 1j * rng.normal(size=m)
    noise: Float1D = np.fft.fft(np.sqrt(np.maximum(spectrum, 0) / m) * draws).real[:n]
    return noise


def autoregression(rng: np.random.Generator, n: int, phi: float) -> Float1D:
    """x_t = phi x_{t-1} + e_t in its stationary law; a random walk where phi is 1."""
    out = rng.normal(size=n)
    out[0] /= np.sqrt(1 - phi**2) if phi < 1 else 1.0
    for i in range(1, n):
        out[i] += phi * out[i - 1]
    return out
