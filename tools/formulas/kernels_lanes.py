"""Eight neighbouring cells as one value: the words in which the kernels of the formulas are written.

A panel is contiguous, so the d cells of one window lie n apart and the same place of eight neighbouring
windows is one load. `load`, arithmetic and `select` work on eight windows at once, sums stay in registers
from the oldest bar to the newest, and few columns are as good as many. Left to itself LLVM vectorises the
inner loop over columns: every sum goes through memory at every bar, and the compiler has more to do.

A kernel is Python that Numba compiles at its first call and keeps in `__pycache__`; importing it compiles
nothing. Numba looks only at a kernel's own file to see whether what it kept is still good: after a change
here, delete `tools/formulas/__pycache__/*.nbi`.
"""

import operator
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar, cast

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]  # has no types
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

from contracts.market import Float1D

LANES = 8
"""How many cells a `Lanes` holds; what has fewer must be widened first."""

P = ParamSpec("P")
T = TypeVar("T")


class Mask(Protocol):
    """Eight answers, yes or no."""

    def __and__(self, other: "Mask", /) -> "Mask": ...
    def __or__(self, other: "Mask", /) -> "Mask": ...


class Lanes(Protocol):
    """Eight float64. Comparing with what is not known says no."""

    def __add__(self, other: "Lanes | float", /) -> "Lanes": ...
    def __sub__(self, other: "Lanes | float", /) -> "Lanes": ...
    def __mul__(self, other: "Lanes | float", /) -> "Lanes": ...
    def __truediv__(self, other: "Lanes | float", /) -> "Lanes": ...
    def __lt__(self, other: "Lanes | float", /) -> Mask: ...
    def __le__(self, other: "Lanes | float", /) -> Mask: ...
    def __gt__(self, other: "Lanes | float", /) -> Mask: ...
    def __ge__(self, other: "Lanes | float", /) -> Mask: ...


def part(function: Callable[P, T]) -> Callable[P, T]:
    """Compile into each kernel that calls it."""
    return cast("Callable[P, T]", njit(error_model="numpy", forceinline=True)(function))


# what Numba is told

_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_ANSWERS = ir.VectorType(ir.IntType(1), LANES)
_INDEX = ir.IntType(32)

_LANES = type("_LanesType", (types.Type,), {})(name="Lanes")
_MASK = type("_MaskType", (types.Type,), {})(name="Mask")


def _stored_as(numba_type: object, llvm_type: object) -> None:
    def init(self: Any, manager: object, of: object) -> None:
        models.PrimitiveModel.__init__(self, manager, of, llvm_type)  # type: ignore[no-untyped-call]  # of Numba

    model = type("_Model", (models.PrimitiveModel,), {"__init__": init})
    register_model(type(numba_type))(model)


def _spread(builder: Any, number: object) -> object:
    empty = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(empty, number, ir.Constant(_INDEX, 0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(_INDEX, LANES), [0] * LANES))


def _place(context: Any, builder: Any, array_type: object, array: object, index: object) -> object:
    cells = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(cells, [index]), _VECTOR.as_pointer())


def _define_sign(
    symbol: Callable[..., object], ours: Any, result: object, emit: Callable[..., object]
) -> None:
    """What a sign means between two of ours, or one of ours and a plain number."""

    def typer_of(_context: Any) -> Callable[[object, object], object]:
        def typer(left: object, right: object) -> object:
            sides = (left, right)
            fits = all(side == ours or (ours == _LANES and isinstance(side, types.Number)) for side in sides)
            return result if ours in sides and fits else None

        return typer

    def lower(context: Any, builder: Any, signature: Any, values: Any) -> object:
        sides = []
        for side, value in zip(signature.args, values, strict=True):
            if side != ours:
                value = _spread(builder, context.cast(builder, value, side, types.float64))
            sides.append(value)
        return emit(builder, *sides)

    type_callable(symbol)(typer_of)
    for pair in ((ours, ours), (ours, types.Number), (types.Number, ours)):
        lower_builtin(symbol, *pair)(lower)  # type: ignore[no-untyped-call]  # of Numba


