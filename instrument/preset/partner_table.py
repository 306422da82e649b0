"""The ``[phrase]`` of a preset: which partner comes with a sound, and how it plays.

In: a preset's table, in a player's units. Out: the partner's settings and wishes. Options of the
command line go before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from msgspec import Meta

from instrument.music.constraints import Constraints, Key
from instrument.partner.settings import (
    USUAL_KNOBS,
    KnobName,
    ModeName,
    PartnerControls,
    PartnerSettings,
)
from instrument.schema import ranged

Name = Annotated[str, Meta(min_length=1, max_length=80)]
Channel = Annotated[int, ranged(1, 16)]


@dataclass(frozen=True, slots=True)
class PhraseTable:
    """What a preset says about its partner."""

    mode: ModeName = "answer"
    model: Name = "note_lstm_tunes"  #: a composer; "ngram" only counts
    band: Name = "musegan_accompany"  #: in "accompany": who plays the other tracks
    preset: Name | None = None  #: the partner's own sound; the player's without one
    #: A phrase has ended after so much silence.
    silence_beats: Annotated[float, ranged(0.25, 16, "beats")] = 1.0
    division_beats: Annotated[float, ranged(0.25, 16, "beats")] = 1.0  #: answers begin on these
    answer_bars: Annotated[int, ranged(0, 64, "bars")] = 0  #: 0 = as long as the phrase
    loop_bars: Annotated[int, ranged(1, 32, "bars")] = 2
    end_control: Annotated[int, ranged(0, 119)] | None = None  #: a CC that ends the phrase
    keep_control: Annotated[int, ranged(0, 119)] | None = None  #: a CC that keeps the take
    temperature: Annotated[float, ranged(0, 4)] = 1.0
    density: Annotated[float, ranged(0.05, 16, "notes per beat")] | None = None
    key: Name | None = None  #: "Am", "F#", "D minor"
    lowest_pitch: Annotated[int, ranged(0, 127)] = 0
    highest_pitch: Annotated[int, ranged(0, 127)] = 127
    longest_beats: Annotated[float, ranged(0.05, 32, "beats")] | None = None
    polyphony: Annotated[int, ranged(1, 32, "notes")] = 4
    velocity_follow: Annotated[float, ranged(0, 1)] = 0.5
    blend: Annotated[float, ranged(0, 1)] = 0.0  #: share of this session's counts
    is_quantised: bool = False
    plays_here: bool = True  #: with our own voices
    plays_out: bool = True  #: at the MIDI output
    channels: tuple[Channel, ...] = (16,)  #: of the parts among our own voices
    out_channels: tuple[Channel, ...] = (1,)  #: of the parts at the MIDI output
    #: How much earlier the output is told, because what listens there is late.
    out_early_milliseconds: Annotated[float, ranged(0, 500, "ms")] = 0.0
    metronome: bool = False
    count_in_bars: Annotated[int, ranged(0, 4, "bars")] = 0
    sends_clock: bool = False
    #: What controllers turn: see docs/partner.md.
    knobs: dict[str, KnobName] = field(default_factory=lambda: dict(USUAL_KNOBS))

    def settings(self, **chosen: Any) -> PartnerSettings:
        """Return what stays as it is; `chosen` goes before the table."""
        settings = PartnerSettings(
            mode=self.mode,
            model=self.model,
            band=self.band,
            silence_beats=self.silence_beats,
            division_beats=self.division_beats,
            answer_bars=self.answer_bars,
            loop_bars=self.loop_bars,
            end_control=self.end_control,
            keep_control=self.keep_control,
            channels=tuple(c - 1 for c in self.channels) if self.plays_here else (),
            out_channels=tuple(c - 1 for c in self.out_channels) if self.plays_out else (),
            out_early_seconds=self.out_early_milliseconds / 1e3,
            knobs=self.knobs,
            has_metronome=self.metronome,
            count_in_bars=self.count_in_bars,
            sends_clock=self.sends_clock,
        )
        return replace(settings, **chosen)

    def wishes(self) -> PartnerControls:
        """Return what can be turned while music plays.

        Raises
        ------
        SettingError
            The key is no key, or the register is empty.
        """
        is_whole = (self.lowest_pitch, self.highest_pitch) == (0, 127)
        controls = Constraints(
            temperature=self.temperature,
            density=self.density,
            key=Key.named(self.key) if self.key else None,
            register=None if is_whole else (self.lowest_pitch, self.highest_pitch),
            max_length_beats=self.longest_beats,
        )
        controls.allowed_pitches()
        return PartnerControls(
            controls, self.blend, self.polyphony, self.velocity_follow, self.is_quantised
        )
