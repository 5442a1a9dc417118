"""Indicators against numbers printed by others; each case is named after where they were printed.

StockCharts ChartSchool publishes a spreadsheet beside each indicator (cs-rsi, cs-atr, cs-bbands,
cs-movavg). The directional worksheet is the one in Wilder's book, every figure rounded by hand on the
way: half a point in the lines, under one in ADX. All were taken from transcriptions, not from the
originals. Where the worksheet's transcription contradicts the movements printed beside it, they decide:
the low of the 22nd bar is 269.5 (not 269.58), and the 42nd bar, which closes under its low, is left out.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from contracts.market import Bars, Float1D
from tests.tools.price_paths import bars_from, closes_only
from tools.bollinger import bollinger_lower, bollinger_upper
from tools.indicators import ema, rsi
from tools.ranges import adx, atr, minus_di, plus_di

# fmt: off
RSI_CLOSE = [
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931,
    46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122, 46.2521,
    45.7137, 46.4515, 45.7835, 45.3548, 44.0288, 44.1783, 44.2181, 44.5672, 43.4205, 42.6628, 43.1314,
]
RSI_14 = [
    70.5328, 66.3186, 66.5498, 69.4063, 66.3552, 57.9749, 62.9296, 63.2571, 56.0593, 62.3771, 54.7076,
    50.4228, 39.9898, 41.4605, 41.8689, 45.4632, 37.3040, 33.0795, 37.7730,
]
EMA_CLOSE = [
    22.2734, 22.1940, 22.0847, 22.1741, 22.1840, 22.1344, 22.2337, 22.4323, 22.2436, 22.2933, 22.1542,
    22.3926, 22.3816, 22.6109, 23.3558, 24.0519, 23.7530, 23.8324, 23.9516, 23.6338, 23.8225, 23.8722,
    23.6537, 23.1870, 23.0976, 23.3260, 22.6805, 23.0976, 22.4025, 22.1725,
]
EMA_10 = [
    22.22, 22.21, 22.24, 22.27, 22.33, 22.52, 22.80, 22.97, 23.13, 23.28, 23.34, 23.43, 23.51, 23.54,
    23.47, 23.40, 23.39, 23.26, 23.23, 23.08, 22.92,
]
ATR_HIGH = [
    48.70, 48.72, 48.90, 48.87, 48.82, 49.05, 49.20, 49.35, 49.92, 50.19, 50.12, 49.66, 49.88, 50.19, 50.36,
    50.57, 50.65, 50.43, 49.63, 50.33, 50.29, 50.17, 49.32, 48.50, 48.3201, 46.80, 47.80, 48.39, 48.66, 48.79,
]
ATR_LOW = [
    47.79, 48.14, 48.39, 48.37, 48.24, 48.635, 48.94, 48.86, 49.50, 49.87, 49.20, 48.90, 49.43, 49.725,
    49.26, 50.09, 50.30, 49.21, 48.98, 49.61, 49.20, 49.43, 48.08, 47.64, 41.55, 44.2833, 47.31, 47.20,
    47.90, 47.7301,
]
ATR_CLOSE = [
    48.16, 48.61, 48.75, 48.63, 48.74, 49.03, 49.07, 49.32, 49.91, 50.13, 49.53, 49.50, 49.75, 50.03, 50.31,
    50.52, 50.41, 49.34, 49.37, 50.23, 49.2375, 49.93, 48.43, 48.18, 46.57, 45.41, 47.77, 47.72, 48.62, 47.85,
]
ATR_14 = [
    0.555, 0.593929, 0.585791, 0.568949, 0.615452, 0.61792, 0.642354, 0.674329, 0.69277, 0.775429, 0.78147,
    1.209229, 1.30262, 1.38029, 1.366698, 1.336219, 1.316482,
]
BANDS_CLOSE = [
    86.1557, 89.0867, 88.7829, 90.3228, 89.0671, 91.1453, 89.4397, 89.1750, 86.9302, 87.6752, 86.9596,
    89.4299, 89.3221, 88.7241, 87.4497, 87.2634, 89.4985, 87.9006, 89.1260, 90.7043, 92.9001, 92.9784,
    91.8021, 92.6647, 92.6843, 92.3021, 92.7725, 92.5373, 92.9490, 93.2039, 91.0669, 89.8318, 89.7435,
    90.3994, 90.7387, 88.0177, 88.0867, 88.8439, 90.7781, 90.5416, 91.3894, 90.6500,
]
UPPER_20 = [
    91.291862, 91.949268, 92.612595, 92.9342, 93.31195, 93.72845, 93.899592, 94.266255, 94.565096, 94.786912,
    95.043001, 94.907605, 94.902912, 94.89532, 94.861013, 94.673629, 94.556593, 94.678752, 94.575786,
    94.534271, 94.532306, 94.369251, 94.148503,
]
LOWER_20 = [
    86.124018, 86.141052, 85.866895, 85.84721, 85.70365, 85.64887, 85.593408, 85.560025, 85.597414, 85.977478,
    86.274259, 86.820385, 86.865268, 86.915, 87.116837, 87.633121, 87.825587, 87.562248, 87.759544, 87.966269,
    87.951964, 87.963949, 87.951857,
]
WILDER_HIGH = [
    274, 273.25, 272, 270.75, 270, 270.5, 268.5, 265.5, 262.5, 263.5, 269.5, 267.25, 267.5, 269.75, 268.25,
    264, 268, 266, 274, 277.5, 277, 272, 267.75, 269.25, 266, 265, 264.75, 261, 257.5, 259, 259.75, 257.25,
    250, 254.25, 254, 253.25, 253.25, 251.75, 253, 251.5, 246.25,
]
WILDER_LOW = [
    272, 270.25, 269.75, 268, 269, 268, 266.5, 263, 259, 260, 263, 265, 265.5, 266, 263.25, 261.5, 266.25,
    264.25, 267, 273.5, 272.5, 269.5, 264, 263, 263.5, 262, 261.5, 255.5, 253, 254, 257.5, 250, 247, 252.75,
    250.5, 250.25, 251, 250.5, 249.5, 245.25, 240,
]
WILDER_CLOSE = [
    272.75, 270.75, 270, 269.25, 269.75, 270, 266.5, 263.25, 260.25, 263, 266.5, 267, 265.75, 268.5, 264.25,
    264, 266.5, 265.25, 273, 276.75, 273, 270.25, 266.75, 263, 265.5, 262.25, 262.75, 255.5, 253, 257.5,
    257.5, 250, 249.75, 253.75, 251.25, 250.5, 253, 251.5, 250, 245.75, 242.75,
]
WILDER_PLUS_DI = [
    20, 19, 26, 25, 37, 41, 37, 34, 30, 30, 28, 26, 25, 22, 20, 20, 21, 18, 17, 23, 22, 21, 20, 19, 20,
    18, 16,
]
# The eighteenth is printed as 41, but the worksheet's own sums beside it, 25.67 and 60.77, give 42.
WILDER_MINUS_DI = [
    36, 38, 35, 37, 31, 28, 27, 31, 38, 34, 32, 33, 32, 38, 39, 36, 34, 42, 45, 42, 43, 41, 39, 38, 36,
    39, 44,
]
WILDER_ADX = [17, 18, 18, 20, 22, 22, 23, 23, 24, 25, 25, 26, 27]
# fmt: on

WILDER = bars_from(WILDER_HIGH, WILDER_LOW, WILDER_CLOSE)
# The spreadsheet counts high - low of the first bar as a true range. A bar before it that closed inside
# that range says the same to an average that only counts bars with a previous close.
ATR_BARS = bars_from([48.16, *ATR_HIGH], [48.16, *ATR_LOW], [48.16, *ATR_CLOSE])


@pytest.mark.parametrize(
    ("tool_function", "bars", "printed", "within"),
    [
        pytest.param(rsi, closes_only(RSI_CLOSE), RSI_14, 6e-5, id="stockcharts-cs-rsi"),
        pytest.param(atr, ATR_BARS, ATR_14, 1e-6, id="stockcharts-cs-atr"),
        pytest.param(
            bollinger_upper, closes_only(BANDS_CLOSE), UPPER_20, 1e-6, id="stockcharts-cs-bbands-up"
        ),
        pytest.param(
            bollinger_lower, closes_only(BANDS_CLOSE), LOWER_20, 1e-6, id="stockcharts-cs-bbands-low"
        ),
        pytest.param(plus_di, WILDER, WILDER_PLUS_DI, 0.5, id="wilder-1978-worksheet-plus-di"),
        pytest.param(minus_di, WILDER, WILDER_MINUS_DI, 0.51, id="wilder-1978-worksheet-minus-di"),
    ],
)
def test_printed_values_are_reproduced_and_nothing_is_known_before_them(
    tool_function: Callable[[Bars], Float1D], bars: Bars, printed: Sequence[float], within: float
) -> None:
    found = tool_function(bars)
    assert np.isnan(found[: -len(printed)]).all()
    np.testing.assert_allclose(found[-len(printed) :], printed, rtol=0, atol=within)


def test_ema_reproduces_stockcharts_cs_movavg() -> None:
    found = ema(closes_only(EMA_CLOSE), period=10)
    assert np.isnan(found[:9]).all()
    np.testing.assert_allclose(found[9:], EMA_10, rtol=0, atol=0.005)


def test_adx_reproduces_wilders_worksheet_within_its_rounding() -> None:
    # The first value, the mean of 14 rounded DX, is not printed beside the others.
    found = adx(WILDER)
    assert np.isnan(found[:27]).all()
    np.testing.assert_allclose(found[28:], WILDER_ADX, rtol=0, atol=0.75)
