"""Convolution: the sound in a room, a spring or a tin, as a recording of its impulse has it."""

from instrument.rack.knob import Knob

KNOBS = [
    Knob("treble_hz", 12_000, 500, 18_000, "Hz"),
    Knob("bass_hz", 60, 20, 600, "Hz"),
]


def build(pyo, inlet):
    """Convolve with the file of ``--impulse``, or with a hall."""
    wet = pyo.CvlVerb(inlet.sound, impulse=inlet.impulse, bal=1, size=1024)
    return pyo.ButHP(pyo.ButLP(wet, freq=inlet.knob("treble_hz")), freq=inlet.knob("bass_hz"))
