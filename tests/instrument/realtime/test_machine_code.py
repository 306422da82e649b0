"""Compiled code on disk: safe in another process, complete in its name, alone in its needs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from instrument.realtime import machine_code

LIVE = """
import sys, ctypes, time, zlib
began = time.perf_counter()
from instrument.realtime.offline_engine import OfflineEngine
engine = OfflineEngine(48000.0, 100, 0.5)
seconds = time.perf_counter() - began
engine.send(-1, (0x90, 60, 100))
audio = engine.render(20_000)
print(zlib.crc32(audio.tobytes()), abs(audio).max() > 0.01, seconds)
print(*sorted(name for name in ("numba", "torch", "scipy") if name in sys.modules))
"""


def run_in_another_process() -> list[str]:
    done = subprocess.run([sys.executable, "-c", LIVE], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_two_processes_render_the_same_bits_from_the_stored_code_without_a_compiler() -> None:
    first, second = run_in_another_process(), run_in_another_process()
    assert first[0].split()[:2] == second[0].split()[:2]
    assert first[0].split()[1] == "True"
    assert first[1] == second[1] == ""  # neither numba nor anything else that is slow to import


def test_the_stored_code_holds_no_address_of_the_process_that_compiled_it() -> None:
    """It needs nothing that a linker would have to find, except C's memory functions."""
    import llvmlite.binding as llvm

    (path,) = [
        folder / machine_code.object_name()
        for folder in machine_code.cache_folders()
        if (folder / machine_code.object_name()).is_file()
    ]
    engine = llvm.create_mcjit_compiler(
        llvm.parse_assembly(""), machine_code.target_machine(jit=True)
    )
    engine.add_object_file(llvm.ObjectFileRef.from_data(path.read_bytes()))
    engine.finalize_object()
    for name in machine_code.MachineCode.__dataclass_fields__:
        assert engine.get_function_address(name)
        assert engine.get_function_address(name) != getattr(machine_code.load_machine_code(), name)


@pytest.mark.parametrize("change", ["source", "processor"])
def test_whatever_changes_the_code_changes_its_name(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def name() -> str:
        machine_code.object_name.cache_clear()
        return machine_code.object_name()

    present = name()
    assert re.fullmatch(r"audio-thread\.[0-9a-f]{24}\.o", present)
    assert name() == present
    if change == "source":
        for source in machine_code.SOURCES.rglob("*.py"):
            copy = tmp_path / source.relative_to(machine_code.SOURCES)
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(source.read_bytes())
        monkeypatch.setattr(machine_code, "SOURCES", tmp_path)
        assert name() == present  # the same sources elsewhere
        with (tmp_path / "voice.py").open("a") as file:
            file.write("# changed\n")
    else:
        monkeypatch.setattr(machine_code, "_processor", lambda: ("another", "+feature"))
    assert name() != present
    monkeypatch.undo()
    assert name() == present


def test_a_folder_that_cannot_be_written_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")  # a file where a folder should be
    good = tmp_path / "good"
    monkeypatch.setattr(machine_code, "cache_folders", lambda: [blocked / "cache", good])
    stored = [
        folder for folder in machine_code.cache_folders() if machine_code._store(folder, b"x")
    ]
    assert stored == [good]
    assert [file.name for file in good.iterdir()] == [machine_code.object_name()]
