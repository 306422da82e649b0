"""Resonator bank: eight strings in a chord, which what you play sets swinging."""

from instrument.rack.knob import Knob

KNOBS = [
    Knob("root", 48, 24, 72, "key"),
    Knob("minor", 0, is_switch=True),
    Knob("seconds", 3, 0.1, 10, "s"),
    Knob("bright", 0.5),  # how much of the higher strings is heard
]
CHORD = (0, 7, 12, 16, 19, 24, 28, 31)  # semitones above the root
THIRDS = (16, 28)


def build(pyo, inlet):
    """Tune one resonator per string, every second one to either side."""
    strings = []
    for number, interval in enumerate(CHORD):
        flat = inlet.knob("minor") if interval in THIRDS else 0
        hertz = pyo.MToF(inlet.knob("root") + interval - flat)
        share = pyo.Pow(inlet.knob("bright") * 0.7 + 0.3, number) * 0.03
        string = pyo.ComplexRes(
            inlet.mono, freq=hertz, decay=inlet.knob("seconds") * 0.14, mul=share
        )
        strings.append(pyo.Pan(string, outs=2, pan=0.2 if number % 2 else 0.8))
    return pyo.Tanh(pyo.Mix(strings, 2))
