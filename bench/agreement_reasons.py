"""Why formulas are not exact with a peer: what its code does otherwise, found by following its values."""

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass

from tools.formulas.catalogue import published


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some formulas are not exact with a peer, on some panel at least."""

    peer: str
    text: str
    alpha101: str = ""
    alpha191: str = ""
    alpha158: str = ""
    """What follows the set's name, by blanks; a star stands for any ending."""

    def names(self) -> Iterator[str]:
        for set_name in ("alpha101", "alpha191", "alpha158"):
            for pattern in getattr(self, set_name).split():
                yield from fnmatch.filter(published(), f"{set_name}_{pattern}")


_WITH_SMA = (
    "009 02[2348] 047 057 063 067 068 072 079 08[129] 096 102 109 111 122 135 146 151 152 155 158 16[024] "
    "169 17[34] 188"
)
REASONS = (
    Reason(
        "alpha101v",
        "Its `^` gives 0 for a base of 0 whatever the exponent, a missing one too, and 1 for `1 ^ x` and "
        "`x ^ 0` with a missing x. Ranks from 0 to 1 reach all of them.",
        alpha101="067 069 070 078 080 085 090 094",
    ),
    Reason(
        "alpha101v",
        "Ties: correlations over a few bars, or of ranks, are equal on paper in many instruments.",
        alpha101="015 045 092 098",
    ),
    Reason(
        "alpha101v",
        "Our text has 0 for the correlation of what stands still (see the formula's note), theirs nothing.",
        alpha101="096 097",
    ),
    Reason(
        "KunQuant",
        "Its text is not the published one: 001 has no `- 0.5`, 010 no outer rank, 029 a sum for the inner "
        "ts_min, 032, 036 and 047 a mean over the mean, 038 ranks the open, 072 adds 0.0001 to both sides of "
        "the quotient.",
        alpha101="001 010 029 032 036 038 047 072",
    ),
    Reason(
        "KunQuant",
        "It puts 0, in some 1, for what is missing or infinite inside the formula, the first bars included.",
        alpha101="002 003 006 014 015 017 018 022 026 028 030 031 034 040 043 044 045 047 050 055 066 077 "
        "078 085 088 092 094 096 098",
        alpha158="corr* cord*",
    ),
    Reason(
        "KunQuant", "A missing adv leaves it missing; our condition then fails and gives -1.", alpha101="007"
    ),
    Reason(
        "KunQuant",
        "Ties: covariances of ranks and correlations over a few bars are equal on paper in many instruments.",
        alpha101="013 016 034 045",
    ),
    Reason(
        "KunQuant",
        "Its exponential is good to six digits, and with it every power whose exponent is no constant.",
        alpha101="078 084 085 094",
    ),
    Reason(
        "KunQuant",
        "Where a window stands still its mean is off by a rounding, and the correlation missing or about 0, "
        "as it happens.",
        alpha101="015 027 074 075 078 081 096 098",
    ),
    Reason(
        "KunQuant",
        "Its min and max give the second operand where either is missing.",
        alpha101="071 077 088 092 096",
    ),
    Reason(
        "KunQuant",
        "Its regressions are known from the second bar on; short ones lose digits where prices hardly move.",
        alpha158="beta* rsqr* resi*",
    ),
    Reason("KunQuant", "Cut to 10 in size; what is missing becomes 10.", alpha158="rsv*"),
    Reason(
        "Qlib",
        "Its regressions add squares before they subtract: digits are lost where prices hardly move. Of two "
        "bars a straight line explains up to 1.00000001 of the variance.",
        alpha158="beta5 rsqr* resi*",
    ),
    Reason(
        "Qlib",
        "A missing bar in the window passes for the largest and the smallest.",
        alpha158="imax* imin* imxd*",
    ),
    Reason(
        "Qlib",
        "A standard deviation below 0.00002 passes for none, whatever the unit.",
        alpha158="corr* cord*",
    ),
    Reason(
        "polars_ta",
        "The correlation of what stands still, and x / 0, are not missing but NaN or infinite: the largest "
        "where they are ranked or compared.",
        alpha101="015 026 027 050 061 062 066 068 070 072 074 075 076 078 079 081 085 086 088 090 092 096 "
        "097 098 100",
        alpha191="005 016 032 036 061 064 074 087 090 101 108 115 119 128 130 138 141 179",
    ),
    Reason(
        "polars_ta",
        "Ties: its ranks count distinct values, so two that are equal on paper move the whole row.",
        alpha101="013 016 027 031 034 045 050 067 069 078 088 100",
        alpha191="016 036 061 083 090 099 113 140 141 157 179",
    ),
    Reason(
        "polars_ta",
        "log(0) is infinite there: it ranks lowest, and so is the sum that scale divides by.",
        alpha101="029",
        alpha191="157",
    ),
    Reason("polars_ta", "Its regressions go on over windows with gaps.", alpha191="021 116 147"),
    Reason("polars_ta", "A missing and a false condition together are false.", alpha191="075"),
    Reason(
        "polars_ta",
        "A difference or a mean that is 0 on paper is a rounding off, and its root missing.",
        alpha191="015 127",
    ),
    Reason(
        "polars_ta",
        "A bar without x makes its recursive average forget; ours stays as it was.",
        alpha191=_WITH_SMA,
    ),
)
