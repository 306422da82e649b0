"""What the player chose for the partner, and what can change while it plays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from instrument.music.constraints import Constraints

KnobName = Literal[
    "temperature",
    "density",
    "key",
    "register",
    "length",
    "polyphony",
    "velocity",
    "blend",
    "quantise",
]
ModeName = Literal["answer", "duet", "accompany", "loop"]
COMMIT_SECONDS = 0.030
"""What begins so soon is played even if the player returns."""
HAND_OVER_SECONDS = 0.020
"""So far ahead messages are given to the engine, which places each at its frame."""


USUAL_KNOBS: dict[str, KnobName] = {
    "cc20": "temperature",
    "cc21": "density",
    "cc22": "key",
    "cc23": "register",
    "cc24": "length",
    "cc25": "polyphony",
    "cc26": "velocity",
    "cc27": "blend",
}


@dataclass(frozen=True, slots=True)
class PartnerControls:
    """What can be asked for while music plays; a change is heard within a beat.

    Attributes
    ----------
    controls
        Temperature, density, key, register, longest note.
    blend
        Share of notes drawn by the counts of this session instead of the network, 0 to 1.
    polyphony
        How many of the partner's notes may sound at once.
    velocity_follow
        0: as loud as the composer wants; 1: as loud as the player.
    is_quantised
        Notes are put on the nearest sixteenth.
    """

    controls: Constraints = field(default_factory=Constraints)
    blend: float = 0.0
    polyphony: int = 4
    velocity_follow: float = 0.5
    is_quantised: bool = False


@dataclass(frozen=True, slots=True)
class PartnerSettings:
    """What stays as it is from start to end.

    Attributes
    ----------
    mode
        What the partner does.
    model
        A composer's name; "ngram" is the counts alone.
    band
        In "accompany": makes the tracks beside the player's.
    seed
        Of everything random.
    silence_beats
        A phrase has ended after so much silence.
    division_beats
        Answers begin on multiples of this.
    answer_bars
        How long an answer is; 0: as long as the phrase, in whole bars.
    end_control
        A controller that ends the phrase when it goes up, such as a second pedal; None has none.
    keep_control
        A controller that keeps the take when it goes up; None has none.
    loop_bars
        How much is captured in "loop".
    horizon_bars
        How far ahead notes are planned.
    channels
        MIDI channels of the partner's parts among our own voices, 0-15; none: it is silent here.
    out_channels
        The same at the MIDI output.
    out_early_seconds
        How much earlier than our own voices the output is told: what listens there is late.
    busy_strikes
        In "duet": so many strikes of the player within a beat, and the partner yields.
    knobs
        What controllers turn ("cc20"), see `instrument.partner.knobs.KNOBS`.
    has_metronome, count_in_bars
        Clicks all the time, or before the beginning.
    sends_clock
        A MIDI clock goes to the output.
    """

    mode: ModeName = "answer"
    model: str = "note_lstm_tunes"
    band: str = "musegan_accompany"
    seed: int = 0
    silence_beats: float = 1.0
    division_beats: float = 1.0
    answer_bars: int = 0
    end_control: int | None = None
    keep_control: int | None = None
    loop_bars: int = 2
    horizon_bars: int = 2
    channels: tuple[int, ...] = (15,)
    out_channels: tuple[int, ...] = (0,)
    out_early_seconds: float = 0.0
    busy_strikes: int = 3
    knobs: dict[str, KnobName] = field(default_factory=lambda: dict(USUAL_KNOBS))
    has_metronome: bool = False
    count_in_bars: int = 0
    sends_clock: bool = False
