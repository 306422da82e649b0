"""The authors' mix: envelopes, notes, pedals, level."""

import numpy as np
import pytest

from instrument.midi.messages import control_change, note_off, note_on
from instrument.midi.song import Song, SongMessage
from instrument.offline.gansynth_paper_mix import (
    PaperMixer,
    PlayedNote,
    gone_round,
    note_envelope,
    played_notes,
)
from instrument.realtime.memory.constants import LOUD
from instrument.rendering.tone_cache import Tone
from tests.helpers.places import GOLDEN

ARRAYS = GOLDEN / "midi_util.npz"
RATE_HZ = 16_000


@pytest.mark.parametrize("seconds", ["0.005", "0.2", "1.0", "5.0"])
def test_envelopes_are_those_of_the_authors_script(seconds: str) -> None:
    with np.load(ARRAYS) as golden:
        expected = golden[f"env_{seconds}"]
    np.testing.assert_allclose(note_envelope(float(seconds), RATE_HZ), expected, atol=1e-7)


def mix(notes: list[PlayedNote], audio: np.ndarray) -> np.ndarray:
    mixer = PaperMixer(RATE_HZ)
    pieces = [
        piece.copy()
        for note, waveform in zip(notes, audio, strict=True)
        for piece in mixer.add(note, waveform)
    ]
    pieces += [piece.copy() for piece in mixer.finish()]
    return np.concatenate(pieces) * np.float32(mixer.level)


def test_a_mix_is_that_of_the_authors_script() -> None:
    """Theirs ends in silence; ours ends with the last note."""
    with np.load(ARRAYS) as golden:
        times = zip(golden["cn_start"], golden["cn_end"], golden["cn_vel"], strict=True)
        notes = [PlayedNote(float(a), float(b), 60, int(velocity)) for a, b, velocity in times]
        sound = mix(notes, golden["cn_audio_first4000"])
        expected = golden["cn_out"]
    np.testing.assert_allclose(sound, expected[: len(sound)], atol=1e-6)
    assert not expected[len(sound) :].any()


def test_silent_notes_and_rests_give_silence_and_no_nan() -> None:
    silence = np.zeros((1, 4000), np.float32)
    assert not mix([PlayedNote(0.0, 1.0, 60, 100)], silence).any()
    late = mix([PlayedNote(7.3, 7.4, 60, 100)], np.ones((1, 4000), np.float32))
    assert not late[: int(7.3 * RATE_HZ)].any()
    assert late.max() == pytest.approx(0.5)


def a_song(*timed: tuple[float, bytes], length: float = 9.0) -> Song:
    return Song(tuple(SongMessage(seconds, data) for seconds, data in timed), length)


PEDAL_DOWN, PEDAL_UP = control_change(64, 64), control_change(64, 63)


@pytest.mark.parametrize(
    ("song", "times"),
    [
        (a_song((1, note_on(60)), (2, note_off(60))), [(1, 2)]),
        (a_song((1, note_on(60)), (2, note_on(60, 0))), [(1, 2)]),
        (a_song((1, note_on(60))), [(1, 9)]),
        (a_song((0, PEDAL_DOWN), (1, note_on(60)), (2, note_off(60)), (5, PEDAL_UP)), [(1, 5)]),
        (a_song((1, note_on(60)), (2, PEDAL_DOWN), (5, PEDAL_UP), (6, note_off(60))), [(1, 6)]),
        (a_song((0, PEDAL_DOWN), (1, note_on(60)), (2, note_off(60))), [(1, 9)]),
        (  # the oldest ends first
            a_song((1, note_on(60)), (2, note_on(60)), (3, note_off(60)), (4, note_off(60))),
            [(1, 3), (2, 4)],
        ),
        (  # a note off after the next note on, in one moment: as the mixed tracks of files have it
            a_song((1, note_on(60)), (2, note_on(60)), (2, note_off(60)), (3, note_off(60))),
            [(1, 2), (2, 3)],
        ),
        (
            a_song((0, PEDAL_DOWN), (1, note_on(60)), (2, note_off(60)), (3, note_on(60))),
            [(1, 3), (3, 9)],
        ),
        (
            a_song((0, PEDAL_DOWN), (1, note_on(60, 90, 1)), (2, note_off(60, 1)), (5, PEDAL_UP)),
            [(1, 2)],  # another channel's pedal
        ),
        (a_song((1, note_on(60)), (2, control_change(123, 0))), [(1, 2)]),
        (a_song((2, note_off(60))), []),
    ],
)
def test_keys_and_pedals_hold_notes(song: Song, times: list[tuple[float, float]]) -> None:
    assert [(note.start_seconds, note.end_seconds) for note in played_notes(song)] == times


def test_a_note_goes_round_its_loop_and_dies_away_as_the_engine_lets_it() -> None:
    samples = np.arange(10, dtype=np.float32)
    note = Tone(LOUD, 60, samples, loop_start=6, loop_end=10, loop_decay_per_frame=0.5)
    expected = [0, 1, 2, 3, 4, 5, 6, 7 / 2, 8 / 4, 9 / 8, 6 / 16, 7 / 32]
    assert gone_round(note, 12) == pytest.approx(expected)
    assert gone_round(note, 8) == pytest.approx(expected[:8])
    plain = Tone(LOUD, 60, samples)
    np.testing.assert_array_equal(gone_round(plain, 12), samples)
