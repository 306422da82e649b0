"""Say in a few words what the export of a GANSynth found out; the card has the figures."""

from __future__ import annotations

from instrument.bundle.bundle import Bundle

FLOAT64, TORCH_FLOAT64, CROP = "float64_db", "torch_float64_db", "attack_of_note"
"""On the card: how far onnxruntime and torch stay below a note in float64, in dB; the largest
difference between an attack and the beginning of its note, as a share of the note's peak."""
LEAST = "least_db"
"""On the card: what was demanded of the first of these."""
DISTANCE, CENTS = "float16_distance_db", "float16_cents"
"""On the card: what weights rounded to float16 change, see `export.gansynth.rounding`."""


def describe_parity(bundle: Bundle) -> str:
    """Return a few lines about how exact a bundle with all its graphs is."""
    parity = bundle.card.parity
    worst = max(value for graph, value in parity.items() if graph in bundle.card.graphs)
    return (
        f"largest difference to torch {worst:.1e} of a note's peak, self-test good\n"
        f"notes are {parity[FLOAT64]:.0f} dB above their rounding (torch: "
        f"{parity[TORCH_FLOAT64]:.0f} dB), attacks within {parity[CROP]:.0e} of their notes\n"
        f"{_weights(parity)}"
    )


def _weights(parity: dict[str, float]) -> str:
    if DISTANCE not in parity:
        return "weights kept as float32"
    return (
        f"weights kept as float16: spectra change by {parity[DISTANCE]:.2f} dB, pitch by "
        f"{parity[CENTS]:.2f} cents"
    )
