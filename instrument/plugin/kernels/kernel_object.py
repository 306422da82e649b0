"""The kernel as an object file for one processor and system, compiled ahead of time.

numba compiles the entry points to LLVM's code, which is then given the target's own layout and
turned into an object that needs nothing but three functions of the C library. One process per
processor: numba takes the one it compiles for when it is first imported.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
from numba.core import config


@dataclass(frozen=True, slots=True)
class Processor:
    """What the compiler is told of a processor."""

    cpu: str  #: LLVM's name
    features: str  #: LLVM's, as ``+a,-b``
    suffix: str  #: after the entry points' names, so that several fit into one file
    numba_cpu: str  #: numba itself only knows the machine it runs on
    is_rare: bool = False  #: its code takes little room in the file that has both
    has_all: bool = True  #: the entry points too that are in a file once, for all processors


PROCESSORS = {
    # Gathered loads make the interpolating loop twice as slow on Zen 5; see `compiled.processor`.
    "x86-64-v3": Processor("x86-64-v3", "+prefer-no-gather", "_v3", "x86-64-v3", has_all=False),
    "x86-64-v2": Processor("x86-64-v2", "", "_v2", "x86-64-v2", is_rare=True),
    "arm64": Processor("generic", "+neon", "_arm64", "x86-64"),
}


def code_of(processor: Processor, purpose: str) -> str:
    """Compile every entry point of the "plugin" or of "play" into one module of LLVM's code."""
    settings: Any = config  # numba fills it in when it is imported
    settings.CPU_NAME = processor.numba_cpu
    settings.CPU_FEATURES = processor.features if processor.numba_cpu == processor.cpu else ""
    from instrument.plugin.entry_points import table
    from instrument.realtime.compiled import compiler

    found: dict[str, tuple[Any, Any]] = compiler.ENTRY_POINTS
    if purpose == "plugin":  # where several processors' code is in one file
        found = {
            table.name_in_file(name, processor.suffix): (function, signature)
            for name, (function, signature, _) in table.ENTRY_POINTS.items()
            if processor.has_all or name in table.FAST
        }
    whole = llvm.parse_assembly("")
    for name, (function, signature) in found.items():
        whole.link_in(compiler.compile_entry(name, function, signature))
    return str(whole)


def _is_small(name: str) -> bool:
    """Tell whether a function is rather short than fast: the helper's, and what a message does."""
    return ("6plugin" in name and "tone" not in name) or "8realtime4midi" in name


def object_of(code: str, processor: Processor, triple: str, purpose: str) -> bytes:
    """Turn a module into an object file for a system, by LLVM's name for it.

    The plug-in's files are small where time does not count: two processors' code is in one.

    Raises
    ------
    RuntimeError
        The code depends on something that the C library does not have.
    """
    from instrument.realtime.compiled.compiler import optimise, undefined
    from instrument.realtime.compiled.machine_code import ALLOWED_SYMBOLS

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(triple).create_target_machine(
        cpu=processor.cpu,
        features=processor.features,
        opt=3,
        reloc="pic",
        codemodel="small",
        jit=False,
    )
    layout = f'target datalayout = "{machine.target_data}"'
    code = re.sub(r"^target datalayout = .*$", layout, code, flags=re.MULTILINE)
    code = re.sub(r"^target triple = .*$", f'target triple = "{triple}"', code, flags=re.MULTILINE)
    module = llvm.parse_assembly(code)
    module.verify()
    for variable in module.global_variables:
        if not variable.is_declaration:
            variable.linkage = "internal"  # numba's own, none of them is used
    for function in module.functions:
        if not function.is_declaration and function.linkage.name == "external":
            function.visibility = "hidden"
        if purpose != "plugin" or function.is_declaration:
            continue
        if processor.is_rare:
            function.add_function_attribute("optsize")
        if _is_small(function.name):
            function.add_function_attribute("optsize")
            function.add_function_attribute("minsize")
    optimise(module, machine)
    if missing := undefined(module) - ALLOWED_SYMBOLS:
        raise RuntimeError(f"compiled audio code depends on {sorted(missing)}")
    return bytes(machine.emit_object(module))


def main() -> None:
    """Write objects: arguments are a processor, then triples of a purpose, a system and a file.

    What both purposes have in common is compiled once.
    """
    processor = PROCESSORS[sys.argv[1]]
    code: dict[str, str] = {}
    wanted = sys.argv[2:]
    for purpose, triple, path in zip(wanted[::3], wanted[1::3], wanted[2::3], strict=True):
        if purpose not in code:
            code[purpose] = code_of(processor, purpose)
        Path(path).write_bytes(object_of(code[purpose], processor, triple, purpose))


if __name__ == "__main__":
    main()
