"""Swarm: copies of the sound, each a little off, that drift apart (latentkeys play --rack FILE)."""

from instrument.rack.knob import Knob

KNOBS = [
    Knob("apart", 0.4),  # how far
    Knob("speed_hz", 0.3, 0.05, 3, "Hz"),
    Knob("treble_hz", 6000, 500, 16_000, "Hz"),
]


def build(pyo, inlet):
    """Delay six copies by times that wander, and spread them from left to right."""
    copies = []
    for number in range(6):
        drift = pyo.Randi(0.0, 1.0, freq=inlet.knob("speed_hz") * (1 + number / 6))
        late = 0.01 + drift * inlet.knob("apart") * 0.03
        copy = pyo.Delay(inlet.mono, delay=late, maxdelay=0.1, mul=0.4)
        copies.append(pyo.Pan(copy, outs=2, pan=number / 5))
    return pyo.ButLP(pyo.Mix(copies, 2), freq=inlet.knob("treble_hz"))
