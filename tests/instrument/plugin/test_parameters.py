"""What a host can automate: stable numbers, texts both ways, the preset's own values, one note."""

from __future__ import annotations

import typing
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from instrument.bench.clap.host import Plugin
from instrument.bench.clap.interface import express, midi, turn
from instrument.plugin.parameters import PARAMETERS
from instrument.preset.effects import Effects
from instrument.preset.modulation import Lfo
from instrument.preset.playing import Playing
from instrument.preset.preset import DEFAULT_PRESET, load_preset
from instrument.preset.sections import PARAMETER_RANGES
from tests.helpers.plugin.stage import RATE_HZ, four_notes, note_messages, rendered, without_reverb

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
LEVEL, PRESET, STATUS, REVERB, DRIVE, CUTOFF = 1, 2, 9, 16, 24, 33
VOLUME, PAN, TUNING, BRIGHTNESS = 0, 1, 2, 5  # CLAP's note expressions
NAMES = {
    **{1: "Level", 2: "Preset", 3: "Brightness", 4: "Modulation", 5: "Expression", 6: "Pan"},
    **{8: "Bypass", 9: "Status", 10: "Partner", 16: "Reverb", 17: "Reverb time"},
    **{18: "Reverb size", 19: "Delay", 20: "Delay feedback", 21: "Chorus", 22: "Orbit"},
    **{23: "Orbit rate"},
    **{24: "Drive", 25: "Width", 26: "Glue", 27: "Low", 28: "Middle", 29: "High"},
    **{30: "Glide time", 31: "Attack", 32: "Release", 33: "Cut-off", 34: "Resonance"},
    **{35: "Vibrato", 36: "Vibrato rate", 37: "Drift", 38: "LFO 1", 39: "LFO 1 rate"},
    **{40: "LFO 2", 41: "LFO 2 rate", 42: "Open panel"},
    **{43: "Morph x", 44: "Morph y"},
}
"""They are in songs for ever."""


def test_numbers_and_names_stay_what_they_are(plugin: Plugin) -> None:
    assert {info.id: info.name.decode() for info in plugin.parameters()} == NAMES
    plugin.close()


def test_a_knob_goes_as_far_as_a_preset_does() -> None:
    for entry in PARAMETERS:
        if entry.field in PARAMETER_RANGES:
            assert PARAMETER_RANGES[entry.field][:2] == (entry.low, entry.high)
    for kind, name, field in (
        (type(Effects().reverb), "seconds", "reverb_seconds"),
        (type(Effects().reverb), "size", "reverb_size"),
        (type(Effects().orbit), "rate_hz", "orbit_rate_hz"),
        (Playing, "glide_seconds", "glide_seconds"),
        (Lfo, "rate_hz", "lfo_rate_hz.0"),
        (Lfo, "rate_hz", "lfo_rate_hz.1"),
    ):
        hint = typing.get_type_hints(kind, include_extras=True)[name]
        meta = next(m for m in hint.__metadata__ if isinstance(m, msgspec.Meta))
        entry = next(entry for entry in PARAMETERS if entry.field == field)
        assert (meta.ge, meta.le) == (entry.low, entry.high)


def test_every_text_is_understood_again(plugin: Plugin) -> None:
    for info in plugin.parameters():
        if info.id in (STATUS, PRESET):
            continue
        for value in (info.low, 0.3 * info.high, info.high):
            text = plugin.text(info.id, value)
            assert plugin.text(info.id, plugin.read(info.id, text)) == text, info.name
    assert plugin.text(LEVEL, 1.0) == "6.0 dB"
    assert plugin.text(CUTOFF, 1.0) == "20000 Hz"
    assert plugin.text(PRESET, plugin.read(PRESET, "Felt Grand")) == "Felt Grand"
    plugin.close()


def play(plugin: Plugin, frames: int) -> NDArray[np.float32]:
    """Play four notes: float32, shape (2, frames)."""
    waiting = [(round(at * RATE_HZ), data) for data, at in note_messages(four_notes())]
    pieces = []
    for begin in range(0, frames, 480):
        due = [midi(at - begin, *data) for at, data in waiting if begin <= at < begin + 480]
        pieces.append(plugin.process(480, due))
    return np.concatenate(pieces, axis=1)[:, :frames]


def test_a_moved_field_sounds_as_a_preset_that_has_it(
    plugin: Plugin, clap: Path, tmp_path: Path
) -> None:
    """The same samples, in another instance after a recall too; and nothing else is moved."""
    expected = rendered(four_notes(), str(without_reverb(tmp_path)))
    assert b"parameter 16" not in plugin.save()
    own = plugin.value(REVERB)
    level = load_preset(DEFAULT_PRESET).effects.reverb.level
    assert plugin.text(REVERB, own) == f"{100 * level:.0f} %"
    plugin.process(64, [turn(0, REVERB, float(np.float32(own)))])  # as hosts tell what they know
    assert b"parameter 16" not in plugin.save()
    plugin.process(64, [turn(3, REVERB, 0.0)])
    plugin.call("reset")
    np.testing.assert_array_equal(play(plugin, expected.shape[1]), expected)
    song = plugin.save()
    other = Plugin(clap)
    assert other.load(song) and other.value(REVERB) == 0.0
    other.start()
    other.process(64)
    other.call("reset")
    np.testing.assert_array_equal(play(other, expected.shape[1]), expected)
    other.close()
    plugin.process(64, [turn(0, PRESET, 1.0)])
    plugin.process(64)  # waits for the other preset: its own values count again
    assert b"parameter 16" not in plugin.save() and plugin.value(REVERB) > 0.0
    plugin.close()


