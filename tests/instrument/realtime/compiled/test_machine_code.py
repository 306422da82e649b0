"""Compiled code on disk: safe in another process, complete in its name, alone in its needs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from instrument.realtime.compiled import machine_code, processor

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


STORED = """
import llvmlite.binding as llvm

from instrument.realtime.compiled import machine_code

code = machine_code._prebuilt_code() or machine_code._stored_code()
engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine_code.target_machine(jit=True))
engine.add_object_file(llvm.ObjectFileRef.from_data(code))
engine.finalize_object()
for name in machine_code.MachineCode.__dataclass_fields__:
    address = engine.get_function_address(name)
    print(name, bool(address), address != getattr(machine_code.load_machine_code(), name))
"""


def test_the_stored_code_holds_no_address_of_the_process_that_compiled_it() -> None:
    """It needs nothing that a linker would have to find, except C's memory functions.

    In a process of its own: LLVM ends one whose memory is so full that code and data lie far apart.
    """
    done = subprocess.run(
        [sys.executable, "-c", STORED], capture_output=True, text=True, check=True
    )
    names = list(machine_code.MachineCode.__dataclass_fields__)
    assert done.stdout.splitlines() == [f"{name} True True" for name in names]


@pytest.fixture
def named_anew() -> Iterator[None]:
    """Let no name outlive what a test has made of sources and processor."""
    yield
    machine_code.object_name.cache_clear()


@pytest.mark.usefixtures("named_anew")
@pytest.mark.parametrize("change", ["source", "processor", "processor where only LLVM knows it"])
def test_whatever_changes_the_code_changes_its_name(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def name() -> str:
        machine_code.object_name.cache_clear()
        return machine_code.object_name()

    if "LLVM" in change:
        monkeypatch.setattr(processor, "CPUINFO", tmp_path / "absent")
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
    elif change == "processor":
        told = re.sub(
            r"^(flags|Features)(.*)", r"\1\2 new", processor.CPUINFO.read_text(), flags=re.M
        )
        monkeypatch.setattr(processor, "CPUINFO", tmp_path / "cpuinfo")
        (tmp_path / "cpuinfo").write_text(told)
    else:
        monkeypatch.setattr(processor, "host_processor", lambda: ("another", "+feature"))
    assert name() != present


def test_frequency_and_number_of_cores_do_not_change_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They change from one second and one container to the next."""
    present = processor.processor_marks()
    told = processor.CPUINFO.read_text()
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "cpuinfo")
    told = re.sub(r"^cpu MHz.*", "cpu MHz : 1.0", told, flags=re.M)
    (tmp_path / "cpuinfo").write_text(told.partition("\n\n")[0])
    assert processor.processor_marks() == present


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


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file of stored code that is whole and ours."""
    monkeypatch.setattr(machine_code, "cache_folders", lambda: [tmp_path])
    monkeypatch.setattr(machine_code, "PREBUILT", tmp_path / "prebuilt")
    assert machine_code._store(tmp_path, b"code" * 1000)
    assert machine_code._stored_code() == b"code" * 1000
    return tmp_path / machine_code.object_name()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def change_one_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def put_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def put_a_link(path: Path) -> None:
    path.rename(path.with_suffix(".elsewhere"))
    path.symlink_to(path.with_suffix(".elsewhere"))


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(cut, id="truncated"),
        pytest.param(change_one_bit, id="a bit changed"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(os.urandom(9000)), id="random"),
        pytest.param(put_a_pipe, id="a pipe"),
        pytest.param(put_a_link, id="a link"),
        pytest.param(lambda path: path.chmod(0o666), id="others may write it"),
        pytest.param(lambda path: path.chmod(0o660), id="the group may write it"),
        pytest.param(Path.unlink, id="missing"),
    ],
)
def test_stored_code_that_is_not_whole_and_ours_is_never_run(
    harm: Callable[[Path], object], stored: Path
) -> None:
    harm(stored)
    assert machine_code._stored_code() is None
    assert not machine_code.is_compiled()
    assert machine_code._store(stored.parent, b"new code")
    assert machine_code._stored_code() == b"new code"


def test_stored_code_of_somebody_else_is_never_run(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: stranger)
    if stored.stat().st_uid == 0:
        os.chown(stored, stranger + 1, -1)
    assert machine_code._stored_code() is None
