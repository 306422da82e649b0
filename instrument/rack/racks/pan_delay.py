"""Auto-pan delay: echoes in time with the beat, which wander from side to side."""

from instrument.rack.knob import Knob

KNOBS = [
    Knob("beats", 0.75, 0.125, 2, "beats"),
    Knob("feedback", 0.5, 0, 0.95),
    Knob("pan_beats", 4, 0.5, 16, "beats"),  # of one way there and back
    Knob("width", 0.9),
    Knob("treble_hz", 4500, 500, 16_000, "Hz"),
]


def build(pyo, inlet):
    """Pan one line of echoes by a slow sine."""
    seconds = pyo.Clip(inlet.knob("beats") * inlet.beat, 0.01, 4)
    echo = pyo.SmoothDelay(
        pyo.ButLP(inlet.mono, freq=inlet.knob("treble_hz")),
        delay=seconds,
        feedback=inlet.knob("feedback"),
        crossfade=0.03,
        maxdelay=4,
    )
    turn = pyo.Sine(1 / (inlet.knob("pan_beats") * inlet.beat), mul=inlet.knob("width"))
    left, right = echo * pyo.Sqrt((1 - turn) * 0.5), echo * pyo.Sqrt((1 + turn) * 0.5)
    return pyo.Sig([left, right])
