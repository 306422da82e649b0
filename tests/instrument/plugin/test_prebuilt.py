"""A kernel that was built elsewhere: no compiler at the first start, and the same samples."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from instrument.plugin.build import prebuild_kernels
from instrument.plugin.places import this_target
from instrument.realtime.compiled import machine_code, processor

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="prebuilt for Linux alone"),
    pytest.mark.slow,
    pytest.mark.timeout(1200),
]
PLAY = """
import hashlib, sys
from pathlib import Path
from instrument.realtime.compiled import machine_code
machine_code.PREBUILT = Path(sys.argv[1])
if len(sys.argv) > 2:
    machine_code.cache_folders = list
    assert machine_code.is_compiled()
    del machine_code.compile_object
from instrument.realtime.offline_engine import OfflineEngine
engine = OfflineEngine(48000.0, 100, 0.5)
for n in range(12):
    engine.send(-1, (0x90, 40 + 5 * n, 30 + 8 * n))
    engine.send(-1, (0xE0, 0, 40 + n))
    engine.send(-1, (0xB0, 74, 10 * n))
    sys.stdout.write(hashlib.sha256(engine.render(5_000).tobytes()).hexdigest())
print("numba" in sys.modules)
"""


@pytest.fixture(scope="module")
def prebuilt(binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prebuilt")
    prebuild_kernels([this_target()], folder, objects=binaries / "objects")
    return folder


@pytest.fixture
def cpuinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A processor of one's own."""
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(processor, "CPUINFO", path)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    yield path


def play(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PLAY, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_plays_the_samples_of_the_compiled_kernel_and_needs_no_compiler(prebuilt: Path) -> None:
    compiled = play(str(prebuilt / "nothing"))
    assert play(str(prebuilt), "alone") == compiled
    assert compiled.endswith("False\n")


def test_code_for_a_processor_that_this_one_is_not_is_left_alone(
    prebuilt: Path, cpuinfo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_code, "PREBUILT", prebuilt)
    levels = processor.LEVELS
    for known, fitting in (
        (levels["x86-64-v3"] | levels["x86-64-v2"], ["x86-64-v3", "x86-64-v2"]),
        (levels["x86-64-v3"] - {"fma"} | levels["x86-64-v2"], ["x86-64-v2"]),
        ({"sse2"}, []),
    ):
        cpuinfo.write_text(f"processor : 0\nflags : {' '.join(sorted(known))}\n")
        assert processor.fitting_levels() == fitting
        assert (machine_code._prebuilt_code() is not None) == bool(fitting)


def test_code_of_other_sources_is_left_alone(
    prebuilt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_code, "PREBUILT", prebuilt)
    assert machine_code._prebuilt_code()
    (tmp_path / "kernel.py").write_text("# another kernel\n")
    monkeypatch.setattr(machine_code, "SOURCES", tmp_path)
    machine_code.prebuilt_name.cache_clear()
    assert machine_code._prebuilt_code() is None
    machine_code.prebuilt_name.cache_clear()