def _word(result: Any, takes: tuple[Any, ...], emit: Callable[..., object]) -> Any:
    """A function for kernels. None among what it takes stands for an array."""

    def typed(arguments: tuple[Any, ...]) -> object:
        known = (given if want is None else want for want, given in zip(takes, arguments, strict=True))
        return result(*known), lambda context, builder, signature, values: emit(
            context, builder, signature, *values
        )

    # Numba reads the names of the arguments, so each number of them needs its own.
    if len(takes) == 1:
        return intrinsic(lambda _context, x: typed((x,)))
    if len(takes) == 2:
        return intrinsic(lambda _context, x, y: typed((x, y)))
    return intrinsic(lambda _context, x, y, z: typed((x, y, z)))


def _emit_load(context: Any, builder: Any, signature: Any, array: object, index: object) -> object:
    return builder.load(_place(context, builder, signature.args[0], array, index), align=8)


def _emit_store(
    context: Any, builder: Any, signature: Any, array: object, index: object, value: object
) -> object:
    builder.store(value, _place(context, builder, signature.args[0], array, index), align=8)
    return context.get_dummy_value()


def _emit_sqrt(_context: object, builder: Any, _signature: object, value: object) -> object:
    # llvmlite cannot name the intrinsic of a vector type by itself.
    shape = ir.FunctionType(_VECTOR, [_VECTOR])
    name = f"llvm.sqrt.v{LANES}f64"
    root = cgutils.get_or_insert_function(builder.module, shape, name)  # type: ignore[no-untyped-call]  # of Numba
    return builder.call(root, [value])


_stored_as(_LANES, _VECTOR)
_stored_as(_MASK, _ANSWERS)
for _symbol, _name in (
    (operator.add, "fadd"),
    (operator.iadd, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.imul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _define_sign(_symbol, _LANES, _LANES, lambda b, x, y, name=_name: getattr(b, name)(x, y))
for _symbol, _name in (
    (operator.lt, "<"),
    (operator.le, "<="),
    (operator.gt, ">"),
    (operator.ge, ">="),
):
    _define_sign(_symbol, _LANES, _MASK, lambda b, x, y, name=_name: b.fcmp_ordered(name, x, y))
_define_sign(operator.and_, _MASK, _MASK, lambda b, x, y: b.and_(x, y))
_define_sign(operator.or_, _MASK, _MASK, lambda b, x, y: b.or_(x, y))

load: Callable[[Float1D, int], Lanes] = _word(_LANES, (None, types.intp), _emit_load)
"""The eight cells from an index on."""

store: Callable[[Float1D, int, Lanes], None] = _word(types.none, (None, types.intp, _LANES), _emit_store)
"""Write eight cells from an index on."""

spread: Callable[[float], Lanes] = _word(
    _LANES, (types.float64,), lambda _context, b, _signature, number: _spread(b, number)
)
"""One number, eight times."""

sqrt: Callable[[Lanes], Lanes] = _word(_LANES, (_LANES,), _emit_sqrt)

known: Callable[[Lanes], Mask] = _word(
    _MASK, (_LANES,), lambda _context, b, _signature, x: b.fcmp_ordered("ord", x, x)
)
"""Which are not missing."""

unknown: Callable[[Lanes], Mask] = _word(
    _MASK, (_LANES,), lambda _context, b, _signature, x: b.fcmp_unordered("uno", x, x)
)
"""Which are missing."""

select: Callable[[Mask, Lanes, Lanes], Lanes] = _word(
    _LANES, (_MASK, _LANES, _LANES), lambda _context, b, _signature, mask, x, y: b.select(mask, x, y)
)
"""x where the answer is yes, y where it is no."""


@part
def finished(x: Lanes) -> Lanes:
    """What is no finite number is missing."""
    return select(known(x - x), x, spread(np.nan))


@part
def or_zero(x: Lanes) -> Lanes:
    """0 for what is missing."""
    return select(known(x), x, spread(0.0))


@part
def one_if(answer: Mask) -> Lanes:
    """1 for yes and 0 for no."""
    return select(answer, spread(1.0), spread(0.0))
