"""Tape: a worn machine, which wavers, saturates and loses its treble."""

from instrument.rack.knob import Knob

KNOBS = [
    Knob("wow", 0.3),  # slow wavering of the speed,
    Knob("flutter", 0.2),  # and fast
    Knob("drive", 0.3),
    Knob("treble_hz", 7000, 1000, 16_000, "Hz"),
    Knob("echo", 0.25),  # from the second head, back onto the tape
]


def build(pyo, inlet):
    """Waver, saturate, dull."""
    slow = pyo.Sine(0.55, mul=inlet.knob("wow") * 0.002)
    fast = pyo.Randi(-1, 1, freq=9, mul=inlet.knob("flutter") * 0.0003)
    wavering = pyo.Delay(inlet.sound, delay=0.008 + slow + fast, maxdelay=0.05)
    saturated = pyo.Tanh(wavering * (1 + inlet.knob("drive") * 6)) / (1 + inlet.knob("drive") * 4)
    head = pyo.ButLP(saturated, freq=inlet.knob("treble_hz"))
    echo = pyo.Delay(head, delay=0.31 + slow, feedback=0.45, maxdelay=1, mul=inlet.knob("echo"))
    return head + pyo.ButLP(echo, freq=3500)
