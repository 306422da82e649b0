"""Spectral blur: partials hang in the air and run into each other, as if seen through mist."""

from instrument.rack.knob import Knob

KNOBS = [
    Knob("blur", 0.95),  # how long partials hang
    Knob("dark", 0.4),  # how much sooner the high ones go
    Knob("shift", 0, -12, 12, "semitones"),
]


def build(pyo, inlet):
    """Let the spectrum's magnitudes ring, moved or not."""
    analysed = pyo.PVAnal(inlet.sound, size=2048, overlaps=4)
    moved = pyo.PVTranspose(analysed, transpo=pyo.Pow(2, inlet.knob("shift") / 12))
    ringing = pyo.PVVerb(moved, revtime=inlet.knob("blur"), damp=1 - inlet.knob("dark") * 0.3)
    return pyo.PVSynth(ringing)
