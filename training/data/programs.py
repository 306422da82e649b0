"""The General MIDI programs that the frame voice learns from, and how each behaves.

Percussion, sound effects and the evolving "synth effect" programs are left out: they have no
pitch that a keyboard could play, or several.
"""

from __future__ import annotations

PROGRAM_NAMES: dict[int, str] = dict(
    enumerate(
        (
            "grand-piano bright-piano electric-grand honky-tonk tine-piano fm-piano harpsichord "
            "clavinet celesta glockenspiel music-box vibraphone marimba xylophone tubular-bells "
            "dulcimer drawbar-organ percussive-organ rock-organ church-organ reed-organ accordion "
            "harmonica bandoneon nylon-guitar steel-guitar jazz-guitar clean-guitar muted-guitar "
            "overdrive-guitar distortion-guitar guitar-harmonics acoustic-bass fingered-bass "
            "picked-bass fretless-bass slap-bass-1 slap-bass-2 synth-bass-1 synth-bass-2 violin "
            "viola cello double-bass tremolo-strings pizzicato harp timpani strings slow-strings "
            "synth-strings-1 synth-strings-2 choir-aah voice-ooh synth-voice orchestra-hit trumpet "
            "trombone tuba muted-trumpet french-horn brass-section synth-brass-1 synth-brass-2 "
            "soprano-sax alto-sax tenor-sax baritone-sax oboe english-horn bassoon clarinet "
            "piccolo flute recorder pan-flute bottle shakuhachi whistle ocarina square-lead "
            "saw-lead calliope-lead chiff-lead charang-lead voice-lead fifths-lead bass-lead "
            "new-age-pad warm-pad polysynth-pad choir-pad bowed-pad metallic-pad halo-pad "
            "sweep-pad"
        ).split()
    )
) | {
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
del PROGRAM_NAMES[55]  # orchestra hit: a chord

STRUCK_PROGRAMS = frozenset(
    {*range(16), *range(24, 29), *range(31, 40), 45, 46, 47, *range(104, 109), 114}
)
"""Programs that start with a stroke or pluck and die away; the others sound while held."""

HELD_OUT_PROGRAMS = (12, 42, 60, 73)
"""Marimba, cello, French horn and flute: never trained on, one of each family that GM has most of."""

_LOWEST_PITCH, _HIGHEST_PITCH = 21, 108

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
    span = (_HIGHEST_PITCH - _LOWEST_PITCH + 1) // 3
    starts = [
        _LOWEST_PITCH + third * span + 1 + (program * (7 + 4 * third) + 3 * third) % (span - 7)
        for third in range(3)
    ]
    hidden = frozenset(start + step for start in starts for step in range(5))
    return hidden, frozenset(start + step for start in starts for step in (1, 2, 3))
