"""Bit world: fewer bits and fewer samples, which step to and fro with the beat."""

from instrument.rack.knob import Knob

KNOBS = [
    Knob("bits", 6, 2, 16, "bits"),
    Knob("rate", 0.2, 0.02, 1),  # samples that are left, as a share
    Knob("steps", 0.5),  # how far the rate jumps,
    Knob("step_beats", 0.25, 0.125, 4, "beats"),  # so often
    Knob("treble_hz", 9000, 500, 18_000, "Hz"),
]


def build(pyo, inlet):
    """Degrade, at a rate that is drawn anew on each step."""
    jump = pyo.Randh(-1, 1, freq=1 / (inlet.knob("step_beats") * inlet.beat))
    rate = inlet.knob("rate") * pyo.Pow(2, jump * inlet.knob("steps") * 2)
    coarse = pyo.Degrade(inlet.sound, bitdepth=inlet.knob("bits"), srscale=pyo.Clip(rate, 0.01, 1))
    return pyo.ButLP(coarse, freq=inlet.knob("treble_hz"))
