"""What MuseGAN plays, and how wide its networks are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["jamming", "composer", "hybrid"]


Head = Literal["categorical", "threshold", "bernoulli", "binary"]


OCTAVE = 12


FIRST_STEPS = 2


@dataclass(frozen=True, slots=True)
class MuseSize:
    """What is played, and how wide the networks are.

    Attributes
    ----------
    mode
        See above.
    head
        "categorical": rest, hold or pitch for voices of one note at a time. Else a piano roll:
        "threshold" at 0 of a tanh, "bernoulli" draws, or deterministic "binary" neurons.
    tracks, bars, steps, pitches
        Of a phrase; steps in a bar, pitches a multiple of 12.
    lowest_pitch
        MIDI number of the first pitch.
    latent_size, shared_size
        Numbers in each latent of a track, and in each that all tracks share; 0 for as many.
    first_width, widths, pitch_width
        Channels of the bar generator's dense layer, of its doublings of time, of its octaves.
    temporal_width
        Channels inside a temporal network.
    given_track
        The track that is given and accompanied; none when -1.
    previous_bars
        How many bars before are given.
    in_one_scale
        Learn and play in C major and its modes alone; hosts transpose.
    spread
        How much wider than an encoder's latents random ones are drawn. Near their mean, voices do
        the average of everything that they could do: long notes, few pitches.
    """

    mode: Mode = "hybrid"
    head: Head = "categorical"
    tracks: int = 4
    bars: int = 4
    steps: int = 16
    pitches: int = 48
    lowest_pitch: int = 36
    latent_size: int = 16
    shared_size: int = 0
    first_width: int = 512
    widths: tuple[int, ...] = (96, 64, 64)
    pitch_width: int = 32
    temporal_width: int = 64
    given_track: int = -1
    previous_bars: int = 0
    in_one_scale: bool = False
    spread: float = 1.5

    @property
    def classes(self) -> int:
        """What a categorical head chooses from: rest, hold, and the pitches."""
        return self.pitches + 2 if self.head == "categorical" else self.pitches

    @property
    def played(self) -> tuple[int, ...]:
        """The tracks that are generated."""
        return tuple(track for track in range(self.tracks) if track != self.given_track)

    @property
    def latents(self) -> dict[str, tuple[int, ...]]:
        """The latents of this mode by name, with their shapes without the batch."""
        numbers = self.shared_size or self.latent_size
        shared = {"z_song": (numbers,), "z_time": (numbers,)}
        own_shape = (len(self.played), self.latent_size)
        own = {"z_track": own_shape, "z_track_time": own_shape}
        return {
            **(shared if self.mode != "jamming" else {}),
            **(own if self.mode != "composer" else {}),
        }

    @property
    def doublings(self) -> tuple[int, ...]:
        """The factors by which time grows, from two steps to a whole bar."""
        left, factors = self.steps // FIRST_STEPS, []
        for factor in (2, 3, 5, 7):
            while left % factor == 0 and left > 1:
                factors.append(factor)
                left //= factor
        assert left == 1 and self.steps % FIRST_STEPS == 0, "a bar needs 2, 3, 5, 7 as factors"
        return tuple(factors)

    @property
    def octaves(self) -> int:
        """How many octaves the pitches span."""
        assert self.pitches % OCTAVE == 0
        return self.pitches // OCTAVE

    def width(self, level: int) -> int:
        """Return the channels after a doubling; the last width goes on."""
        return self.widths[min(level, len(self.widths) - 1)]
