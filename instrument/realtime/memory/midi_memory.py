"""Records of what hands and cables do: channels, parts, keys, bytes on their way."""

from __future__ import annotations

from instrument.realtime.memory.constants import EXCLUSIVE_BYTES, OCTAVE_NOTES
from instrument.realtime.memory.records import record

CHANNEL = record(
    ("bank", "i4"),  # which bank new notes take
    ("sustain", "i4"),  # CC 64, 0..127
    ("sostenuto", "i4"),
    ("soft", "i4"),
    ("bend", "i4"),  # -8192..8191
    ("parameter", "i4"),  # selected RPN, or -1
    ("parameter_high", "i4"),  # as CC 101 and 100 gave it; 127 = not given
    ("parameter_low", "i4"),
    ("fine_tune_high", "i4"),
    ("fine_tune_low", "i4"),
    ("bend_range_given", "i4"),  # an RPN 0 has set the range: presets leave it alone
    ("bank_select", "i4"),
    ("volume", "i4"),
    ("expression", "i4"),
    ("pan", "i4"),
    ("modulation", "i4"),
    ("brightness", "i4"),  # CC 74, 64 = as the preset says
    ("pressure", "i4"),
    ("bend_range", "f4"),  # semitones
    ("coarse_tune", "f4"),  # semitones, RPN 2
    ("fine_tune", "f4"),  # semitones, RPN 1
    ("release_stretch", "f4"),  # half pedal: how much longer releases last
    ("level", "f4"),  # smoothed from here on, once per tick
    ("balance", "f4"),
    ("vibrato", "f4"),
    ("cutoff_octaves", "f4"),
    ("bend_semitones", "f4"),
    ("rested", "i4"),
    ("settled", "i4"),  # every smoothed value has arrived
    ("master", "i4"),  # whose controllers act here too: its MPE zone's master, or itself
    ("is_mono", "i4"),  # CC 126
    ("portamento", "i4"),  # CC 65, or NOT_GIVEN: as the preset says
    ("portamento_time", "i4"),  # CC 5, or NOT_GIVEN
    ("glides_from", "i4"),  # CC 84: the key that the next note comes from, or NOT_GIVEN
    ("has_played", "i4"),
    ("last_semitones", "f4"),  # what the last note of the channel, or of its zone, sounded
    ("pedal_source", "i4"),  # who has moved a pedal last
    ("felt_pressure", "i4"),  # its own or its master's
    ("controllers", "i4", (120,)),  # as they were last moved
    ("part_gain", "f4"),  # of the part that plays here
    ("tuning_program", "i4"),  # whose `tunings` its keys have, RPN 3
    ("octave_tuning", "i4", (OCTAVE_NOTES,)),  # what each note is off, in 1/16384 semitone
)

# One of several sounds under one pair of hands.
PART = record(
    ("hears", "i4"),  # bit c: what is played on channel c; 0 = nothing yet
    ("plays", "i4"),  # on this channel, with its bank and its controllers
    ("lowest_key", "i4"),
    ("highest_key", "i4"),
    ("lowest_velocity", "i4"),
    ("highest_velocity", "i4"),
    ("gain", "f4"),
)

KEY = record(
    ("held", "i4"),  # note-ons without their note-off yet
    ("velocity", "i4"),  # of the last one
    ("struck", "i8"),  # its number (`strikes`)
)

# Bytes on their way to becoming messages: what `realtime.byte_stream.ByteStream` is in Python.
BYTE_STREAM = record(
    ("status", "i4"),
    ("data1", "i4"),
    ("needed", "i4"),  # data bytes that are still to come
    ("is_exclusive", "i4"),
    ("exclusive_bytes", "i8"),
    ("exclusive", "u1", (EXCLUSIVE_BYTES,)),  # the first of them
    ("exclusive_size", "i8"),  # bytes of the one that has ended
    ("made_data1", "i4"),
    ("made_data2", "i4"),
    ("made_value", "i4"),
    ("stray_bytes", "i8"),
)
