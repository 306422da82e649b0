"""Looper: what you play comes back every few beats, and more may be played over it."""

from instrument.rack.knob import Knob

KNOBS = [
    Knob("record", 1, is_switch=True),
    Knob("beats", 4, 1, 16, "beats"),
    Knob("keep", 0.8),  # how much stays at each turn; 1 = for ever
]
LONGEST_SECONDS = 16


def build(pyo, inlet):
    """Send a delay of some beats round: its input is the recording, its feedback the loop."""
    seconds = pyo.Clip(pyo.Round(inlet.knob("beats")) * inlet.beat, 0.05, LONGEST_SECONDS)
    return pyo.Delay(
        inlet.sound * inlet.knob("record") * 0.7,
        delay=seconds,
        feedback=inlet.knob("keep"),
        maxdelay=LONGEST_SECONDS,
    )
