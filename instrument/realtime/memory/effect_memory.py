"""What effects keep: their parameters in a bank's sound, and every bank's delay lines and filters.

This module imports neither numba nor llvmlite, as `memory.state`, which is built from it.
"""

from __future__ import annotations

from typing import Final

from instrument.realtime.memory.records import record

CHORUS_FRAMES: Final = 4096  # lengths of lines: powers of two; at 192 kHz still 21 ms,
DELAY_FRAMES: Final = 1 << 17  # 0.68 s (2.7 s at 48 kHz),
REVERB_FRAMES: Final = 1 << 15  # 170 ms,
SPREAD_FRAMES: Final = 8192  # and 42 ms
REVERB_LINES: Final = 8
SWAYS: Final = 2  # of the lines, every other one
DIFFUSERS: Final = 4  # of the reverb's input, two for each channel
SPREADERS: Final = 3
TAPS: Final = 6  # of a chorus, three for each channel
BANDS: Final = 3

# `reverb_room` and `chorus_kind` of a sound, by the names that presets have for them.
ROOMS: Final = ("room", "chamber", "hall", "plate")
CHORUSES: Final = ("chorus", "ensemble")

PARAMETERS: Final[tuple[tuple[str, str, float], ...]] = (
    # name, type, value at rest
    ("width", "f4", 0.0),  # side over middle of what is played in the middle
    ("drive", "f4", 0.0),  # 0 = none .. 1 = 24 dB into the curve
    ("glue", "f4", 0.0),  # 0 = none .. 1 = 2 : 1 above -24 dB
    ("tone_low_db", "f4", 0.0),
    ("tone_low_hz", "f4", 200.0),
    ("tone_mid_db", "f4", 0.0),
    ("tone_mid_hz", "f4", 1000.0),
    ("tone_high_db", "f4", 0.0),
    ("tone_high_hz", "f4", 5000.0),
    ("orbit_depth", "f4", 0.0),  # 0 = it stays .. 1 = from one side to the other
    ("orbit_rate_hz", "f4", 0.1),
    ("chorus_level", "f4", 0.0),
    ("chorus_kind", "i4", 0.0),
    ("chorus_rate_hz", "f4", 0.6),
    ("chorus_depth_milliseconds", "f4", 2.0),
    ("delay_level", "f4", 0.0),
    ("delay_seconds", "f4", 0.375),
    ("delay_beats", "f4", 0.0),  # 0 = `delay_seconds` counts
    ("delay_feedback", "f4", 0.35),
    ("delay_damping_hz", "f4", 5000.0),
    ("delay_crosses", "i4", 1.0),  # from side to side
    ("reverb_level", "f4", 0.0),
    ("reverb_room", "i4", 0.0),
    ("reverb_seconds", "f4", 1.5),  # to fall by 60 dB
    ("reverb_pre_delay_seconds", "f4", 0.01),
    ("reverb_size", "f4", 1.0),  # of the room's delays
    ("reverb_damping_hz", "f4", 6000.0),
    ("reverb_modulation_milliseconds", "f4", 0.0),  # its walls sway so far
)
SOUND_FIELDS: Final[tuple[tuple[str, str], ...]] = tuple((n, kind) for n, kind, _ in PARAMETERS)
AT_REST: Final[dict[str, float]] = {name: value for name, _, value in PARAMETERS}


CHAIN = record(
    ("is_awake", "i4"),  # it sounds, or rings on
    ("is_due", "i4"),  # a voice of its bank begins
    ("is_muted", "i4"),  # it fades and forgets everything
    ("unclean", "i4"),  # frames of its lines, from 0 on, that may hold what it forgot
    ("quiet_ticks", "i4"),  # for so long nothing was heard of it
    ("wet_peak", "f4"),  # loudest that it gave since the last tick
    ("mute_gain", "f4"),
    ("chorus_control", "i4"),  # as CC 93 and CC 91 gave them; 0 = not given, else 1 more
    ("reverb_control", "i4"),
    ("chorus_runs", "i4"),  # once begun they run until the chain sleeps: a level may come back
    ("delay_runs", "i4"),
    ("reverb_runs", "i4"),
    ("at", "i8"),  # the frame that lines are written at, ever growing
    # -- levels: where they are, and their steps per frame
    ("width", "f4"),
    ("width_step", "f4"),
    ("chorus_level", "f4"),
    ("chorus_step", "f4"),
    ("delay_level", "f4"),
    ("delay_step", "f4"),
    ("reverb_level", "f4"),
    ("reverb_step", "f4"),
    # -- tone: a state-variable filter per band
    ("tone_is_on", "i4"),
    ("band_db", "f4", (BANDS,)),  # what the coefficients were computed for
    ("band_hz", "f4", (BANDS,)),
    ("band_a", "f4", (BANDS, 3)),
    ("band_m", "f4", (BANDS, 3)),
    ("band_state", "f4", (BANDS, 4)),
    # -- drive
    ("drive", "f4"),
    ("drive_gain", "f4"),
    ("drive_makeup", "f4"),
    # -- width: all-passes in series, the first one's delay moves
    ("spread_phase", "f4"),
    ("spread_delay", "f4"),
    ("spread_delay_step", "f4"),
    ("spread_low", "f4"),
    ("spread", "f4", (SPREAD_FRAMES, SPREADERS)),
    # -- orbit
    ("orbit_runs", "i4"),
    ("orbit_phase", "f4"),
    ("orbit_left", "f4"),
    ("orbit_right", "f4"),
    ("orbit_left_step", "f4"),
    ("orbit_right_step", "f4"),
    # -- chorus
    ("chorus_phase", "f4"),
    ("chorus_flutter", "f4"),
    ("tap_delay", "f4", (TAPS,)),  # frames
    ("tap_step", "f4", (TAPS,)),
    ("chorus", "f4", (CHORUS_FRAMES,)),
    # -- delay
    ("delay_frames", "f4"),
    ("delay_frames_step", "f4"),
    ("delay_keep", "f4"),
    ("delay_low", "f4", (2,)),
    ("delay", "f4", (DELAY_FRAMES, 2)),
    # -- reverb
    ("room", "i4"),  # what lengths and gains were computed for
    ("size", "f4"),
    ("seconds", "f4"),
    ("damping_hz", "f4"),
    ("line_frames", "i4", (REVERB_LINES,)),
    ("line_gain", "f4", (REVERB_LINES,)),
    ("line_low", "f4", (REVERB_LINES,)),
    ("damping", "f4"),
    ("sway_turn", "f4", (SWAYS,)),  # -1..1, of the walls
    ("sway", "f4", (SWAYS,)),  # frames by which lines are longer than their room's
    ("sway_step", "f4", (SWAYS,)),
    ("pre_delay_frames", "i4"),
    ("diffuser_frames", "i4", (DIFFUSERS,)),
    ("diffusers", "f4", (CHORUS_FRAMES, DIFFUSERS)),
    ("pre_delay", "f4", (REVERB_FRAMES, 2)),
    ("lines", "f4", (REVERB_FRAMES, REVERB_LINES)),
    # -- glue
    ("glue_peak", "f4"),
    ("glue_gain", "f4"),
    ("glue_step", "f4"),
)
