"""How loud a tone is: the RMS of its strongest 50 ms, as renderers and tables reckon it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

LEVEL = 0.1
"""RMS of a tone's strongest 50 ms at full velocity."""
WINDOW_SECONDS = 0.05


def strongest_rms(tones: npt.NDArray[np.float32], rate_hz: int) -> npt.NDArray[np.float64]:
    """Measure the strongest 50 ms of each tone.

    Parameters
    ----------
    tones
        float32, shape (n, frames); a tone shorter than 50 ms is measured as a whole.
    rate_hz
        Frames per second.

    Returns
    -------
    ndarray
        float64, shape (n,): RMS.
    """
    frames = tones.shape[1]
    window = min(frames, round(WINDOW_SECONDS * rate_hz))
    energy = np.zeros((len(tones), frames + 1))
    np.cumsum(np.square(tones, dtype=np.float64), axis=1, out=energy[:, 1:])
    strongest = (energy[:, window:] - energy[:, : frames + 1 - window]).max(axis=1)
    return np.asarray(np.sqrt(np.maximum(strongest, 0.0) / max(window, 1)), np.float64)
