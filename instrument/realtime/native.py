"""What numba lacks for audio code: sixteen-lane vectors, fences, and calls through an address.

`Lanes` is one LLVM vector of sixteen float32. The compiler splits it to what the machine has (one
AVX-512 register, two AVX2, four SSE or NEON). A loop over *frames* that advances sixteen *voices*
at once hides the latency of their recursive filters, which a loop over one voice cannot: 12 cycles
per frame for sixteen voices instead of for one.

Only `instrument.realtime.machine_code` imports this, and only when it has to compile.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, models, overload, register_model

from instrument.realtime.state import LANES

# No fast-math: the same voice must give the same bits wherever a block boundary falls, so the
# compiler may not reorder sums, nor fuse them in one loop and not in the loop's remainder.
audio_thread = njit(error_model="numpy")

VECTOR = ir.VectorType(ir.FloatType(), LANES)
INT64 = ir.IntType(64)


class LanesType(types.Type):
    """The numba type of sixteen float32, one per voice of a group."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


lanes = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, frontend_type: Any) -> None:
        super().__init__(manager, frontend_type, VECTOR)


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
def fence(context: Any) -> Any:
    """Order memory accesses before and after, for the other processes' eyes (free on x86)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.fence("acq_rel")
        return context.get_dummy_value()

    return types.void(), generate


def _int32(value: int) -> Any:
    return ir.Constant(ir.IntType(32), value)


def _indices(lane_numbers: range) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(lane_numbers)), list(lane_numbers))
