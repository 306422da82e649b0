"""Pauses that are none: one damaged byte can move all that follows it away by days.

In: the tracks of a file. Out: the same; where the piece would last for hours, and nothing is heard
for long in it, what follows comes soon after what was before.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import chain, pairwise

from instrument.midi.chunks import MAX_SECONDS, Damage, MidiHeader
from instrument.midi.messages import SYSTEM
from instrument.midi.track_events import DEFAULT_MICROSECONDS, SET_TEMPO, MidiEvent, tempo_of

LONGEST_BEATS = 100_000
"""A piece of more, or of more than three hours, is refused: so its pauses are looked at."""
PAUSE_BEATS = 1_000
LEFT_BEATS = 4


def without_endless_pauses(
    header: MidiHeader, tracks: list[list[MidiEvent]], damage: Damage
) -> list[list[MidiEvent]]:
    """Shorten every pause of over `PAUSE_BEATS` in a piece that is too long."""
    played = {event.tick for events in tracks for event in events if event.status < SYSTEM}
    if not played or not _is_too_long(header, tracks, max(played)):
        return tracks
    longest, left = header.tick(PAUSE_BEATS), header.tick(LEFT_BEATS)
    ends, away = [0], [0]  # from each tick on so many ticks are left out
    for before, after in pairwise([0, *sorted(played)]):
        if after - before > longest:
            ends.append(after)
            away.append(away[-1] + after - before - left)
            damage.add(f"a pause of {header.beats(after - before):,.0f} beats, shortened")
    return [
        [MidiEvent(_moved(event.tick, ends, away), *event[1:]) for event in events]
        for events in tracks
    ]


def _is_too_long(header: MidiHeader, tracks: list[list[MidiEvent]], end: int) -> bool:
    tempos = sorted(
        (event.tick, tempo)
        for event in chain.from_iterable(tracks)
        if event.status == SET_TEMPO and event.tick < end and (tempo := tempo_of(event))
    )
    seconds, last, microseconds = 0.0, 0, DEFAULT_MICROSECONDS
    for tick, tempo in [*tempos, (end, 0)]:
        seconds += (tick - last) * header.tick_seconds(microseconds)
        last, microseconds = tick, tempo
    return seconds > MAX_SECONDS or header.beats(end) > LONGEST_BEATS


def _moved(tick: int, ends: list[int], away: list[int]) -> int:
    """Return where a tick is now; what lies in a pause stays in what is left of it."""
    place = bisect_right(ends, tick)
    now = tick - away[place - 1]
    return now if place == len(ends) else min(now, ends[place] - away[place])
