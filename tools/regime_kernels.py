"""Recursions of a two-state Markov-switching variance: Hamilton's filter, and steps of EM.

Returns have one mean; state 0 and state 1 have each its variance and its probability to stay. The chain
begins in its stationary law. Doors: `regime_switching.py`.
"""

import math

import numpy as np

from contracts.market import Float1D, Float2D
from tools.formulas.compiled import compiled

_FLOOR = 1e-12
"""Least probability to leave a state; a state that is never left would never be entered."""


@compiled
def filter_states(
    x: Float1D, mean: float, variance: Float1D, stay: Float1D, predicted: Float2D, filtered: Float2D
) -> float:
    """Log likelihood; fills P(state_t | x before t) and P(state_t | x up to t), both of shape (n, 2)."""
    leave = 2.0 - stay[0] - stay[1]
    now = (1.0 - stay[1]) / leave
    total = 0.0
    for t in range(len(x)):
        predicted[t, 0], predicted[t, 1] = now, 1.0 - now
        square = (x[t] - mean) ** 2
        log_0 = -0.5 * (math.log(2.0 * math.pi * variance[0]) + square / variance[0])
        log_1 = -0.5 * (math.log(2.0 * math.pi * variance[1]) + square / variance[1])
        # Of a far outlier both densities vanish; their quotient does not.
        largest = max(log_0, log_1)
        one, other = now * math.exp(log_0 - largest), (1.0 - now) * math.exp(log_1 - largest)
        both = one + other
        filtered[t, 0], filtered[t, 1] = one / both, other / both
        total += largest + math.log(both)
        now = filtered[t, 0] * stay[0] + filtered[t, 1] * (1.0 - stay[1])
    return total


@compiled
def smooth_states(
    stay: Float1D, predicted: Float2D, filtered: Float2D, smoothed: Float2D, moves: Float2D
) -> None:
    """Fill P(state_t | all x), and how often each state is expected to have followed each, (from, to)."""
    moves[:] = 0.0
    last = len(filtered) - 1
    smoothed[last, 0], smoothed[last, 1] = filtered[last, 0], filtered[last, 1]
    for t in range(last - 1, -1, -1):
        for i in range(2):
            smoothed[t, i] = 0.0
            for j in range(2):
                chance = stay[i] if i == j else 1.0 - stay[i]
                joint = filtered[t, i] * chance * smoothed[t + 1, j] / predicted[t + 1, j]
                smoothed[t, i] += joint
                moves[i, j] += joint


@compiled
def leaving(n_left: float, n_stayed: float, leave: float) -> float:
    """Root in (0, 1) of n_left / a - n_stayed / (1 - a) - 1 / leave.

    The stationary begin adds -log(a_0 + a_1) to what is maximised; its tangent at the old sum `leave` bounds
    it from below, so that the step never lowers the likelihood.
    """
    pull = 1.0 / leave
    middle = n_left + n_stayed + pull
    return 2.0 * n_left / (middle + math.sqrt(middle * middle - 4.0 * pull * n_left))


@compiled
def climb(x: Float1D, parameters: Float1D, most_steps: int, gain: float) -> tuple[float, int]:
    """EM from `parameters` (mean, two variances, two stays), in place, until a step gains less than `gain`.

    Returns the log likelihood of the parameters before the last step, and how many steps were taken.
    """
    n = len(x)
    predicted, filtered, smoothed = np.empty((n, 2)), np.empty((n, 2)), np.empty((n, 2))
    moves = np.empty((2, 2))
    before = -np.inf
    for step in range(most_steps):
        mean, variance, stay = parameters[0], parameters[1:3], parameters[3:5]
        now = filter_states(x, mean, variance, stay, predicted, filtered)
        if now - before < gain:
            return now, step
        before = now
        smooth_states(stay, predicted, filtered, smoothed, moves)
        weight, weighted = 0.0, 0.0
        for t in range(n):
            precision = smoothed[t, 0] / variance[0] + smoothed[t, 1] / variance[1]
            weight += precision
            weighted += precision * x[t]
        mean = weighted / weight
        leave = 2.0 - stay[0] - stay[1]
        for i in range(2):
            mass, squares = 0.0, 0.0
            for t in range(n):
                mass += smoothed[t, i]
                squares += smoothed[t, i] * (x[t] - mean) ** 2
            parameters[1 + i] = squares / mass if mass > 0.0 else 0.0
            left = moves[i, 1 - i] + smoothed[0, 1 - i]
            gone = leaving(left, moves[i, i], leave)
            parameters[3 + i] = 1.0 - min(max(gone, _FLOOR), 1.0 - _FLOOR)
        parameters[0] = mean
        if not (parameters[1] > 0.0 and parameters[2] > 0.0):
            return np.nan, step
    return before, most_steps
