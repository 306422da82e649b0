"""Say a preset in the kernel's words: the `SOUND` record that voices copy when they start.

Control writes these records; it imports nothing here that only rendering needs.
"""

from __future__ import annotations

import numpy as np

from instrument.preset.effects import effect_fields
from instrument.preset.modulation import modulation_fields
from instrument.preset.playing import playing_fields
from instrument.preset.preset import Preset
from instrument.realtime.memory.constants import (
    PRESSURE_CUTOFF,
    PRESSURE_LEVEL,
    PRESSURE_NOTHING,
    PRESSURE_VIBRATO,
)
from instrument.realtime.memory.state import EngineState

_PRESSURE = {
    "nothing": PRESSURE_NOTHING,
    "vibrato": PRESSURE_VIBRATO,
    "cutoff": PRESSURE_CUTOFF,
    "level": PRESSURE_LEVEL,
}


def sound_fields(preset: Preset) -> dict[str, float]:
    """Say a preset in the kernel's words: values for the fields of `layout.SOUND`.

    A field that is an array there has one value for each place, as ``route_amount.3``.
    """
    return {
        "attack_seconds": preset.envelope.attack_seconds,
        "decay_seconds": preset.envelope.decay_seconds,
        "sustain_level": preset.envelope.sustain_level,
        "release_seconds": preset.envelope.release_seconds,
        "cutoff_hz": preset.filter.cutoff_hz,
        "resonance": preset.filter.resonance,
        "cutoff_key_track": preset.filter.key_tracking,
        "cutoff_velocity_octaves": preset.filter.velocity_octaves,
        "cutoff_envelope_octaves": preset.filter.envelope_octaves,
        "cutoff_decay_seconds": preset.filter.envelope_seconds,
        "velocity_to_gain": preset.touch.velocity_to_gain,
        "velocity_curve": preset.touch.velocity_curve,
        "gain_db": preset.sound.gain_db,
        "pan": preset.sound.pan,
        "variation": preset.sound.variation,
        "drift": preset.sound.drift,
        "stereo_width": preset.sound.stereo_width,
        "vibrato_rate_hz": preset.vibrato.rate_hz,
        "vibrato_depth_cents": preset.vibrato.depth_cents,
        "vibrato_share": preset.vibrato.share,
        "vibrato_delay_seconds": preset.vibrato.delay_seconds,
        "bend_range_semitones": preset.touch.bend_range_semitones,
        "pressure_target": _PRESSURE[preset.touch.pressure],
        "loop": 1,
        "streams": int(preset.sound.is_streamed),
        "slides": int(preset.slide is not None),
        **playing_fields(preset.playing),
        **modulation_fields(preset.modulation),
        **effect_fields(preset.effects),
    }


def write_sound(state: EngineState, bank: int, preset: Preset) -> None:
    """Set a bank's sound; notes that already sound keep what they copied. Control only.

    Parameters
    ----------
    preset
        What the bank is to sound like.
    """
    write_fields(state.banks[bank], sound_fields(preset))


def write_fields(sound: np.void, fields: dict[str, float]) -> None:
    """Set fields of a `SOUND` record, named as `sound_fields` names them.

    Parameters
    ----------
    sound
        The record, a view of the engine's memory.
    """
    for field, value in fields.items():
        name, _, place = field.partition(".")
        if place:
            sound[name][int(place)] = value
        else:
            sound[name] = value
