"""What an event does: a message from a hand, or a command of ours."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from instrument.realtime.dsp import db_to_gain
from instrument.realtime.effects.chain import mute_chain
from instrument.realtime.event_queue import send_out
from instrument.realtime.exclusive import EXCLUSIVE
from instrument.realtime.memory.constants import (
    ALL_CHANNELS,
    BANK_COUNT,
    CARRY_BANK,
    CHANNEL_COUNT,
    CLOCK_TICK,
    FADE_BANK,
    FADE_OUT,
    FREE,
    LANE_COUNT,
    LET_GO,
    MASTER_GAIN,
    PANIC,
    SOURCE_COUNT,
    TEMPO,
    TO_OUT,
    USE_BANK,
)
from instrument.realtime.midi.inputs import let_input_go, notice_input
from instrument.realtime.midi.messages import hear_message
from instrument.realtime.midi.resets import panic, reset_system
from instrument.realtime.midi.retuning import hear_exclusive
from instrument.realtime.midi.tempo import follow_clock, set_tempo
from instrument.realtime.mixing.part_outputs import follow_parts
from instrument.realtime.native import audio_thread
from instrument.realtime.voice.lanes import fade_voice

FADE_SECONDS = 0.030


@audio_thread
def apply_event(s, event):
    """Do what one event says, at the present frame; False if it is nothing for the log."""
    if event.command != 0:
        return apply_command(s, event.command, event.data1, event.data2, event.value)
    if event.value == TO_OUT:
        send_out(s, event)
        return True
    notice_input(s, event.source, event.status)
    if event.status == EXCLUSIVE:
        hear_exclusive(s, event)
        return True
    if event.status >= 0xF0:
        if event.status == 0xFF:  # System Reset
            reset_system(s)
        elif event.status == CLOCK_TICK:
            follow_clock(s)
        return is_for_followers(event.status)
    return hear_message(s, event)


@audio_thread
def is_for_followers(status):
    """Tell whether a system message is logged: clock, start, continue, stop, position, reset."""
    return status in (0xF2, 0xF8, 0xFA, 0xFB, 0xFC, 0xFF)


@audio_thread
def apply_command(s, command, data1, data2, value):
    """Do what control or the engine asks for (`memory.constants` lists them)."""
    if command == LET_GO:
        let_input_go(s, data1 % SOURCE_COUNT)
        return False  # the log has the messages that this amounts to
    if command == USE_BANK:
        use_bank(s, data1, data2)
    elif command == PANIC:
        panic(s)
    elif command == FADE_OUT:
        s.fade_out_step = -1.0 / (FADE_SECONDS * s.rate_hz)
    elif command == FADE_BANK:
        for v in range(LANE_COUNT):
            voice = s.voices[v]
            if voice.stage != FREE and (voice.bank == data1 or voice.source_bank == data1):
                fade_voice(s, v, FADE_SECONDS)
        if 0 <= data1 < BANK_COUNT:
            mute_chain(s, data1)
    elif command == CARRY_BANK:
        carry_bank(s, data1, data2)
    elif command == MASTER_GAIN:
        s.master_target = db_to_gain(value / 100.0)
    elif command == TEMPO:
        set_tempo(s, value / 100.0)
    return True


@audio_thread
def carry_bank(s, bank, to):
    """Let notes that sound go over to another bank, at the same time in the note."""
    if to >= BANK_COUNT:
        return
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        if voice.stage != FREE and not voice.is_fading and voice.bank == bank:
            voice.bank = to
            voice.is_stand_in = 1  # until its true tone is there, as after any note-on


@audio_thread
def use_bank(s, bank, wanted):
    """Let new notes of a channel, its zone, or all channels play from a bank."""
    if bank >= BANK_COUNT:
        return
    for channel in range(CHANNEL_COUNT):
        chan = s.channels[channel]
        if wanted in (ALL_CHANNELS, channel) or wanted == chan.master:
            chan.bank = bank
            chan.settled = 0
            if not chan.bend_range_given:
                chan.bend_range = s.banks[bank].bend_range_semitones
    follow_parts(s)  # its first note leaves by its part's outputs, too
