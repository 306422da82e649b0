"""Shimmer: a long room whose sound rises by an octave each time that it comes round."""

from instrument.rack.knob import Knob

KNOBS = [
    Knob("rise", 0.5),  # how much of the room goes round once more, higher
    Knob("interval", 12, -12, 19, "semitones"),
    Knob("seconds", 6, 1, 20, "s"),
    Knob("treble_hz", 6000, 1000, 16_000, "Hz"),
]
GRAIN_SECONDS = 0.12


def build(pyo, inlet):
    """Close a loop of room and pitch shifter."""
    again = pyo.Sig(0)
    room = pyo.STRev(
        inlet.sound * 0.5 + again,
        revtime=inlet.knob("seconds"),
        cutoff=inlet.knob("treble_hz"),
        bal=1,
        roomSize=1.6,
        firstRefGain=-12,
    )
    higher = moved(pyo, room, inlet.knob("interval"))
    again.value = pyo.Tanh(pyo.ButHP(higher, freq=150)) * inlet.knob("rise") * 0.6
    return room


def moved(pyo, sound, semitones):
    """Move a pitch: two delays that grow or shrink by turns, each silent when it jumps."""
    speed = (1 - pyo.Pow(2, semitones / 12)) / GRAIN_SECONDS
    halves = []
    for phase in (0, 0.5):
        place = pyo.Phasor(speed, phase=phase)
        loud = pyo.Sin(place * 3.14159265)
        halves.append(
            pyo.Delay(sound, delay=place * GRAIN_SECONDS, maxdelay=GRAIN_SECONDS, mul=loud * loud)
        )
    return halves[0] + halves[1]
