"""The doctor's findings where they can be checked, and its stress in closed form."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from instrument.cli import doctor
from instrument.cli.stress import RATE_HZ, STRESS_BLOCK_FRAMES, Stress, measure_stress
from instrument.engine.device_list import find_jack, midi_systems
from tests.helpers.live.jack_server import running_jack
from tests.helpers.live.play import COMMAND


def a_stress(lateness_ms: list[float], render_ms: float = 0.1) -> Stress:
    return Stress(np.asarray(lateness_ms) / 1000, True, render_ms / 1000)


def test_the_safe_block_is_the_smallest_that_was_never_late() -> None:
    stress = a_stress([0.1, 0.2, 1.5])
    # 64 frames last 1.33 ms; 128 last 2.67 ms and take twice the work of 64.
    assert [stress.late_blocks(size) for size in (32, 64, 128)] == [1, 1, 0]
    assert stress.safe_block_frames == 128
    assert a_stress([0.1]).safe_block_frames == 32
    assert a_stress([60.0]).safe_block_frames is None


def test_a_kernel_too_slow_for_its_block_is_late_at_every_size() -> None:
    assert a_stress([1.4], render_ms=1.4).safe_block_frames is None


def test_a_stress_renders_every_block_and_measures_when() -> None:
    ticks: list[None] = []
    stress = measure_stress(0.5, lambda: ticks.append(None))
    assert len(stress.lateness_seconds) == round(0.5 * RATE_HZ / STRESS_BLOCK_FRAMES)
    assert 0 < stress.render_seconds < 0.1
    assert ticks


def test_both_wheels_at_once_are_a_bad_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("onnxruntime", "onnxruntime-gpu"):
        folder = tmp_path / f"{name.replace('-', '_')}-9.9.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9\n")
    monkeypatch.syspath_prepend(tmp_path)
    first = next(doctor.runtimes())
    assert first.mark == "bad"
    assert "onnxruntime 9.9 and onnxruntime-gpu 9.9 are both installed" in first.what
    assert "pip uninstall onnxruntime onnxruntime-gpu" in first.remedy


@pytest.mark.serial
def test_a_jack_server_is_found_with_its_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_jack(128, name="doctor") as server:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
        found = find_jack()
        assert found
        assert (found.rate_hz, found.block_frames, found.is_realtime) == (48_000, 128, False)
        assert found.outputs == ("system:playback_1", "system:playback_2")
        assert any(system.name == "Jack" and not system.problem for system in midi_systems())
        # In a process of its own: PortAudio crashes at exit once a JACK server it saw is gone.
        command = [*COMMAND, "doctor", "--seconds", "0"]
        run = subprocess.run(command, env=server.environment, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        assert "JACK server: 128 frames at 48000 Hz, without real-time priority" in run.stdout
    assert find_jack() is None
