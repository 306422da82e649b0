"""What a learner shows of what it can do: phrases as MIDI, notes as WAV files, and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from instrument.files import replacing_file
from instrument.midi.phrases import write_phrase
from instrument.music.note import Phrase

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE = "samples.png"
"""The picture's name beside the samples' files, see `write_samples`."""


class Samples(Protocol):
    """A few things that a learner generated, by title."""

    def write(self, folder: Path, prefix: str = "") -> Iterator[Path]:
        """Write each into a file of an existing folder; the prefix begins the files' names."""
        ...

    def draw(self) -> Figure:
        """Draw all of them, on a figure of their own."""
        ...

    def __len__(self) -> int:
        """Count them; a learner may have none."""
        ...


class PhraseSamples(dict[str, Phrase]):
    """Phrases by title."""

    def write(self, folder: Path, prefix: str = "") -> Iterator[Path]:
        """Write MIDI files."""
        for title, phrase in self.items():
            path = folder / f"{prefix}{title}.mid"
            write_phrase(path, phrase)
            yield path

    def draw(self) -> Figure:
        """Draw piano rolls, one below the other."""
        from training.pictures.piano_rolls import (
            draw_phrases,  # matplotlib takes a second to import
        )

        return draw_phrases(self)


class NoteSamples(dict[str, NDArray[np.float32]]):
    """Waveforms by title.

    Parameters
    ----------
    waves
        float32, (frames,), full scale ±1.
    rate_hz
        Their sample rate.
    pitches
        MIDI numbers, one for each, if they have any; only at 16 kHz.
    """

    def __init__(
        self,
        waves: Mapping[str, NDArray[np.float32]],
        rate_hz: int,
        pitches: Sequence[int] | None = None,
    ) -> None:
        super().__init__(waves)
        self.rate_hz, self.pitches = rate_hz, pitches

    def write(self, folder: Path, prefix: str = "") -> Iterator[Path]:
        """Write 16-bit WAV files; what exceeds full scale is cut off."""
        import soundfile

        for title, wave in self.items():
            path = folder / f"{prefix}{title}.wav"
            with replacing_file(path) as partial:
                sound = np.clip(wave, -1.0, 1.0)
                soundfile.write(partial, sound, self.rate_hz, format="WAV", subtype="PCM_16")
            yield path

    def draw(self) -> Figure:
        """Draw cycles and rainbowgrams of notes that have a pitch, spectrograms of others."""
        from training.pictures.rainbowgram import draw_rainbowgrams
        from training.pictures.spectrograms import draw_spectrograms

        if self.pitches is None:
            return draw_spectrograms(self, self.rate_hz)
        return draw_rainbowgrams(np.stack(list(self.values())), self.pitches, list(self))


def write_samples(samples: Samples, folder: Path) -> Iterator[Path]:
    """Write samples and their picture into a folder, made if need be; return the files' paths."""
    folder.mkdir(parents=True, exist_ok=True)
    yield from samples.write(folder)
    picture = folder / PICTURE
    samples.draw().savefig(picture, dpi=120)
    yield picture
