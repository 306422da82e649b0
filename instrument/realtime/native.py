"""What numba lacks for audio code: sixteen-lane vectors, fences, and calls through an address.

`Lanes` is one LLVM vector of sixteen float32. The compiler splits it to what the machine has (one
AVX-512 register, two AVX2, four SSE or NEON). A loop over *frames* that advances sixteen *voices*
at once hides the latency of their recursive filters, which a loop over one voice cannot: 12 cycles
per frame for sixteen voices instead of for one.

Only `instrument.realtime.compiled.machine_code` imports this, and only when it has to compile.
"""

# ruff: noqa: ARG001
# numba prescribes the parameters of everything below.

from __future__ import annotations

import operator
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numba
from llvmlite import ir
from numba import extending

from instrument.realtime.memory.constants import LANES

# numba annotates some of itself, but not what its decorators make of a function.
carray: Any = numba.carray  # type: ignore[attr-defined]
types: Any = numba.types
intrinsic: Any = extending.intrinsic
overload: Any = extending.overload


# No fast-math: the same voice must give the same bits wherever a block boundary falls, so the
# compiler may not reorder sums, nor fuse them in one loop and not in the loop's remainder.
audio_thread = numba.njit(error_model="numpy")


def audio_thread_too(function: Any) -> Any:
    """Compile a function of a module that must not import numba, and those there that it calls."""
    names = function.__globals__
    called = {
        name: audio_thread_too(names[name])
        for name in function.__code__.co_names
        if isinstance(names.get(name), FunctionType)
    }
    return audio_thread(FunctionType(function.__code__, {**names, **called}, function.__name__))


VECTOR = ir.VectorType(ir.FloatType(), LANES)
INT64 = ir.IntType(64)
PREFETCH_LEVEL = 3  # into the first-level cache


class LanesType(types.Type):  # type: ignore[misc]
    """The numba type of sixteen float32, one per voice of a group."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


lanes: Any = LanesType()


@extending.register_model(LanesType)
class _LanesModel(extending.models.PrimitiveModel):
    def __init__(self, manager: Any, frontend_type: Any) -> None:
        super().__init__(manager, frontend_type, VECTOR)  # type: ignore[no-untyped-call]


def _overload_operator(function: Callable[..., Any], instruction: str) -> None:
    @intrinsic
    def apply(context: Any, left: Any, right: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return getattr(builder, instruction)(*arguments)

        return lanes(lanes, lanes), generate

    @overload(function, strict=False)
    def on_lanes(left: Any, right: Any) -> Any:
        if isinstance(left, LanesType) and isinstance(right, LanesType):
            return lambda left, right: apply(left, right)
        return None


_overload_operator(operator.add, "fadd")
_overload_operator(operator.sub, "fsub")
_overload_operator(operator.mul, "fmul")


@intrinsic
def load(context: Any, address: Any) -> Any:
    """Read sixteen float32 from an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        loaded = builder.load(builder.inttoptr(arguments[0], VECTOR.as_pointer()))
        loaded.align = 4
        return loaded

    return lanes(types.int64), generate


@intrinsic
def prefetch(context: Any, address: Any) -> Any:
    """Ask for a cache line that will be read soon; any address is allowed."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        kinds = [pointer, *[ir.IntType(32)] * 3]
        function = builder.module.globals.get("llvm.prefetch.p0") or ir.Function(
            builder.module, ir.FunctionType(ir.VoidType(), kinds), "llvm.prefetch.p0"
        )
        how = [_int32(0), _int32(PREFETCH_LEVEL), _int32(1)]  # for reading; level; data
        builder.call(function, [builder.inttoptr(arguments[0], pointer), *how])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@intrinsic
def store(context: Any, address: Any, values: Any) -> Any:
    """Write sixteen float32 to an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], VECTOR.as_pointer())
        builder.store(arguments[1], pointer).align = 4
        return context.get_dummy_value()

    return types.void(types.int64, lanes), generate


