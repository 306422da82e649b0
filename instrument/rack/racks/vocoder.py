"""Vocoder: the partner's notes speak, in vowels, with the sound that you play."""

from instrument.rack.knob import Knob

KNOBS = [
    Knob("low_hz", 90, 50, 300, "Hz"),  # of the lowest band
    Knob("spread", 1.25, 1, 1.6),  # from band to band
    Knob("sharpness", 12, 4, 40),
    Knob("gain_db", -8, -24, 24, "dB"),
]


def build(pyo, inlet):
    """Let the levels of the partner's bands shape yours."""
    spoken = pyo.Vocoder(
        inlet.partner,
        inlet.sound,
        freq=inlet.knob("low_hz"),
        spread=inlet.knob("spread"),
        q=inlet.knob("sharpness"),
        slope=0.7,
        stages=18,
    )
    return pyo.Tanh(spoken * pyo.DBToA(inlet.knob("gain_db")))
