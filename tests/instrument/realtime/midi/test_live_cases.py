"""Inputs from public bug reports, as bytes with their seconds: what must sound, and when."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from instrument.realtime.memory.constants import FREE, RELEASE
from instrument.realtime.memory.state import EngineState
from tests.helpers.live.fake_jack import RATE_HZ, FakeJack
from tests.helpers.places import ROOT

CASES = ROOT / "tests" / "golden" / "midi" / "live"
STEP_SECONDS = 0.05
AFTER = 0.02  # when a state is looked at: this long after its moment


class Heard(NamedTuple):
    """What the kernel does at one moment."""

    down: list[int]  # pitches whose keys are down
    held: list[int]  # that only a pedal holds
    bend: float  # semitones, of the first channel that sounds
    peak: float


def look(state: EngineState, audio: np.ndarray) -> Heard:
    voices = state.voices
    sounds = voices[(voices["stage"] != FREE) & (voices["is_fading"] == 0)]
    down = [int(v["pitch"]) for v in sounds if v["key_is_down"]]
    held = [
        int(v["pitch"])
        for v in sounds
        if not v["key_is_down"] and (v["pedal_holds"] or v["sostenuto_holds"])
    ]
    assert all(v["stage"] == RELEASE for v in sounds if v["pitch"] not in (*down, *held))
    channel = int(sounds["channel"][0]) if len(sounds) else 0
    bend = float(state.channels[channel]["bend_semitones"])
    return Heard(sorted(down), sorted(held), bend, float(np.abs(audio).max()))


def read_case(path: Path) -> list[tuple[int, bytes]]:
    lines = [line.split() for line in path.read_text().splitlines() if not line.startswith("#")]
    return [(round(float(t) * RATE_HZ), bytes.fromhex("".join(data))) for t, *data in lines]


def play(name: str, moments: list[float]) -> list[Heard]:
    """Play a case on the built-in tone, through JACK's callback; look at some moments."""
    jack = FakeJack(block_frames=240)
    packets = read_case(next(CASES.glob(f"{name}_*.txt")))
    seen, begin = [], 0
    for moment in moments:
        end = round((moment + AFTER) * RATE_HZ)
        due = [(frame - begin, data) for frame, data in packets if begin <= frame < end]
        seen.append(look(jack.state, jack.play(due, end - begin)))
        begin = jack.state.clock
        packets = [(frame, data) for frame, data in packets if frame >= begin]
    return seen


KEYS: dict[str, dict[float, tuple[list[int], list[int]]]] = {
    "L01": {0.4: ([60], []), 0.9: ([60], []), 1.0: ([], [])},
    "L05": {0.2: ([60], []), 0.5: ([60], []), 0.54: ([], [])},
    "L07": {0.5: ([], [60]), 0.6: ([], [])},
    "L08": {0.2: ([60], []), 0.8: ([], [60]), 0.9: ([], [])},
    "L11": {0.25: ([], [60]), 0.5: ([60], []), 1.1: ([60], []), 1.2: ([], [])},
    "L12": {0.2: ([60], []), 0.4: ([60], []), 0.5: ([], [])},
    "L13": {0.2: ([60], []), 0.3: ([], [])},
    "L15": {0.1: ([60], []), 0.2: ([], []), 0.3: ([64], []), 0.4: ([67], [])},
}


@pytest.mark.parametrize("name", KEYS)
def test_which_keys_sound(name: str) -> None:
    seen = play(name, list(KEYS[name]))
    assert [(moment.down, moment.held) for moment in seen] == list(KEYS[name].values())


def test_the_second_of_two_strikes_in_one_frame_keeps_its_level() -> None:
    before, after = play("L01", [0.4, 0.9])
    assert after.peak > 0.7 * before.peak


def test_a_system_reset_brings_the_volume_back() -> None:
    (after,) = play("L03", [0.6])
    assert after.peak > 0.01


BENDS = {"L06": (0.4, 48 * 1024 / 8191), "L09": (0.3, 0.5)}


@pytest.mark.parametrize("name", BENDS)
def test_how_far_notes_are_bent(name: str) -> None:
    moment, semitones = BENDS[name]
    (heard,) = play(name, [moment])
    assert heard.bend == pytest.approx(semitones, abs=0.01)


def test_every_case_is_tried() -> None:
    tried = {*KEYS, *BENDS, "L03"}
    assert tried == {path.name[:3] for path in CASES.glob("*.txt")}
