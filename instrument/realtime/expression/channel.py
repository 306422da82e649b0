"""Controllers as the ear needs them: smoothed, once per tick, one set per MIDI channel.

A controller arrives in steps of 1/127; each step would be a small click. Every value that voices
use follows its target with a time constant of 5 ms and snaps to it exactly at the end, so that a
resting channel costs nothing and plays at exactly the pitch and level it was told.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float32

from instrument.realtime.expression.slide import slides
from instrument.realtime.memory.constants import CHANNEL_COUNT, KIT_BANK, TICK_FRAMES
from instrument.realtime.native import audio_thread

SMOOTHING_SECONDS = 0.005
BRIGHTNESS_OCTAVES = 4.0  # CC 74 from its centre to either end
FULL_VOLUME = 100.0  # the power-on value of CC 7 is unity gain; 127 gives 4 dB more


@audio_thread
def advance_channels(s):
    """Let every channel's values follow their controllers."""
    approach = min(TICK_FRAMES / (SMOOTHING_SECONDS * s.rate_hz), 1.0)
    for channel in range(CHANNEL_COUNT):
        if not s.channels[channel].settled:
            advance_channel(s, channel, approach)


@audio_thread
def advance_channel(s, channel, approach):
    """Move one channel's values towards their targets: its own, and those of its zone's master."""
    chan = s.channels[channel]
    level = level_of(chan) * chan.part_gain
    balance = balance_of(chan)
    vibrato = float32(chan.modulation / 127.0)
    cutoff = cutoff_of(chan)
    if cutoff > 0.0 and slides(s, chan.bank, chan.master != channel):
        cutoff = float32(0.0)  # it moves the timbre of the channel's notes instead
    tuned = bend_of(chan)
    if chan.bank != KIT_BANK:
        tuned = float32(tuned + s.master_tune)
    if chan.master != channel:
        master = s.channels[chan.master]
        level *= level_of(master)
        balance = min(max(balance + balance_of(master), float32(-1.0)), float32(1.0))
        vibrato = max(vibrato, float32(master.modulation / 127.0))
        cutoff += cutoff_of(master)
        tuned += bend_of(master)
    if chan.level < 0.0:  # never played: no past to come from
        chan.level = level
    chan.level = follow(chan.level, level, approach)
    chan.balance = follow(chan.balance, balance, approach)
    chan.vibrato = follow(chan.vibrato, vibrato, approach)
    chan.cutoff_octaves = follow(chan.cutoff_octaves, cutoff, approach)
    chan.bend_semitones = follow(chan.bend_semitones, tuned, approach)
    rests = (
        chan.level == level
        and chan.balance == balance
        and chan.vibrato == vibrato
        and chan.cutoff_octaves == cutoff
        and chan.bend_semitones == tuned
    )
    # One tick more at rest, so that voices have taken the exact values before they stop looking.
    chan.settled = 1 if rests and chan.rested else 0
    chan.rested = 1 if rests else 0


@audio_thread
def level_of(chan):
    """Return the gain of a channel's volume and expression.

    Both act as squares: 40 log10(value / 127) dB, General MIDI level 1, developer guidelines,
    "volume and expression response".
    """
    volume = chan.volume / FULL_VOLUME
    expression = chan.expression / 127.0
    return float32(volume * volume * expression * expression)


@audio_thread
def balance_of(chan):
    """Return a channel's pan, -1 to 1."""
    return float32(max(chan.pan - 64, -63) / 63.0)


@audio_thread
def cutoff_of(chan):
    """Return by how many octaves a channel's brightness moves the cut-off."""
    # 64 is the centre: 63 steps up, 64 down
    brightness = (chan.brightness - 64) / (63.0 if chan.brightness > 64 else 64.0)
    return float32(BRIGHTNESS_OCTAVES * brightness)


@audio_thread
def bend_of(chan):
    """Return a channel's bend and tuning in semitones."""
    bend = chan.bend / (8191.0 if chan.bend > 0 else 8192.0) * chan.bend_range
    return float32(bend + chan.coarse_tune + chan.fine_tune)


@audio_thread
def follow(value, target, approach):
    """Move a value a part of the way, or all of it when it is near."""
    away = target - value
    if abs(away) < 1e-4:
        return target
    return value + approach * away
