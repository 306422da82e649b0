"""Granular freeze: a cloud of grains from the last seconds, which a switch holds still."""

from instrument.rack.knob import Knob

KNOBS = [
    Knob("freeze", 0, is_switch=True),
    Knob("spread", 0.3),  # how far apart in time grains are taken
    Knob("grain_seconds", 0.15, 0.03, 0.5, "s"),
    Knob("pitch", 0, -12, 12, "semitones"),
    Knob("density", 25, 5, 60, "Hz"),
]
SECONDS = 4


def build(pyo, inlet):
    """Write into a loop unless it is frozen; scatter grains from behind the pen."""
    table = pyo.NewTable(SECONDS, chnls=1)
    moves = 1 - inlet.knob("freeze")
    pen = pyo.Phasor(moves / SECONDS)
    pyo.TableWrite(inlet.mono * moves, pen, table)
    behind = pen - 0.1 - pyo.Noise(inlet.knob("spread") * 0.2) - inlet.knob("spread") * 0.2
    place = pyo.Wrap(behind, 0, 1) * table.getSize(False)
    return pyo.Particle(
        table,
        pyo.HannTable(),
        dens=inlet.knob("density"),
        pitch=pyo.Pow(2, inlet.knob("pitch") / 12),
        pos=place,
        dur=inlet.knob("grain_seconds"),
        dev=0.02,
        pan=pyo.Noise(0.4, add=0.5),
        chnls=2,
        mul=0.9,
    )
