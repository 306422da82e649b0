"""Hypothesis strategies for notes, tracks and phrases whose times are whole ticks."""

from __future__ import annotations

from hypothesis import strategies as st

from instrument.music.note import Meter, Note, Phrase, Tempo, Track

DRUM_CHANNEL = 9
MELODIC_CHANNELS = [channel for channel in range(16) if channel != DRUM_CHANNEL]


def notes(
    ticks_per_beat: int, last_tick: int, longest: int | None = None
) -> st.SearchStrategy[Note]:
    """Notes that start before `last_tick`; they may sound on after it."""
    return st.builds(
        lambda start, pitch, length, velocity: Note(
            start / ticks_per_beat, pitch, length / ticks_per_beat, velocity
        ),
        st.integers(0, last_tick - 1),
        # Few pitches among the many, so that equal ones overlap and nest.
        st.integers(60, 62) | st.integers(0, 127),
        st.integers(1, longest or last_tick),
        st.integers(1, 127),
    )


def tracks(ticks_per_beat: int, last_tick: int) -> st.SearchStrategy[Track]:
    """Tracks with a channel; drums have channel 9."""
    return st.builds(
        lambda some, name, program, channel: Track(
            tuple(some), name, program, channel == DRUM_CHANNEL, channel
        ),
        st.lists(notes(ticks_per_beat, last_tick), max_size=12),
        st.text(max_size=8),
        st.integers(0, 127),
        st.integers(0, 15),
    )


@st.composite
def phrases(draw: st.DrawFn, ticks_per_beat: int) -> Phrase:
    """Phrases with everything a MIDI file can hold, also what plain MIDI cannot."""
    length = draw(st.integers(1, 40 * ticks_per_beat))
    ticks = st.integers(1, 2 * length)
    units = [unit for unit in (1, 2, 4, 8, 16) if 4 * ticks_per_beat % unit == 0]
    bars = st.tuples(st.integers(1, 12), st.sampled_from(units))
    tempo_ticks = [0, *sorted(draw(st.sets(ticks, max_size=3)))]
    meter_ticks = [0, *sorted(draw(st.sets(ticks, max_size=3)))]
    return Phrase(
        tuple(draw(st.lists(tracks(ticks_per_beat, length), max_size=4))),
        length / ticks_per_beat,
        tuple(
            Tempo(tick / ticks_per_beat, 60e6 / draw(st.integers(20_000, 3_000_000)))
            for tick in tempo_ticks
        ),
        tuple(Meter(tick / ticks_per_beat, *draw(bars)) for tick in meter_ticks),
        draw(st.integers(0, 4 * ticks_per_beat)) / ticks_per_beat,
    )
