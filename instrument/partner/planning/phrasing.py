"""How our notes follow the player: which are allowed, where they stand, how they are played.

In: what the ear has heard, what was asked for, and a note that a composer has drawn. Out: what the
composer has to keep to, and the note as it is to be played. By the rules of old takes nothing is
heard, and a note is played as it was drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from instrument.errors import SettingError
from instrument.music.constraints import Constraints, Key
from instrument.music.meant import Ear
from instrument.music.meant import played as played_with
from instrument.music.note import Note
from instrument.partner.planning.nearness import blend_near, candidates_near, near_to, voices_near
from instrument.partner.planning.rules import PlayRules
from instrument.preset.partner_options import PartnerOptions

GRID_BEATS = 0.25
_TICK_BEATS = 1.0 / 24.0
_MOST_IN_A_BEAT = 16  # a composer may stand still


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of what is being composed: where it begins and ends, and from where it closes."""

    begins_beats: float
    ends_beats: float
    closes_beats: float

    def share(self, beats: float) -> float:
        """Return how far a position is from the beginning to the end, 0 to 1."""
        length = self.ends_beats - self.begins_beats
        return min(max((beats - self.begins_beats) / length, 0.0), 1.0)


class Phrasing:
    """What the player's music asks of ours.

    Parameters
    ----------
    options
        How near to stay to the player, and what was asked for.
    rules
        By those of old takes it hears nothing of what is meant.

    Attributes
    ----------
    options, constraints
        As knobs have turned them, and what the composer has to keep to in any case.
    rules
        By which it follows him.
    ear
        What was meant by what the player played.
    shape
        Of an answer; None while there is none.
    """

    def __init__(self, options: PartnerOptions, rules: PlayRules) -> None:
        self.options, self.constraints = options, options.constraints()
        self.rules, self.hears_what_is_meant = rules, rules.hears_what_is_meant
        self.ear = Ear(best_key_alone=not rules.hears_modes)
        self.shape: Shape | None = None

    def ask(self, options: PartnerOptions) -> bool:
        """Take other options; those with a register without a note of the key change nothing.

        Returns
        -------
        bool
            Something has changed.
        """
        if options == self.options:
            return False
        try:
            self.constraints = options.constraints()
        except SettingError:
            return False
        self.options = options
        return True

    def asked(self) -> Constraints:
        """Return what the composer has to keep to now; what is free follows the player."""
        if not self.hears_what_is_meant:
            return self.constraints
        return near_to(self.ear, self.constraints, self.options)

    @property
    def key(self) -> Key | None:
        """The key that was asked for, or that the player's phrase is in."""
        return self.asked().key

    @property
    def blend(self) -> float:
        """Share of the notes that the counts draw."""
        return blend_near(self.options) if self.hears_what_is_meant else self.options.blend

    @property
    def candidates(self) -> int:
        """How many notes the composer may choose from."""
        return candidates_near(self.options) if self.hears_what_is_meant else 1

    @property
    def polyphony(self) -> int:
        """How many of our notes may sound at once."""
        if not self.hears_what_is_meant:
            return self.options.polyphony
        return voices_near(self.ear, self.options)

    @property
    def parts(self) -> int:
        """How many parts of ours play what a note model draws: as many as have channels."""
        options = self.options
        if options.voices is None:
            return 1
        return max(1, len(options.voice_channels), len(options.output_channels))

    def on_page(self, played_beats: float) -> float:
        """Return where a position of the player's time lies on the page."""
        is_felt = self.hears_what_is_meant and not self.options.is_quantised
        return self.ear.feel.written(played_beats) if is_felt else played_beats

    def felt(self, note: Note, earliest_beats: float = 0.0) -> Note:
        """Play a note as the player would have, but no sooner than a position, and in order."""
        if not self.hears_what_is_meant or self.options.is_quantised:
            return note
        felt = played_with(note, self.ear.feel)
        return replace(felt, start_beats=max(felt.start_beats, earliest_beats))

    def closed(self, note: Note) -> Note:
        """Let a line come to rest: its last note is long and of the tonic's chord."""
        shape, key = self.shape, self.key
        if shape is None or not self.hears_what_is_meant or self.polyphony > 1 or key is None:
            return note
        if note.start_beats < shape.closes_beats - 1e-6:
            return note
        allowed = self.asked().allowed_pitches()
        near = [p for p in range(128) if p % 12 in key.tonic_chord and allowed[p]]
        pitch = min(near, key=lambda p: abs(p - note.pitch), default=note.pitch)
        return replace(note, pitch=pitch, length_beats=shape.ends_beats - note.start_beats)

    def last_chord(self, last: Sequence[Note], beats: float, length: float) -> tuple[Note, ...]:
        """Return what ends a piece: the tonic near our last note, with its chord if we play chords.

        Without a key nothing but that note ends it; without a note, nothing does.
        """
        if not last:
            return ()
        (before,), key = last, self.key
        if key is None:
            return (replace(before, start_beats=beats, length_beats=length),)
        classes = key.tonic_chord if self.polyphony > 1 else key.tonic_chord[:1]
        pitches = [
            min((p for p in range(128) if p % 12 == one), key=lambda p: abs(p - before.pitch))
            for one in classes
        ]
        return tuple(Note(beats, pitch, length, before.velocity) for pitch in sorted(pitches)[::-1])

    def lock_key(self) -> None:
        """Stay in the key that is heard, or be free again."""
        heard = self.ear.key()
        name = None if self.options.key else heard.name if heard else None
        self.ask(replace(self.options, key=name))

    def blended(self, note: Note, player_velocity: float) -> Note:
        """Bring a note's velocity towards the player's, and along the curve of his phrase."""
        follow, louder = self.options.velocity_follow, 0.0
        if self.shape is not None and self.hears_what_is_meant:
            curve = self.ear.velocity_at(self.shape.share(note.start_beats))
            louder = min(1.0, 2.0 * follow) * curve
        velocity = round((1.0 - follow) * note.velocity + follow * player_velocity + louder)
        return replace(note, velocity=min(max(velocity, 1), 127))

    def room_from(self, beats: float, notes: Sequence[Note], composed_until: float) -> float:
        """Return from where another note fits beside ours: chords and beats can be full.

        Parameters
        ----------
        beats
            The first position on the page that would do.
        notes
            Ours, those played lately and those planned.
        composed_until
            Where the last note begins that was composed.
        """
        if self.hears_what_is_meant:  # a loop's later bars take no room
            until = max(beats, composed_until) + 1e-6
            notes = [note for note in notes if note.start_beats <= until]
        recent = notes[-_MOST_IN_A_BEAT:]
        starts = [self.on_page(note.start_beats) for note in recent]
        last = max(starts, default=-math.inf)
        if sum(start > last - 1.0 for start in starts) >= _MOST_IN_A_BEAT:
            return max(beats, last + GRID_BEATS)
        if recent and self.hears_what_is_meant and self.polyphony == 1:
            return max(beats, self.on_page(recent[-1].end_beats))  # a line
        same_beats = _TICK_BEATS / 2.0 if self.hears_what_is_meant else 1e-6
        if sum(start > last - same_beats for start in starts) >= self.polyphony:
            return max(beats, last + _TICK_BEATS)
        return beats
