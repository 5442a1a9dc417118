"""From trees to steps: every sub-expression once, whichever formulas share it.

A step has a number, and comes after the steps it reads. Lowering decides what the conventions leave open and
rewrites what is the same thing twice: `a > b` is `b < a`, `delta(x, d)` is x less `delay(x, d)`, sums and
products know no order of their two sides. No rewriting changes a bit of the result, but for small whole
powers and the square root, which are within a rounding or two of C's pow.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tools.formulas.conventions import Conventions
from tools.formulas.operators import OPERATORS
from tools.formulas.tree import Call, Field, Node, Number

_COMMUTATIVE = frozenset({"add", "multiply", "min", "max", "and", "or", "equal", "not_equal"})
_FLIPPED = {"greater": "less", "greater_equal": "less_equal"}
_COMPARISONS = frozenset({"less", "less_equal", "equal", "not_equal"})
_FOLDED: Mapping[str, Callable[[float, float], float]] = MappingProxyType(
    {"add": float.__add__, "subtract": float.__sub__, "multiply": float.__mul__}
)
_WHOLE_POWERS = (2, 3, 4, 5)
_CARRIES = frozenset({"divide", "negate", "abs", "min", "max", "where", "delay", "log", "sqrt"})
"""What can give an infinity, where a division by 0 does."""
_NEEDS_FINITE = frozenset({"scale", "neutralize"})
"""Besides windows: what reads an infinity as missing, as pandas' windows do."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on the results of earlier steps.

    `operation` is a kernel's name, or `field`, `number`, `delay`. `settings` are the window and whatever
    else the kernel takes; `label` is the field's name.
    """

    operation: str
    args: tuple[int, ...] = ()
    settings: tuple[float, ...] = ()
    label: str = ""

    @property
    def lookback(self) -> int:
        """Bars before the first wanted one that its arguments must have; -1 for all there are."""
        if self.operation == "sma":
            return -1
        if self.operation == "delay":
            return int(self.settings[0])
        known = OPERATORS.get(self.operation)
        return int(self.settings[0]) - 1 if known and known.reach == "window" else 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in an order in which they can run, and which of them each formula is."""

    steps: tuple[Step, ...]
    outputs: Mapping[str, int]
    needs: Mapping[str, tuple[str, ...]]
    """Fields that the panel lacks, of the formulas that cannot be computed."""


def make_plan(trees: Mapping[str, Node], fields: Iterable[str], conventions: Conventions) -> Plan:
    """How to compute the trees from a panel with these fields."""
    lowering = _Lowering(frozenset(fields), conventions)
    outputs: dict[str, int] = {}
    needs: dict[str, tuple[str, ...]] = {}
    for name, tree in trees.items():
        lacking = sorted(lowering.lacking(tree))
        if lacking:
            needs[name] = tuple(lacking)
        else:
            outputs[name] = lowering.finite(lowering.lower(tree))
    return Plan(tuple(lowering.steps), MappingProxyType(outputs), MappingProxyType(needs))


