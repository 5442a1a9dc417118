"""Whether what is kept says the same as what was made: all but the last digits of its numbers."""

import re
from collections.abc import Callable


def alike(one: str, other: str, number: re.Pattern[str], is_near: Callable[[str, str], bool]) -> bool:
    """Whether two texts are equal but for what `number` matches, and that is near in each place."""
    if number.sub("0", one) != number.sub("0", other):
        return False
    return all(is_near(a, b) for a, b in zip(number.findall(one), number.findall(other), strict=True))
