"""How the engine's memory begins: what every field holds that is not zero.

This module imports neither numba nor llvmlite, as `memory.state`, which is built from it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from instrument.realtime.memory.aux_memory import at_rest
from instrument.realtime.memory.constants import (
    CHANNEL_COUNT,
    FORMAT,
    KEY_COUNT,
    NOT_GIVEN,
    PRESET_BANKS,
    PRESSURE_VIBRATO,
)
from instrument.realtime.memory.effect_memory import AT_REST

DEFAULT_SOUND: Final[dict[str, float]] = {
    "attack_seconds": 0.0,
    "decay_seconds": 0.0,
    "sustain_level": 1.0,
    "release_seconds": 0.3,
    "cutoff_hz": 20_000.0,
    "velocity_to_gain": 1.0,
    "velocity_curve": 2.0,
    "gain_db": -12.0,
    "vibrato_rate_hz": 5.5,
    "vibrato_depth_cents": 50.0,
    "bend_range_semitones": 2.0,
    "pressure_target": PRESSURE_VIBRATO,
    "loop": 1,
    **AT_REST,
}


def write_defaults(fields: NDArray[np.void]) -> None:
    """Fill a record of `STATE` that is zero, shape (), with what a session begins with."""
    fields["format"] = FORMAT
    fields["channel_mask"] = 0xFFFF
    fields["preset_banks"] = len(PRESET_BANKS)
    fields["master_gain"] = fields["master_target"] = fields["master_volume"] = 1.0
    fields["fade_out"] = fields["limiter_gain"] = fields["limiter_target"] = 1.0
    fields["meters"]["limiter_gain"] = 1.0
    fields["tempo"] = 120.0
    fields["meters"]["last_sound_frame"] = -1
    banks = fields["banks"]
    for name, value in DEFAULT_SOUND.items():
        banks[name] = value
    fields["sent_frame"] = -(1 << 62)  # never
    channels = fields["channels"]
    channels["parameter"] = -1
    channels["parameter_high"] = channels["parameter_low"] = 127
    channels["fine_tune_high"] = 64
    channels["volume"] = 100
    channels["expression"] = 127
    channels["pan"] = channels["brightness"] = 64
    channels["bend_range"] = 2.0
    channels["release_stretch"] = 1.0
    channels["part_gain"] = 1.0
    channels["master"] = np.arange(CHANNEL_COUNT)
    for controller in ("portamento", "portamento_time", "glides_from"):
        channels[controller] = NOT_GIVEN
    fields["key_semitones"] = np.arange(KEY_COUNT)
    at_rest(fields["rack"])
    channels["level"] = -1.0  # not yet: the first tick takes the target at once
