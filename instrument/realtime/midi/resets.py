"""Back to how it was when the power came on."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from instrument.realtime.effects.chain import mute_chain
from instrument.realtime.memory.constants import BANK_COUNT, CHANNEL_COUNT, NOT_GIVEN
from instrument.realtime.midi.controllers import reset_controllers, silence_channel
from instrument.realtime.midi.messages import ask_for
from instrument.realtime.midi.parameters import forget_bend_range, forget_tuning
from instrument.realtime.midi.retuning import forget_master, forget_tunings
from instrument.realtime.native import audio_thread


@audio_thread
def panic(s):
    """Silence everything and put back whatever could keep the next note from sounding right.

    How the hands' controllers are set up stays: bend ranges, zones, the preset.
    """
    for channel in range(CHANNEL_COUNT):
        silence_channel(s, channel)
        reset_controllers(s, channel)
        forget_tuning(s, channel)
        chan = s.channels[channel]
        chan.volume = 100
        chan.pan = 64
        chan.brightness = 64
        chan.bank_select = 0
        chan.is_mono = 0
        chan.portamento_time = NOT_GIVEN
        chan.has_played = 0
        chan.last_semitones = 0.0
        for control in range(len(chan.controllers)):
            chan.controllers[control] = 0
    forget_master(s)
    for bank in range(BANK_COUNT):
        s.chains[bank].reverb_control = 0
        s.chains[bank].chorus_control = 0
        mute_chain(s, bank)


@audio_thread
def reset_system(s):
    """System Reset, and what General MIDI, GS and XG say instead of it: as at power-on."""
    panic(s)
    for channel in range(CHANNEL_COUNT):
        s.channels[channel].master = channel
        forget_bend_range(s, channel)
    forget_tunings(s)
    ask_for(s, 0xFF, 0, 0)
