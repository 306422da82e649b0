"""The trained pitch classifier in one file, and where evaluations look for it.

Figures can only be compared when one and the same classifier gave them, so a narrow one comes with
the project: 16-bit weights in a NumPy archive, a megabyte, which cannot carry code.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch

from instrument.errors import FileError
from instrument.files import replacing_file
from training.pitch_classifier.network import ClassifierConfig, PitchClassifier

FORMAT = 1
SHIPPED = Path(__file__).parent / "pitch_classifier.npz"
_LIMIT_BYTES = 100_000_000
_ABOUT = "about"


@dataclass(frozen=True, slots=True)
class About:
    """What a classifier is and what it learned from.

    Attributes
    ----------
    format
        Of the file.
    config
        Its sizes.
    waves, waves_sha256, source, notice
        The wave set, and the terms of that.
    step
        Steps that it was trained for.
    accuracy
        Share of the test split's notes that it names right.
    """

    format: int
    config: ClassifierConfig
    waves: str
    waves_sha256: str
    source: str
    notice: str
    step: int
    accuracy: float


def write_classifier(path: Path, network: PitchClassifier, about: About) -> None:
    """Write a classifier, whole or not at all.

    Raises
    ------
    FileError
        The file cannot be written.
    """
    arrays = {name: _compact(value) for name, value in network.state_dict().items()}
    arrays[_ABOUT] = np.frombuffer(msgspec.json.encode(about), np.uint8)
    with replacing_file(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_classifier(path: Path = SHIPPED) -> tuple[PitchClassifier, About]:
    """Read a classifier, ready to judge on the CPU.

    Raises
    ------
    FileError
        There is none, or it is damaged, too large or of another version.
    """
    if not path.is_file():
        raise FileError(
            f"there is no pitch classifier at {path}",
            "Make one with: latentkeys train pitch-classifier, then evaluate it with --out.",
        )
    try:
        arrays = _read_arrays(path)
        about = msgspec.json.decode(arrays.pop(_ABOUT).tobytes(), type=About)
        network = PitchClassifier(about.config)
        state = {name: torch.from_numpy(value) for name, value in arrays.items()}
        network.load_state_dict(state)
    except (OSError, ValueError, KeyError, RuntimeError, EOFError, zipfile.BadZipFile) as reason:
        raise FileError(f"{path} is no pitch classifier: {reason}", "Fetch it again.") from reason
    if about.format != FORMAT:
        raise FileError(f"{path}: format must be {FORMAT}, got {about.format}")
    return network.eval().requires_grad_(False), about


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > _LIMIT_BYTES:
            raise ValueError(f"it unpacks to more than {_LIMIT_BYTES // 10**6} MB")
    with np.load(path, allow_pickle=False) as archive:
        return {name: np.asarray(archive[name]) for name in archive.files}


def _compact(value: torch.Tensor) -> np.ndarray:
    """Halve the kernels; batch norm's few numbers stay as they are."""
    array: np.ndarray = value.detach().cpu().numpy()
    return array.astype(np.float16) if array.ndim > 1 else array
