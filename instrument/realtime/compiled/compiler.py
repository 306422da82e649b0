"""Turn the audio thread's Python into one object file. Needs numba; nothing else here does.

numba compiles each entry point to LLVM code; LLVM links them into one module, drops the error
paths that a function which cannot fail does not need, and emits an object file that depends on
three functions of the C library and on nothing of Python. Python cannot call the functions that
were compiled here: their code is only read (`never_called`).
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from numba import cfunc

from instrument.realtime import callback, kernel
from instrument.realtime.compiled.machine_code import ALLOWED_SYMBOLS
from instrument.realtime.compiled.never_called import never_called
from instrument.realtime.compiled.processor import target_machine

ENTRY_POINTS = {
    "process_block": (kernel.process_block, kernel.SIGNATURE),
    "portaudio_callback": (callback.portaudio_callback, callback.PORTAUDIO_SIGNATURE),
    "jack_process": (callback.jack_process, callback.JACK_SIGNATURE),
    "jack_xrun": (callback.jack_xrun, callback.JACK_XRUN_SIGNATURE),
    "jack_shutdown": (callback.jack_shutdown, callback.JACK_SHUTDOWN_SIGNATURE),
    "jack_connection": (callback.jack_connection, callback.JACK_CONNECTION_SIGNATURE),
    "jack_registration": (callback.jack_registration, callback.JACK_REGISTRATION_SIGNATURE),
    "jack_message": (callback.jack_message, callback.JACK_MESSAGE_SIGNATURE),
}


def compile_all() -> bytes:
    """Return the object code of every entry point, under the entry point's plain name."""
    machine = target_machine(jit=False)
    whole = llvm.parse_assembly("")
    for name, (function, signature) in ENTRY_POINTS.items():
        whole.link_in(compile_entry(name, function, signature))
    optimise(whole, machine)
    missing = undefined(whole) - ALLOWED_SYMBOLS
    if missing:
        raise RuntimeError(f"compiled audio code depends on {sorted(missing)}")
    return bytes(machine.emit_object(whole))


def compile_entry(name: str, function: Any, signature: Any) -> Any:
    """Compile one entry point; return a module of LLVM's in which nothing else is visible."""
    with never_called(function):
        compiled = cfunc(signature, error_model="numpy")(function)
    module = llvm.parse_assembly(compiled.inspect_llvm())
    for defined in module.functions:
        if defined.is_declaration:
            continue
        if defined.name.startswith("cfunc."):
            defined.name = name
        else:
            defined.linkage = "internal"
    return module


def optimise(module: Any, machine: Any) -> None:
    """Optimise a whole module for a machine."""
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    builder.getModulePassManager().run(module, builder)


def undefined(module: Any) -> set[str]:
    """Return the names of functions that a module calls and does not have."""
    declared = {f.name for f in module.functions if f.is_declaration}
    return {name for name in declared if not name.startswith("llvm.")}
