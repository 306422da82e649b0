"""Which processor this is: what compiled code is named by, and what it is compiled for.

To tell processors apart takes no LLVM where the system tells the features (Linux).
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")
_FEATURES = {"flags", "Features", "isa"}  # x86, ARM, RISC-V
_MODEL = {
    *("vendor_id", "cpu family", "model", "stepping"),
    *("CPU implementer", "CPU architecture", "CPU variant", "CPU part", "uarch"),
}
# What the levels of x86-64 are called by Linux (x86-64 psABI, table 3.1; lzcnt is abm there).
LEVELS = {
    "x86-64-v3": {"avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"},
    "x86-64-v2": {"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"},
}


def target_machine(jit: bool) -> Any:
    """Return LLVM's description of this very processor."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, features = host_processor()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=name, features=features, opt=3, reloc="pic", codemodel="small", jit=jit
    )


def processor_marks() -> list[str]:
    """Return what tells this processor from others: Linux's own words, elsewhere LLVM's."""
    try:
        lines = CPUINFO.read_text().splitlines()
    except OSError:
        return list(host_processor())
    told = {line: line.partition(":")[0].strip() for line in lines}
    if _FEATURES.isdisjoint(told.values()):
        return list(host_processor())
    return sorted(line for line, name in told.items() if name in _FEATURES | _MODEL)


def fitting_levels() -> list[str]:
    """Return for which prebuilt code this processor is good enough, the best first."""
    if sys.platform != "linux":
        return []  # such code has never been tried there
    if platform.machine() == "aarch64":
        return ["arm64"]
    lines = CPUINFO.read_text().splitlines() if CPUINFO.is_file() else []
    flags = next((set(line.split()) for line in lines if line.startswith("flags")), set[str]())
    return [level for level, needed in LEVELS.items() if needed <= flags]


def host_processor() -> tuple[str, str]:
    """Return LLVM's name of this processor, and its features."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features().flatten()
    if platform.machine().lower() in ("x86_64", "amd64"):
        # Measured on Zen 5: gathered loads make the interpolating loop twice as slow.
        features += ",+prefer-no-gather"
    return llvm.get_host_cpu_name(), features
