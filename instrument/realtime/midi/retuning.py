"""What system exclusive does: keys and octaves retuned, master volume and tuning.

`realtime.exclusive` has read it. Real-time messages retune the notes that sound, too, from the next
tick on; a note that comes nearer to another semitone goes over to that one's tone. Others count
from the next strike on. The octave of a channel reaches every part that hears the channel.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float32

from instrument.realtime.exclusive import HIGHEST, SEMITONE
from instrument.realtime.expression.tuning import semitones_of_key
from instrument.realtime.memory.constants import (
    AMOUNT_BITS,
    CHANNEL_COUNT,
    FREE,
    KEY_COUNT,
    LANE_COUNT,
    MASTER_COARSE_TUNE,
    MASTER_FINE_TUNE,
    MASTER_VOLUME,
    MOST_PARTS,
    OCTAVE_NOTES,
    SILENT_KEY,
    TUNE_KEY,
    TUNE_OCTAVE,
    TUNES_SOUNDING,
    TUNING_COUNT,
)
from instrument.realtime.midi.mono import tune_voice
from instrument.realtime.midi.zones import unsettle
from instrument.realtime.native import audio_thread
from instrument.realtime.tones.source import ask_for_true_tone

FULL = 16383.0  # 14 bits
CENTRE = 8192


@audio_thread
def hear_exclusive(s, event):
    """Do what system exclusive says; what it cannot have said is left out."""
    meaning = event.value >> AMOUNT_BITS
    amount = event.value & ((1 << AMOUNT_BITS) - 1)
    if meaning == MASTER_VOLUME:
        share = min(amount, FULL) / FULL
        s.master_volume = float32(share * share)  # as CC 7: 40 log10
    elif meaning == MASTER_FINE_TUNE:
        s.master_fine = float32((amount - CENTRE) / CENTRE)
        tune_master(s)
    elif meaning == MASTER_COARSE_TUNE:
        s.master_coarse = float32((amount >> 7) - 64)
        tune_master(s)
    elif meaning == TUNE_KEY or meaning == TUNE_KEY + TUNES_SOUNDING:
        tune_key(s, event.data2, event.data1, amount, meaning != TUNE_KEY)
    elif meaning == TUNE_OCTAVE or meaning == TUNE_OCTAVE + TUNES_SOUNDING:
        tune_octave(s, event.data2, event.data1, amount - SEMITONE, meaning != TUNE_OCTAVE)


@audio_thread
def tune_master(s):
    """Let every channel follow the master tuning."""
    s.master_tune = s.master_coarse + s.master_fine
    for channel in range(CHANNEL_COUNT):
        unsettle(s, channel)


@audio_thread
def tune_key(s, program, key, pitch, is_for_sounding):
    """Let a key of a tuning program sound another pitch, in 1/16384 of a semitone."""
    if program >= TUNING_COUNT or key >= KEY_COUNT or pitch > HIGHEST:
        return
    s.is_retuned[program] = 1
    s.tunings[program, key] = pitch + 1
    for v in range(LANE_COUNT if is_for_sounding else 0):
        voice = s.voices[v]
        if voice.key == key and s.channels[voice.channel].tuning_program == program:
            retune_voice(s, v)


@audio_thread
def tune_octave(s, channel, note, away, is_for_sounding):
    """Move a note of the octave on a channel, or where the parts play that hear the channel."""
    if channel >= CHANNEL_COUNT or note >= OCTAVE_NOTES or abs(away) > SEMITONE:
        return
    is_heard = False
    for number in range(min(s.part_count, MOST_PARTS)):
        part = s.parts[number]
        if (part.hears >> channel) & 1 and 0 <= part.plays < CHANNEL_COUNT:
            is_heard = True
            tune_zone(s, part.plays, note, away, is_for_sounding)
    if not is_heard:
        tune_zone(s, channel, note, away, is_for_sounding)


@audio_thread
def tune_zone(s, channel, note, away, is_for_sounding):
    """Move a note of the octave on one channel and its zone."""
    for other in range(CHANNEL_COUNT):
        if other == channel or s.channels[other].master == channel:
            s.channels[other].octave_tuning[note] = away
    for v in range(LANE_COUNT if is_for_sounding else 0):
        voice = s.voices[v]
        is_its = voice.channel == channel or s.channels[voice.channel].master == channel
        if voice.key % OCTAVE_NOTES == note and is_its:
            retune_voice(s, v)


@audio_thread
def retune_voice(s, v):
    """Let a voice have what its key sounds by now."""
    voice = s.voices[v]
    if voice.stage == FREE:
        return
    semitones = semitones_of_key(s, voice.channel, voice.bank, voice.key)
    if semitones <= SILENT_KEY + KEY_COUNT:
        return  # it was struck before a keyboard map left it out
    tune_voice(s, v, semitones)
    if not voice.is_fading:
        ask_for_true_tone(s, v)


@audio_thread
def forget_master(s):
    """Full master volume, and no master tuning."""
    s.master_volume = 1.0
    s.master_fine = 0.0
    s.master_coarse = 0.0
    tune_master(s)


@audio_thread
def forget_tunings(s):
    """Tune every key of every program and channel as at power-on."""
    for program in range(TUNING_COUNT):
        if s.is_retuned[program]:
            s.is_retuned[program] = 0
            for key in range(KEY_COUNT):
                s.tunings[program, key] = 0
    for channel in range(CHANNEL_COUNT):
        s.channels[channel].tuning_program = 0
        for note in range(OCTAVE_NOTES):
            s.channels[channel].octave_tuning[note] = 0