@intrinsic
def fill(context: Any, value: Any) -> Any:
    """Put one float32 into all lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        one = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), arguments[0], _int32(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(one, ir.Constant(VECTOR, ir.Undefined), zeros)

    return lanes(types.float32), generate


@intrinsic
def multiply_add(context: Any, left: Any, right: Any, addend: Any) -> Any:
    """Return ``left * right + addend``, fused where the machine can do that in one step."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        name = f"llvm.fmuladd.v{LANES}f32"
        function = builder.module.globals.get(name) or ir.Function(
            builder.module, ir.FunctionType(VECTOR, [VECTOR] * 3), name
        )
        return builder.call(function, arguments)

    return lanes(lanes, lanes, lanes), generate


@intrinsic
def fused(context: Any, left: Any, right: Any, addend: Any) -> Any:
    """Return ``left * right + addend`` of float32, in one step where the machine can."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FloatType()
        function = builder.module.globals.get("llvm.fmuladd.f32") or ir.Function(
            builder.module, ir.FunctionType(kind, [kind] * 3), "llvm.fmuladd.f32"
        )
        return builder.call(function, arguments)

    return types.float32(types.float32, types.float32, types.float32), generate


@intrinsic
def louder(context: Any, peak: Any, values: Any) -> Any:
    """Return the larger of `peak` and the magnitude of `values`, lane by lane; NaN is ignored."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        peak, values = arguments
        name = f"llvm.fabs.v{LANES}f32"
        function = builder.module.globals.get(name) or ir.Function(
            builder.module, ir.FunctionType(VECTOR, [VECTOR]), name
        )
        magnitude = builder.call(function, [values])
        return builder.select(builder.fcmp_ordered(">", magnitude, peak), magnitude, peak)

    return lanes(lanes, lanes), generate


@intrinsic
def sum_lanes(context: Any, values: Any) -> Any:
    """Add the sixteen lanes, always in the same order: halves, quarters, pairs."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (values,) = arguments
        width = LANES
        while width > 1:
            width //= 2
            low, high = (
                builder.shuffle_vector(values, values, _indices(range(start, start + width)))
                for start in (0, width)
            )
            values = builder.fadd(low, high)
        return builder.extract_element(values, _int32(0))

    return types.float32(lanes), generate


@intrinsic
def address_of(context: Any, record: Any) -> Any:
    """Return the address of a record."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ptrtoint(arguments[0], INT64)

    return types.int64(record), generate


@intrinsic
def floats_at(context: Any, address: Any) -> Any:
    """Return a pointer to the float32 at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], ir.FloatType().as_pointer())

    return types.CPointer(types.float32)(types.int64), generate


@intrinsic
def bits_to_float(context: Any, bits: Any) -> Any:
    """Read the 64 bits of an integer as a float64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@intrinsic
def square_root(context: Any, value: Any) -> Any:
    """Return the square root of a float64, by the processor's own instruction."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.DoubleType()
        function = builder.module.globals.get("llvm.sqrt.f64") or ir.Function(
            builder.module, ir.FunctionType(kind, [kind]), "llvm.sqrt.f64"
        )
        return builder.call(function, arguments)

    return types.float64(types.float64), generate


@intrinsic
def fence(context: Any) -> Any:
    """Order memory accesses before and after, for the other processes' eyes (free on x86)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.fence("acq_rel")
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def call(context: Any, address: Any, arguments: Any) -> Any:
    """Call the C function at an address; every argument and the answer fills one register.

    Pointers, and integers up to 64 bits, are passed in the same registers on every 64-bit system
    that we run on; a narrower answer has to be masked by the caller.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        word = ir.IntType(64)
        count = len(arguments)
        function = ir.FunctionType(word, [word] * count).as_pointer()
        passed = [builder.extract_value(values[1], index) for index in range(count)]
        return builder.call(builder.inttoptr(values[0], function), passed)

    if not isinstance(arguments, types.UniTuple) or arguments.dtype != types.uint64:
        return None
    return types.uint64(types.uint64, arguments), generate


@intrinsic
def bytes_at(context: Any, address: Any) -> Any:
    """Return a pointer to the bytes at an address."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], ir.IntType(8).as_pointer())

    return types.CPointer(types.uint8)(types.uint64), generate


@intrinsic
def pointer_value(context: Any, pointer: Any) -> Any:
    """Return the address that a pointer holds."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.ptrtoint(values[0], ir.IntType(64))

    return types.uint64(pointer), generate


def _int32(value: int) -> Any:
    return ir.Constant(ir.IntType(32), value)


def _indices(lane_numbers: range) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(lane_numbers)), list(lane_numbers))
