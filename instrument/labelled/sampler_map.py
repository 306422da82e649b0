"""Write a preset as an SFZ instrument: samples of some keys, and a map that says how they play.

In: a preset. Out: ``NAME.sfz``, ``NAME.dspreset`` and ``NAME samples/*.wav``. What the voices
themselves do is in the map: velocity layers that blend, envelope, low-pass, vibrato on the wheel,
bend, small differences from strike to strike. Effects are not: samplers have their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from instrument.bundle.bundle import Bundle
from instrument.files import cannot_write, replacing_file
from instrument.labelled.dspreset import write_dspreset
from instrument.labelled.key_sample import TAKES, KeySample
from instrument.labelled.loop_wave import write_loop_wave
from instrument.preset.preset import Preset, file_stem
from instrument.preset.sections import Filter
from instrument.realtime.memory.constants import LOUD, LOUD_VELOCITY, SOFT_VELOCITY
from instrument.rendering.renderer import ToneRenderer
from instrument.rendering.sustained_tones import whole_tones
from instrument.rendering.tone_cache import Tone
from instrument.rendering.tone_table import tone_frames

LOWEST_KEY, HIGHEST_KEY = 24, 96
LONGEST_SECONDS = 12.0

_LOUDEST, _HIGHEST_VOLUME_DB, _OPEN_HZ = 0.97, 6.0, 19_999.0
_SILENT, _FADE_SECONDS = 1e-4, 0.05
_CURVE = (1, 16, 32, 48, 64, 80, 96, 112, 127)


def write_sfz(
    preset: Preset,
    bundle: Bundle,
    renderer: ToneRenderer,
    folder: Path,
    *,
    rate_hz: int,
    every: int,
    show: Callable[[int, int], None],
) -> Path:
    """Write a preset as an SFZ instrument.

    Parameters
    ----------
    renderer
        Of the preset's model, with its motion.
    folder
        Gets the map and a folder of samples.
    rate_hz
        Of the samples.
    every
        A sample for every so many keys.
    show
        Told how many keys are done, and of how many.

    Returns
    -------
    Path
        The map.

    Raises
    ------
    FileError
        The folder cannot be written.
    """
    stem = file_stem(preset.name)
    path = folder / f"{stem}.sfz"
    origin = _origin(preset, bundle)
    samples: list[KeySample] = []
    keys = range(LOWEST_KEY + every // 2, HIGHEST_KEY + 1, every)
    try:
        (folder / f"{stem} samples").mkdir(parents=True, exist_ok=True)
        for done, key in enumerate(keys, start=1):
            around = key - every // 2, key - every // 2 + every - 1
            samples += _write_key(preset, renderer, folder, key, around, rate_hz)
            show(done, len(keys))
        with replacing_file(path) as building:
            building.write_text("\n".join(_lines(preset, origin, samples)) + "\n", "utf-8")
        write_dspreset(path.with_suffix(".dspreset"), preset, samples, " ".join(origin))
    except OSError as problem:
        raise cannot_write(path, problem) from problem
    return path


def _write_key(
    preset: Preset,
    renderer: ToneRenderer,
    folder: Path,
    key: int,
    around: tuple[int, int],
    rate_hz: int,
) -> Iterator[KeySample]:
    (layers,) = whole_tones(
        renderer,
        [key],
        np.asarray([preset.layer_latents], np.float32),
        rate_hz=rate_hz,
        frames=tone_frames(preset, rate_hz),
        goes_on_evenly=preset.sound.table_sustain == "loop",
    )
    for tone in layers:
        goes_round = bool(tone.loop_end) and tone.loop_decay_per_frame >= 1.0
        audio = tone.samples if goes_round else _rung_out(tone, rate_hz)
        loop = (tone.loop_start, tone.loop_end) if goes_round else None
        wanted_db = 20.0 * math.log10(tone.gain) + preset.sound.gain_db
        room_db = 20.0 * math.log10(_LOUDEST / max(float(np.abs(audio).max()), 1e-6))
        baked_db = min(wanted_db, room_db)
        name = (
            f"{file_stem(preset.name)} samples/{key:03d}{'' if tone.layer == LOUD else ' soft'}.wav"
        )
        louder = (audio * np.float32(10.0 ** (baked_db / 20.0))).astype(np.float32)
        write_loop_wave(folder / name, louder, rate_hz, key, loop)
        volume_db = min(wanted_db - baked_db, _HIGHEST_VOLUME_DB)
        yield KeySample(name, tone, volume_db, around, loop)


def _rung_out(tone: Tone, rate_hz: int) -> NDArray[np.float32]:
    """Let a tone that dies away do so: go round as the engine does, until it is silent."""
    most = round(LONGEST_SECONDS * rate_hz)
    audio = np.asarray(tone.samples[: tone.loop_end or None], np.float64)
    if tone.loop_end:
        span = tone.samples[tone.loop_start : tone.loop_end].astype(np.float64)
        again = np.tile(span, max(-(-(most - len(audio)) // len(span)), 0))[: most - len(audio)]
        falling = tone.loop_decay_per_frame ** np.arange(1, len(again) + 1)
        audio = np.concatenate([audio, again * falling])
    loud = np.flatnonzero(np.abs(audio) > _SILENT * np.abs(audio).max())
    audio = audio[: int(loud[-1]) + 1] if len(loud) else audio
    fade = min(round(_FADE_SECONDS * rate_hz), len(audio))
    audio[len(audio) - fade :] *= np.linspace(1.0, 0.0, fade)
    return audio.astype(np.float32)


def _origin(preset: Preset, bundle: Bundle) -> tuple[str, str]:
    card = bundle.card
    return (
        f"{preset.name}, made with latentkeys from {card.name} {card.version}.",
        f"Licence: {card.licence.weights}; effects of the preset are not in this file.",
    )


def _lines(preset: Preset, origin: Sequence[str], samples: list[KeySample]) -> Iterator[str]:
    yield from (f"// {line}" for line in origin)
    yield "<control>"
    yield "set_cc1=0"
    yield "<global>"
    yield from _voice(preset)
    takes = TAKES if preset.sound.variation > 0.0 else TAKES[:1]
    has_layers = any(sample.tone.layer != LOUD for sample in samples)
    for sample in samples:
        for number, (cents, louder_db) in enumerate(takes, start=1):
            yield " ".join(
                [
                    f"<region> sample={sample.file}",
                    f"pitch_keycenter={sample.tone.pitch} lokey={sample.keys[0]}",
                    f"hikey={sample.keys[1]}",
                    *_layer(sample.tone.layer, has_layers),
                    *_loop(sample),
                    *_take(preset, sample, len(takes), number, cents, louder_db),
                ]
            )


def _take(
    preset: Preset, sample: KeySample, count: int, number: int, cents: float, louder_db: float
) -> Iterator[str]:
    share = preset.sound.variation
    volume = min(sample.volume_db + share * louder_db, _HIGHEST_VOLUME_DB)
    if volume:
        yield f"volume={volume:.2f}"
    if count > 1:
        yield f"seq_length={count} seq_position={number} tune={share * cents:.2f}"


def _layer(layer: int, has_layers: bool) -> Iterator[str]:
    """Blend the layers as the engine does: in a straight line between their velocities."""
    if not has_layers:
        return
    way = "in" if layer == LOUD else "out"
    yield f"xf{way}_lovel={SOFT_VELOCITY} xf{way}_hivel={LOUD_VELOCITY}"


def _loop(sample: KeySample) -> Iterator[str]:
    if sample.loop is None:
        yield "loop_mode=no_loop"
        return
    yield f"loop_mode=loop_continuous loop_start={sample.loop[0]} loop_end={sample.loop[1] - 1}"


def _voice(preset: Preset) -> Iterator[str]:
    touch, envelope, vibrato = preset.touch, preset.envelope, preset.vibrato
    yield "xf_velcurve=gain"
    yield f"pan={100.0 * preset.sound.pan:.1f}"
    yield "amp_veltrack=100"
    for velocity in _CURVE:
        felt = (velocity / 127.0) ** touch.velocity_curve
        level = 1.0 - touch.velocity_to_gain * (1.0 - felt)
        yield f"amp_velcurve_{velocity}={level:.4f}"
    yield f"ampeg_attack={envelope.attack_seconds:g} ampeg_release={envelope.release_seconds:g}"
    yield f"ampeg_decay={envelope.decay_seconds:g} ampeg_sustain={100.0 * envelope.sustain_level:g}"
    bend = round(100.0 * touch.bend_range_semitones)
    yield f"bend_up={bend} bend_down=-{bend}"
    yield f"lfo01_freq={vibrato.rate_hz:g} lfo01_delay={vibrato.delay_seconds:g}"
    yield f"lfo01_pitch={vibrato.share * vibrato.depth_cents:g}"
    yield f"lfo01_pitch_oncc1={(1.0 - vibrato.share) * vibrato.depth_cents:g}"
    if preset.filter.cutoff_hz < _OPEN_HZ or preset.filter.velocity_octaves:
        yield from _low_pass(preset.filter)


def _low_pass(low_pass: Filter) -> Iterator[str]:
    """Say the low-pass; SFZ begins at the softest velocity, a preset at the strongest."""
    softest = low_pass.cutoff_hz * 2.0**-low_pass.velocity_octaves
    yield f"fil_type=lpf_2p cutoff={softest:.1f} resonance={18.0 * low_pass.resonance:.1f}"
    yield f"fil_keytrack={100.0 * low_pass.key_tracking:g} fil_keycenter=60"
    yield f"fil_veltrack={1200.0 * low_pass.velocity_octaves:g}"
    if low_pass.envelope_octaves:
        depth = 1200.0 * low_pass.envelope_octaves
        yield f"fileg_depth={depth:g} fileg_decay={low_pass.envelope_seconds:g} fileg_sustain=0"