class _Lowering:
    def __init__(self, fields: frozenset[str], conventions: Conventions) -> None:
        self._fields = fields
        self._conventions = conventions
        self._numbers: dict[Step, int] = {}
        self._seen: dict[Node, int] = {}
        self.steps: list[Step] = []

    def lacking(self, tree: Node) -> set[str]:
        """Fields that the tree reads and that neither the panel nor a definition gives."""
        match tree:
            case Number():
                return set()
            case Field(name):
                found = self._definition(name)
                return self.lacking(found) if found else {name} - self._fields
            case Call("adv"):
                return self.lacking(Field(self._traded))
            case Call("neutralize", (inner, Field(group))):
                return self.lacking(inner) | ({self._group(group)} - self._fields)
            case Call(_, args):
                return set().union(*(self.lacking(arg) for arg in args))

    def lower(self, tree: Node) -> int:
        """The number of the step that computes the tree."""
        if tree not in self._seen:
            self._seen[tree] = self._lowered(tree)
        return self._seen[tree]

    def _lowered(self, tree: Node) -> int:
        match tree:
            case Number(value):
                return self._step("number", settings=(value,))
            case Field(name):
                found = self._definition(name)
                return self.lower(found) if found else self._step("field", label=name)
            case Call("adv", args):
                return self.lower(Call("ts_mean", (Field(self._traded), *args)))
            case Call("neutralize", (inner, Field(group))):
                places = [self.lower(inner), self._field(self._group(group))]
                return self._step("neutralize", *self._readable("neutralize", places))
            case Call("power", (base, exponent)):
                return self._power(base, exponent)
            case Call("where", (condition, chosen, other)):
                return self._where(self.lower(condition), self.lower(chosen), self.lower(other))
            case Call("delta", (inner, bars)):
                return self.lower(Call("subtract", (inner, Call("delay", (inner, bars)))))
            case Call("delay", (inner, bars)):
                return self._delay(self.lower(inner), self._bars(bars))
            case Call(operator, args):
                return self._call(operator, args)

    def _call(self, operator: str, args: tuple[Node, ...]) -> int:
        settings: list[float] = []
        places: list[int] = []
        for want, arg in zip(OPERATORS[operator].takes, args, strict=True):
            if want == "d":
                settings.insert(0, self._bars(arg))
            elif want == "q" and isinstance(arg, Number):
                settings.append(arg.value)
            else:
                places.append(self.lower(arg))
        folded = self._folded(operator, places)
        if folded is not None:
            return folded
        if operator in _FLIPPED:
            operator, places = _FLIPPED[operator], places[::-1]
        if operator in _COMMUTATIVE:
            places.sort()
        places = self._readable(operator, places)
        found = self._step(operator, *places, settings=tuple(settings))
        if operator in _COMPARISONS and self._conventions.missing_comparison == "false":
            return self._step("known_or_false", found)
        return found

    def finite(self, place: int) -> int:
        """The step with its infinities missing; adding 0 does that."""
        if self._conventions.division_by_zero == "missing" or self.steps[place].operation not in _CARRIES:
            return place
        return self._step("add", *sorted((place, self._step("number", settings=(0.0,)))))

    def _readable(self, operator: str, places: list[int]) -> list[int]:
        """What the operator may be given: windows and shares of a row know no infinity."""
        reach = OPERATORS[operator].reach
        if reach in ("window", "history") or operator in _NEEDS_FINITE:
            return [self.finite(place) for place in places]
        return places

    def _folded(self, operator: str, places: list[int]) -> int | None:
        """A number, where both sides are."""
        values = [self.steps[place].settings for place in places if self.steps[place].operation == "number"]
        if operator not in _FOLDED or len(values) < 2:
            return None
        return self._step("number", settings=(_FOLDED[operator](values[0][0], values[1][0]),))

    def _power(self, base: Node, exponent: Node) -> int:
        found = self.lower(base)
        if not isinstance(exponent, Number):
            return self._step("power", found, self.lower(exponent))
        if exponent.value == 1:
            return found
        if exponent.value == 0.5:
            return self._step("sqrt", found)
        if exponent.value not in _WHOLE_POWERS:
            return self._step("power", found, self.lower(exponent))
        product = found
        for _ in range(int(exponent.value) - 1):
            product = self._step("multiply", *sorted((product, found)))
        return product

    def _where(self, condition: int, chosen: int, other: int) -> int:
        if self._conventions.missing_condition == "otherwise":
            condition = self._step("known_or_false", condition)
        return self._step("where", condition, chosen, other)

    def _delay(self, inner: int, bars: int) -> int:
        before = self.steps[inner]
        if before.operation == "number" or bars == 0:
            return inner
        if before.operation == "delay":
            inner, bars = before.args[0], bars + int(before.settings[0])
        return self._step("delay", inner, settings=(bars,))

    def _step(self, operation: str, *args: int, settings: tuple[float, ...] = (), label: str = "") -> int:
        step = Step(operation, args, settings, label)
        if step not in self._numbers:
            self._numbers[step] = len(self.steps)
            self.steps.append(step)
        return self._numbers[step]

    def _field(self, name: str) -> int:
        return self._step("field", label=name)

    def _bars(self, window: Node) -> int:
        """The whole window; the parser has seen to it that it is a number."""
        value = window.value if isinstance(window, Number) else 0.0
        return int(value + 0.5) if self._conventions.windows == "round" else int(value)

    @property
    def _traded(self) -> str:
        return "amount" if self._conventions.adv == "money" else "volume"

    def _group(self, name: str) -> str:
        return name if self._conventions.groups == "as_published" else "industry"

    def _definition(self, name: str) -> Node | None:
        """A field by others, where the conventions ask for it or the panel lacks it."""
        source = self._conventions.vwap
        if name == "vwap" and source == "typical_price":
            return _TYPICAL_PRICE
        if name == "vwap" and (
            source == "amount_over_volume" or ("vwap" not in self._fields and "amount" in self._fields)
        ):
            return _MEAN_PRICE
        if name in self._fields:
            return None
        if name == "returns":
            return _RETURNS
        return _AMOUNT if name == "amount" and source == "field" and "vwap" in self._fields else None


def _call(operator: str, *args: Node) -> Call:
    return Call(operator, args)


_RETURNS = _call(
    "subtract", _call("divide", Field("close"), _call("delay", Field("close"), Number(1.0))), Number(1.0)
)
_AMOUNT = _call("multiply", Field("vwap"), Field("volume"))
_MEAN_PRICE = _call("divide", Field("amount"), Field("volume"))
_TYPICAL_PRICE = _call(
    "divide", _call("add", _call("add", Field("high"), Field("low")), Field("close")), Number(3.0)
)
