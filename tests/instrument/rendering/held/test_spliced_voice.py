"""A tone of the table, gone through in another order for as long as a key is held."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from instrument.bench.presets.measures import clicks, self_likeness
from instrument.midi.messages import note_off, note_on
from instrument.preset.banks import PresetBanks
from instrument.preset.preset import load_preset, save_preset
from instrument.realtime.offline_engine import OfflineEngine
from instrument.rendering.held.spliced_voice import SplicedVoice
from instrument.rendering.held.voice import StreamedNote
from instrument.rendering.table_source import ToneTables

HALF = 24_000
LOOP = slice(48_000, 120_000)


def tone(hz: float = 196.0) -> NDArray[np.float32]:
    """Return a tone with breath: two and a half seconds."""
    random = np.random.default_rng(1)
    time = np.arange(LOOP.stop) / 48_000
    wave = sum(np.sin(2 * np.pi * hz * k * time + k * k) / k for k in range(1, 9))
    return np.asarray(0.1 * (wave + 0.02 * random.standard_normal(time.size)), np.float32)


def voice(number: int = 5, drift: float = 1.0, hz: float = 196.0) -> SplicedVoice:
    pitch = round(69 + 12 * np.log2(hz / 440))
    note = StreamedNote(pitch, number, (0.0, 1.0), drift, joins_hop=240.0)
    return SplicedVoice(tone(hz), LOOP.start, note, 48_000)


def test_while_the_tone_is_there_it_is_the_same() -> None:
    streamed = voice()
    chunks = np.concatenate([streamed.chunk(number) for number in range(4)])
    assert np.array_equal(chunks, tone()[: 4 * HALF])


@pytest.mark.parametrize("hz", [41.2, 196.0, 1046.5])
def test_it_goes_on_evenly_without_a_step_and_never_the_same(hz: float) -> None:
    streamed = voice(hz=hz)
    audio = np.concatenate([streamed.chunk(number) for number in range(24)])
    steps = np.abs(np.diff(audio))
    assert steps[LOOP.stop :].max() < 1.1 * steps[: LOOP.stop].max()
    levels = np.sqrt(np.square(audio[: 24 * HALF].reshape(-1, 4_800)).mean(axis=1))
    assert 20 * np.log10(levels.max() / levels.min()) < 1.0
    held = np.stack([audio[8 * HALF :]] * 2, axis=1)
    assert self_likeness(held, 48_000) < 0.99  # one side alone, and of steady partials


def test_a_half_second_is_its_notes_and_its_number_s_alone() -> None:
    first = voice()
    in_order = [first.chunk(number) for number in range(20)]
    later = voice()
    assert np.array_equal(later.chunk(17), in_order[17])
    assert np.array_equal(later.chunk(16), in_order[16])  # once more, as after a morph
    assert np.array_equal(later.chunk(2), in_order[2])
    assert not np.array_equal(voice(number=6).chunk(17), in_order[17])


def test_a_note_that_is_held_for_an_hour_keeps_little() -> None:
    streamed = voice()
    for number in range(400):
        streamed.chunk(number)
    assert streamed._made.nbytes < 3_000_000


@pytest.mark.parametrize("loop_frames", [0, 1, 245, 4_000])
def test_a_loop_that_is_too_short_to_be_cut_goes_round(loop_frames: int) -> None:
    note = StreamedNote(57, 5, (0.0, 1.0), 0.0, joins_hop=240.0)
    whole = tone(48_000 / 245)[: 30_000 + loop_frames]  # a period of 245 frames
    streamed = SplicedVoice(whole, 30_000, note, 48_000)
    audio = np.concatenate([streamed.chunk(number) for number in range(6)])
    until = whole.size - 1_920  # the cross-fade to what follows
    assert np.array_equal(audio[:until], whole[:until]) and audio.size == 6 * HALF
    assert np.isfinite(audio).all() and np.abs(audio).max() < 1.1 * np.abs(whole).max()


def test_drift_decides_how_far_it_wanders() -> None:
    def cents(drift: float) -> float:
        audio = np.concatenate([voice(drift=drift, hz=440.0).chunk(n) for n in range(20)])
        phase = np.unwrap(np.angle(np.fft.ifft(np.fft.fft(audio) * _band(audio.size, 440.0))))
        hz = np.diff(phase[8 * HALF : -HALF]) * 48_000 / (2 * np.pi)
        slow = hz[: hz.size // 4_800 * 4_800].reshape(-1, 4_800).mean(axis=1)
        return float(np.std(1200 * np.log2(slow / 440.0)))

    assert cents(0.0) < 1.0
    assert 2.0 < cents(1.0) < 9.0


def _band(size: int, hz: float) -> NDArray[np.float64]:
    away = np.abs(np.fft.fftfreq(size, 1 / 48_000) - hz)
    return np.where(away < 60.0, 2.0, 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_gansynth_holds_its_notes_without_a_click(tmp_path: Path, rate_hz: int) -> None:
    preset = load_preset("river_clarinet")
    assert preset.sound.sustain == "stream"
    heard = {}
    for sustain in ("loop", "stream"):
        path = tmp_path / f"{sustain}.toml"
        save_preset(replace(preset, sound=replace(preset.sound, sustain=sustain)), path)
        engine = OfflineEngine(rate_hz, 128, note_seconds=4.0)
        bank = PresetBanks(engine.state).prepare(path).bank
        tables = ToneTables(engine.state)
        if table := tables.begin(bank, path):
            while table.filler.step():
                pass
        engine.stream_from(tables.streams.serve_all)
        engine.send(0, note_on(48, 100))
        audio = engine.render(8 * rate_hz)
        engine.send(engine.state.clock, note_off(48))
        heard[sustain] = np.concatenate([audio, engine.render(rate_hz)])
        assert engine.state.meters["late_streams"] == 0
    assert clicks(heard["stream"][rate_hz // 10 :], rate_hz) == 0
    held = slice(4 * rate_hz, 8 * rate_hz)
    likeness = {name: self_likeness(audio[held], rate_hz) for name, audio in heard.items()}
    assert likeness["stream"] < likeness["loop"] - 0.05
    assert heard["stream"][held].std() == pytest.approx(heard["loop"][held].std(), rel=0.12)