def test_automation_is_heard_at_its_frame_however_the_block_lies(plugin: Plugin) -> None:
    plugin.process(64, [turn(0, DRIVE, 0.0)])
    plugin.call("reset")
    plain = plugin.process(9600, [midi(0, 0x90, 60, 100)])
    plugin.call("reset")
    whole = plugin.process(9600, [midi(0, 0x90, 60, 100), turn(4800, DRIVE, 1.0)])
    differs = np.flatnonzero(np.any(whole != plain, axis=0))
    assert 4800 <= differs[0] <= 4800 + 32  # the next tick
    plugin.process(64, [turn(0, DRIVE, 0.0)])
    plugin.call("reset")
    first = plugin.process(4000, [midi(0, 0x90, 60, 100)])
    rest = plugin.process(5600, [turn(800, DRIVE, 1.0)])
    np.testing.assert_array_equal(np.concatenate([first, rest], axis=1), whole)
    plugin.close()


def one_note(plugin: Plugin, *events: object) -> NDArray[np.float64]:
    """Play middle C for half a second with what a host says of it: float64, shape (2, frames)."""
    plugin.process(64, [turn(0, number, 0.0) for number in (16, 19, 21, 22, 25, 26, 37)])
    plugin.call("reset")
    audio = plugin.process(24_000, [midi(0, 0x90, 60, 80), *events])  # type: ignore[list-item]
    return audio.astype(np.float64)


def pitch_hz(audio: NDArray[np.float64]) -> float:
    """Return the fundamental, between B3 and B4, to a few cents."""
    mono = audio.sum(axis=0)[4800:] * np.hanning(audio.shape[1] - 4800)
    spectrum = np.abs(np.fft.rfft(mono, 1 << 19))
    hz = np.arange(len(spectrum)) * RATE_HZ / (1 << 19)
    near = (hz > 245) & (hz < 495)
    return float(hz[near][np.argmax(spectrum[near])])


def loudness(audio: NDArray[np.float64]) -> NDArray[np.float64]:
    level: NDArray[np.float64] = np.sqrt(np.mean(audio[:, 4800:] ** 2, axis=1))
    return level


def brightness(audio: NDArray[np.float64]) -> float:
    spectrum = np.abs(np.fft.rfft(audio.sum(axis=0)[4800:])) ** 2
    return float(np.sum(spectrum * np.arange(len(spectrum))) / np.sum(spectrum))


def test_a_note_is_moved_and_no_other(plugin: Plugin) -> None:
    plain = one_note(plugin)
    for at in (0, 4000):
        up = pitch_hz(one_note(plugin, express(at, TUNING, 60, 7.0)))
        assert abs(1200 * np.log2(up / pitch_hz(plain)) - 700) < 5
    softer = one_note(plugin, express(0, VOLUME, 60, 0.5))
    np.testing.assert_allclose(loudness(softer) / loudness(plain), 0.5, rtol=0.02)
    left, right = loudness(one_note(plugin, express(0, PAN, 60, 0.0)))
    assert left > 20 * right
    dark = one_note(plugin, express(0, BRIGHTNESS, 60, 0.0))
    assert brightness(dark) < 0.7 * brightness(plain)
    other_key = one_note(plugin, express(0, TUNING, 61, 7.0), express(9000, VOLUME, 62, 0.1))
    np.testing.assert_array_equal(other_key, plain)
    back = one_note(
        plugin, express(0, TUNING, 60, 7.0), midi(12_000, 0x80, 60, 0), midi(12_001, 0x90, 60, 80)
    )
    assert abs(1200 * np.log2(pitch_hz(back[:, 12_000:]) / pitch_hz(plain))) < 15
    plugin.close()


def test_a_delay_in_beats_follows_the_hosts_tempo(
    plugin: Plugin, clap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = plugin.save().decode()
    plugin.close()
    for name, value in (("delay_level", 1), ("delay_beats", 1), ("reverb_level", 0), ("glue", 0)):
        head, _, rest = song.partition(f"sound {name} ")
        song = f"{head}sound {name} {value}\n{rest.partition(chr(10))[2]}"
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))  # no service: the song's words count
    echoes = []
    for bpm in (120.0, 90.0):
        lone = Plugin(clap, offline=False)
        assert lone.load(song.encode())
        lone.start()
        lone.process(480, tempo=bpm)
        notes = [midi(0, 0x90, 84, 100), midi(2000, 0x80, 84, 0)]
        audio = lone.process(48_000, notes, tempo=bpm)
        level = np.abs(audio).sum(axis=0)
        echoes.append(level)
        lone.close()
    differs = int(np.argmax(echoes[0] != echoes[1]))
    assert abs(differs - 24_000) < 1500  # where the faster one's echo begins
    assert echoes[0][24_000:26_000].max() > 3 * echoes[1][24_000:26_000].max()
