"""The partner's options: a preset's ``[partner]``, the flags of ``play``, what the process reads.

In: a player's units. Out: one frozen `PartnerOptions`. Its fields are the only list of options,
each with its unit and range; a flag of the command line that is called ``partner_NAME`` sets the
field NAME, and a take keeps them all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from msgspec import Meta

from instrument.music.constraints import CARE, MOST_CARE, Constraints, Key
from instrument.schema import ranged

ModeName = Literal["answer", "duet", "accompany", "loop"]
ClockName = Literal["internal", "player", "midi", "link"]
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
Name = Annotated[str, Meta(min_length=1, max_length=80)]
Channel = Annotated[int, ranged(1, 16)]
Controller = Annotated[
    str,
    Meta(
        pattern=r"^cc(\d|[1-9]\d|1[01]\d)\Z",
        extra={"says": "a controller, cc0 to cc119"},
    ),
]

USUAL_KNOBS: dict[Controller, KnobName] = {
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
class PartnerOptions:
    """What the partner does, and how it plays."""

    mode: ModeName = "answer"
    model: Name = "note_lstm_tunes"  #: a composer; "ngram" only counts
    band: Name = "musegan_accompany"  #: in "accompany": who plays the other tracks
    preset: Name | None = None  #: the partner's own sound; the player's without one
    #: Of all that is random; without one another each time.
    seed: Annotated[int, ranged(0, 2**63 - 1)] | None = None

    clock: ClockName = "internal"  #: whose tempo counts
    tempo: Annotated[float, ranged(20, 400, "bpm")] = 120.0  #: to begin with
    bar_beats: Annotated[int, ranged(1, 16, "beats")] = 4
    metronome: bool = False  #: click on every beat
    count_in_bars: Annotated[int, ranged(0, 4, "bars")] = 0
    sends_clock: bool = False  #: a MIDI clock goes to the output

    #: A phrase has ended after so much silence.
    silence_beats: Annotated[float, ranged(0.25, 16, "beats")] = 1.0
    division_beats: Annotated[float, ranged(0.25, 16, "beats")] = 1.0  #: answers begin on these
    answer_bars: Annotated[int, ranged(0, 64, "bars")] = 0  #: 0 = as long as the phrase
    loop_bars: Annotated[int, ranged(1, 32, "bars")] = 2
    horizon_bars: Annotated[int, ranged(1, 8, "bars")] = 2  #: so far ahead notes are planned
    #: In "duet": after so many strikes of the player within a beat the partner yields.
    busy_strikes: Annotated[int, ranged(1, 64)] = 3
    #: A controller that ends the phrase when it goes up, such as a second pedal.
    end_control: Annotated[int, ranged(0, 119)] | None = None
    #: A controller that keeps the take when it goes up.
    keep_control: Annotated[int, ranged(0, 119)] | None = None

    #: How near to the player's register, density and key it stays: 0 = free, 1 = very near.
    closeness: Annotated[float, ranged(0, 1)] = 0.5
    temperature: Annotated[float, ranged(0, 4)] = 1.0
    density: Annotated[float, ranged(0.05, 16, "notes per beat")] | None = None
    key: Name | None = None  #: "Am", "F#", "D minor"
    lowest_pitch: Annotated[int, ranged(0, 127)] = 0
    highest_pitch: Annotated[int, ranged(0, 127)] = 127
    longest_beats: Annotated[float, ranged(0.05, 32, "beats")] | None = None
    polyphony: Annotated[int, ranged(1, 32, "notes")] = 4  #: its notes that may sound at once
    #: So many it strikes at once; without it one where the player plays a line, else like him.
    voices: Annotated[int, ranged(1, 8, "notes")] | None = None
    #: 0 = as loud as the composer has it, 1 = as loud as the player.
    velocity_follow: Annotated[float, ranged(0, 1)] = 0.5
    blend: Annotated[float, ranged(0, 1)] = 0.0  #: share of this session's counts
    #: How much its notes avoid to rub against each other and yours; 0: as the composer has learned.
    care: Annotated[float, ranged(0, MOST_CARE)] = CARE
    is_quantised: bool = False  #: on sixteenths
    #: What controllers turn: see docs/partner.md.
    knobs: dict[Controller, KnobName] = field(default_factory=lambda: dict(USUAL_KNOBS))

    plays_here: bool = True  #: with our own voices
    plays_out: bool = True  #: at the MIDI output
    channels: tuple[Channel, ...] = (16,)  #: of the parts among our own voices
    out_channels: tuple[Channel, ...] = (1,)  #: of the parts at the MIDI output
    #: How much earlier the output is told, because what listens there is late.
    out_early_milliseconds: Annotated[float, ranged(0, 500, "ms")] = 0.0

    @property
    def voice_channels(self) -> tuple[int, ...]:
        """Channels among our own voices as MIDI counts them, 0-15; none if it is silent here."""
        return tuple(channel - 1 for channel in self.channels) if self.plays_here else ()

    @property
    def output_channels(self) -> tuple[int, ...]:
        """Channels at the MIDI output, 0-15; none if it is silent there."""
        return tuple(channel - 1 for channel in self.out_channels) if self.plays_out else ()

    def constraints(self) -> Constraints:
        """Return what the composer has to keep to.

        Raises
        ------
        SettingError
            The key is no key, or the register holds no note of it.
        """
        is_whole = (self.lowest_pitch, self.highest_pitch) == (0, 127)
        constraints = Constraints(
            temperature=self.temperature,
            density=self.density,
            key=Key.named(self.key) if self.key else None,
            register=None if is_whole else (self.lowest_pitch, self.highest_pitch),
            max_length_beats=self.longest_beats,
            care=self.care,
        )
        constraints.allowed_pitches()
        return constraints
