"""Phrases as Standard MIDI Files of format 1, and any MIDI file as a phrase.

What is written comes back equal if every start and length (of notes, tempos, meters, pickup and
phrase) is a multiple of 1/ticks_per_beat, every bpm is 60e6 over a whole number of microseconds
(up to 16 777 215), every track has a channel, 9 for drums alone, and no more than 1000 equal
pitches of a track sound at once. Other times and tempos go to the nearest tick and microsecond;
tracks without a channel get one.

Reading settles what files leave open (`track_notes` does so for notes): a first bar shorter than
the next meter's is a pickup; with SMPTE time a beat is half a second; the phrase ends with the
last end of track. Pedals, controllers and bends are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, pairwise
from pathlib import Path

from instrument.errors import MidiFileError
from instrument.files import replacing_file
from instrument.midi.chunks import MAX_SECONDS, join_tracks
from instrument.midi.messages import DRUM_CHANNEL, PROGRAM_CHANGE
from instrument.midi.midi_file import MidiFile, read_midi
from instrument.midi.track_events import (
    DEFAULT_MICROSECONDS,
    END_OF_TRACK,
    NAME,
    SET_TEMPO,
    TIME_SIGNATURE,
    MidiEvent,
    chunk_of,
)
from instrument.midi.track_notes import FileNotes, TickNote, note_events, notes_of, our_word
from instrument.music.note import Meter, Phrase, Tempo, Track

MAX_BEATS = 100_000
"""Three hours at 555 beats per minute."""

_SLOWEST_MICROSECONDS = 0xFFFFFF
_UNITS = (4, 8, 16, 32, 64)  # of a time signature that stands for a pickup


def read_phrase(path: Path | str) -> Phrase:
    """Read a MIDI file of any format; what is damaged is mended without a word.

    Each channel and program of each track chunk becomes a track; a chunk without notes and without
    a program (a conductor's) becomes none.

    Raises
    ------
    MidiFileError
        The file is missing, not MIDI, has nothing that could be read, is larger than 16 MiB, longer
        than three hours or 100 000 beats, or has more than 500 000 notes.
    """
    file = read_midi(Path(path))
    return phrase_of(file, notes_of(file))


def phrase_of(file: MidiFile, notes: FileNotes) -> Phrase:
    """Make a phrase of a file's notes; its tracks stand in the order of ``notes.parts``.

    Raises
    ------
    MidiFileError
        The music is too long.
    """
    header = file.header
    tempos, meters = {0: DEFAULT_MICROSECONDS}, {0: (4, 4)} | notes.meters
    if header.seconds_per_tick is None:
        tempos |= notes.tempos
    tracks = tuple(
        Track(
            tuple(found), notes.names.get(part.chunk, ""), part.program, part.is_drum, part.channel
        )
        for part, found in notes.parts.items()
    )
    bars = tuple(Meter(header.beats(tick), *meter) for tick, meter in sorted(meters.items()))
    if "pickup" in notes.words:
        pickup_beats = header.beats(notes.words["pickup"])
    else:
        bars, pickup_beats = _without_pickup_bar(bars)
    last = max((track.notes[-1].start_beats for track in tracks if track.notes), default=0.0)
    end = max(header.beats(notes.words.get("length", notes.end_tick)), last)
    speeds = tuple(Tempo(header.beats(tick), 60e6 / us) for tick, us in sorted(tempos.items()))
    phrase = Phrase(tracks, end, speeds, bars, pickup_beats)
    if _is_too_long(phrase, end):  # the end alone may be: a forgotten event, hours later
        phrase = replace(phrase, length_beats=max([last, *map(_end_of, tracks)]))
    _check_length(file.path, phrase)
    return phrase


def write_phrase(path: Path | str, phrase: Phrase, ticks_per_beat: int = 480) -> None:
    """Write a file of format 1: a conductor's chunk, then one chunk for each track.

    The bytes depend on the phrase and `ticks_per_beat` alone. 480 ticks per beat hold all ticks of
    `note_tuples.GRID` and microtiming to the nearest 0.5 ms at 120 bpm.

    Raises
    ------
    MidiFileError
        `ticks_per_beat` is not in 1..32767, or the phrase is longer than `read_phrase` allows.
    FileError
        The file cannot be written; one that was there stays as it was.
    """
    path = Path(path)
    content = phrase_bytes(phrase, ticks_per_beat, path)
    with replacing_file(path) as temporary:
        temporary.write_bytes(content)


def phrase_bytes(
    phrase: Phrase, ticks_per_beat: int = 480, path: Path = Path("phrase.mid")
) -> bytes:
    """Return what `write_phrase` writes; `path` only names it in messages."""
    if not 1 <= ticks_per_beat <= 0x7FFF:
        raise MidiFileError(f"ticks_per_beat must be in 1..32767, got {ticks_per_beat}")
    _check_length(path, phrase)
    tracks = [_tick_notes(track, ticks_per_beat) for track in phrase.tracks]
    end = max((note.end for notes in tracks for note in notes), default=0)
    chunks = [chunk_of(_conductor_events(phrase, ticks_per_beat, end))]
    for track, notes, channel in zip(phrase.tracks, tracks, _channels(phrase), strict=True):
        chunks.append(chunk_of(_track_events(track, notes, channel)))
    return join_tracks(ticks_per_beat, chunks)


def _without_pickup_bar(meters: tuple[Meter, ...]) -> tuple[tuple[Meter, ...], float]:
    """Take a single first bar that is shorter than the next meter's for a pickup."""
    if len(meters) > 1 and meters[1].start_beats == meters[0].bar_beats < meters[1].bar_beats:
        return (replace(meters[1], start_beats=0.0), *meters[2:]), meters[0].bar_beats
    return meters, 0.0


def _with_pickup_bar(meters: tuple[Meter, ...], pickup_beats: float) -> tuple[Meter, ...]:
    """Write a pickup as a short first bar, where a time signature can say it."""
    if len(meters) > 1 and meters[1].start_beats <= pickup_beats:
        return meters
    for unit in _UNITS:
        beats = pickup_beats * unit / 4
        if beats.is_integer() and 1 <= beats <= 255:
            bar = Meter(0.0, int(beats), unit)
            return bar, replace(meters[0], start_beats=pickup_beats), *meters[1:]
    return meters


def _conductor_events(phrase: Phrase, ticks_per_beat: int, notes_end: int) -> list[MidiEvent]:
    meters = _with_pickup_bar(phrase.meters, phrase.pickup_beats)
    plain = _without_pickup_bar(meters) == (phrase.meters, phrase.pickup_beats)
    events = []
    if not plain:
        meters = phrase.meters
        events.append(our_word(0, "pickup", round(phrase.pickup_beats * ticks_per_beat)))
    for meter in meters:
        data = bytes((meter.beats, meter.unit.bit_length() - 1, 24, 8))
        events.append(MidiEvent(round(meter.start_beats * ticks_per_beat), TIME_SIGNATURE, data))
    for tempo in phrase.tempos:
        microseconds = min(max(round(60e6 / tempo.bpm), 1), _SLOWEST_MICROSECONDS)
        data = microseconds.to_bytes(3, "big")
        events.append(MidiEvent(round(tempo.start_beats * ticks_per_beat), SET_TEMPO, data))
    length = round(phrase.length_beats * ticks_per_beat)
    end = max(length, *(event.tick for event in events))
    if length < max(end, notes_end):
        events.append(our_word(0, "length", length))
    events.sort(key=lambda event: event.tick)
    return [*events, MidiEvent(end, END_OF_TRACK, b"")]


def _track_events(track: Track, notes: list[TickNote], channel: int) -> Iterator[MidiEvent]:
    if track.name:
        yield MidiEvent(0, NAME, track.name.encode("utf-8", "replace"))
    yield MidiEvent(0, PROGRAM_CHANGE | channel, bytes((track.program,)))
    yield from note_events(notes, channel)
    yield MidiEvent(max((note.end for note in notes), default=0), END_OF_TRACK, b"")


def _tick_notes(track: Track, ticks_per_beat: int) -> list[TickNote]:
    notes = []
    for note in track.notes:
        start = round(note.start_beats * ticks_per_beat)
        length = max(1, round(note.length_beats * ticks_per_beat))
        notes.append(TickNote(start, start + length, note.pitch, note.velocity))
    return notes


def _channels(phrase: Phrase) -> Iterator[int]:
    """Give every track a channel: its own, 9 to drums, the others in turn to those without."""
    taken = {track.channel for track in phrase.tracks if not track.is_drum}
    melodic = [channel for channel in range(16) if channel != DRUM_CHANNEL]
    free = cycle([channel for channel in melodic if channel not in taken] or melodic)
    for track in phrase.tracks:
        if track.is_drum:
            yield DRUM_CHANNEL
        elif track.channel is None or track.channel == DRUM_CHANNEL:
            yield next(free)
        else:
            yield track.channel


def _check_length(path: Path, phrase: Phrase) -> None:
    end_beats = max([phrase.length_beats, *map(_end_of, phrase.tracks)])
    if _is_too_long(phrase, end_beats):
        hours = _seconds(phrase, end_beats) / 3600
        raise MidiFileError(
            f'MIDI file "{path}" lasts {end_beats:.0f} beats or {hours:.1f} hours; the limits are '
            f"{MAX_BEATS} beats and {MAX_SECONDS / 3600:.0f} hours",
            "Split it, or check its tempo.",
        )


def _is_too_long(phrase: Phrase, end_beats: float) -> bool:
    return end_beats > MAX_BEATS or _seconds(phrase, end_beats) > MAX_SECONDS


def _seconds(phrase: Phrase, end_beats: float) -> float:
    changes = [*(tempo.start_beats for tempo in phrase.tempos), end_beats]
    return sum(
        max(0.0, min(later, end_beats) - start) * 60 / tempo.bpm
        for (start, later), tempo in zip(pairwise(changes), phrase.tempos, strict=True)
    )


def _end_of(track: Track) -> float:
    return max((note.end_beats for note in track.notes), default=0.0)
