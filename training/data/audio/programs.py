"""The General MIDI programs that the frame voice learns from, and how each behaves.

Percussion, sound effects and the evolving "synth effect" programs are left out: they have no
pitch that a keyboard could play, or several.
"""

from __future__ import annotations

from instrument.errors import SettingError
from training.audio.format import LOWEST_PITCH, PITCH_COUNT

PROGRAM_NAMES: dict[int, str] = {
    0: "grand-piano",
    1: "bright-piano",
    2: "electric-grand",
    3: "honky-tonk",
    4: "tine-piano",
    5: "fm-piano",
    6: "harpsichord",
    7: "clavinet",
    8: "celesta",
    9: "glockenspiel",
    10: "music-box",
    11: "vibraphone",
    12: "marimba",
    13: "xylophone",
    14: "tubular-bells",
    15: "dulcimer",
    16: "drawbar-organ",
    17: "percussive-organ",
    18: "rock-organ",
    19: "church-organ",
    20: "reed-organ",
    21: "accordion",
    22: "harmonica",
    23: "bandoneon",
    24: "nylon-guitar",
    25: "steel-guitar",
    26: "jazz-guitar",
    27: "clean-guitar",
    28: "muted-guitar",
    29: "overdrive-guitar",
    30: "distortion-guitar",
    31: "guitar-harmonics",
    32: "acoustic-bass",
    33: "fingered-bass",
    34: "picked-bass",
    35: "fretless-bass",
    36: "slap-bass-1",
    37: "slap-bass-2",
    38: "synth-bass-1",
    39: "synth-bass-2",
    40: "violin",
    41: "viola",
    42: "cello",
    43: "double-bass",
    44: "tremolo-strings",
    45: "pizzicato",
    46: "harp",
    47: "timpani",
    48: "strings",
    49: "slow-strings",
    50: "synth-strings-1",
    51: "synth-strings-2",
    52: "choir-aah",
    53: "voice-ooh",
    54: "synth-voice",
    56: "trumpet",
    57: "trombone",
    58: "tuba",
    59: "muted-trumpet",
    60: "french-horn",
    61: "brass-section",
    62: "synth-brass-1",
    63: "synth-brass-2",
    64: "soprano-sax",
    65: "alto-sax",
    66: "tenor-sax",
    67: "baritone-sax",
    68: "oboe",
    69: "english-horn",
    70: "bassoon",
    71: "clarinet",
    72: "piccolo",
    73: "flute",
    74: "recorder",
    75: "pan-flute",
    76: "bottle",
    77: "shakuhachi",
    78: "whistle",
    79: "ocarina",
    80: "square-lead",
    81: "saw-lead",
    82: "calliope-lead",
    83: "chiff-lead",
    84: "charang-lead",
    85: "voice-lead",
    86: "fifths-lead",
    87: "bass-lead",
    88: "new-age-pad",
    89: "warm-pad",
    90: "polysynth-pad",
    91: "choir-pad",
    92: "bowed-pad",
    93: "metallic-pad",
    94: "halo-pad",
    95: "sweep-pad",
    104: "sitar",
    105: "banjo",
    106: "shamisen",
    107: "koto",
    108: "kalimba",
    109: "bagpipe",
    110: "fiddle",
    111: "shanai",
    114: "steel-drums",
}
"""Left out within these families: 55, the orchestra hit, which is a chord."""

STRUCK_PROGRAMS = frozenset(
    {*range(16), *range(24, 29), *range(31, 40), 45, 46, 47, *range(104, 109), 114}
)
"""Programs that start with a stroke or pluck and die away; the others sound while held."""

HELD_OUT_PROGRAMS = (12, 42, 60, 73)
"""Marimba, cello, French horn and flute are never trained on: one mallet, string, brass, flute."""

VELOCITY_TILT_DB_PER_OCTAVE: dict[range, float] = {
    range(0, 8): 6.0,  # pianos: a felt hammer is the classic low-pass
    range(8, 16): 5.0,  # mallets
    range(16, 24): 3.0,  # organs hardly have it; 3 keeps touch audible
    range(24, 40): 5.0,  # guitars and basses
    range(40, 56): 4.0,  # strings and voices
    range(56, 72): 6.0,  # brass and reeds brighten most
    range(72, 80): 3.5,  # flutes
    range(80, 104): 4.5,  # synthesisers
    range(104, 120): 5.0,  # plucked instruments of the world
}
"""How much darker pianissimo is above the corner, by family. Designed: GM fonts hardly have it."""


def velocity_tilt(program: int) -> float:
    """Return the pianissimo tilt of a program in dB per octave."""
    return next(tilt for span, tilt in VELOCITY_TILT_DB_PER_OCTAVE.items() if program in span)


def held_out_pitches(program: int) -> tuple[frozenset[int], frozenset[int]]:
    """Return the pitches of a program that training never sees, and those to test on.

    Three windows of five adjacent pitches, one in each third of the keyboard, placed differently
    for every program; the inner three of each are tested, so that the nearest training pitch is
    two or three semitones away.
    """
    span = PITCH_COUNT // 3
    starts = [
        LOWEST_PITCH + third * span + 1 + (program * (7 + 4 * third) + 3 * third) % (span - 7)
        for third in range(3)
    ]
    hidden = frozenset(start + step for start in starts for step in range(5))
    return hidden, frozenset(start + step for start in starts for step in (1, 2, 3))


def chosen_programs(numbers: str | None) -> tuple[int, ...]:
    """Return the programs that an option like ``--programs 0,40,73`` names; all of them for None.

    Raises
    ------
    SettingError
        What it names is no number, or is not in `PROGRAM_NAMES`.
    """
    if numbers is None:
        return tuple(PROGRAM_NAMES)
    try:
        chosen = tuple(sorted({int(number) for number in numbers.split(",")}))
    except ValueError as error:
        raise SettingError(f"--programs must be numbers like 0,40,73, got {numbers!r}") from error
    unknown = [number for number in chosen if number not in PROGRAM_NAMES]
    if unknown:
        raise SettingError(
            f"--programs: {', '.join(map(str, unknown))} cannot be used",
            "Melodic General MIDI programs count from 0: 0-111 without 55 and 96-103, and 114.",
        )
    return chosen
