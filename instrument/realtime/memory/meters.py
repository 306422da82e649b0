"""Records of how things go: heartbeats of processes, and counters for looking."""

from __future__ import annotations

from instrument.realtime.memory.constants import BANK_COUNT
from instrument.realtime.memory.records import record

# All times are `time.monotonic_ns`, which is one clock for all processes.
HEARTBEAT = record(
    ("beat_ns", "i8"),  # when it last showed that it runs
    ("patience_ns", "i8"),  # how long it may be silent at present
    ("works_since_ns", "i8"),  # when it began what it is doing; 0 = it waits for something to do
    ("limit_ns", "i8"),  # how long that may take
)

METERS = record(
    ("blocks", "i8"),
    ("active_voices", "i8"),  # sounding, fading ones not counted
    ("fading_voices", "i8"),
    ("stolen_voices", "i8"),
    ("cut_steals", "i8"),  # steals without a free lane to fade on: these may click
    ("starved_voices", "i8"),  # ran into the end of a note that was still being rendered
    ("late_streams", "i8"),  # held notes that looped because their stream was not there in time
    ("streams", "i8"),  # held notes that are being streamed
    ("late_racks", "i8"),  # times that the rack's return was not there, and faded
    ("stand_ins", "i8"),  # notes that started on a neighbour's slot
    ("underruns", "i8"),  # counted by the device, or xruns by the server
    ("stray_bytes", "i8"),  # bytes and messages from outside that are no MIDI
    ("late_events", "i8"),  # came after their frame had passed
    ("lost_events", "i8"),  # came while the queue of due events was full
    ("invalid_samples", "i8"),  # NaN or infinite, replaced by silence
    ("limited_frames", "i8"),  # frames on which the limiter changed the sound
    ("callback_ns_last", "i8"),
    ("callback_ns_max", "i8"),  # writers of other processes may set it to 0
    ("callback_ns_sum", "i8"),  # over `blocks`
    ("last_event_frame", "i8"),  # when the last event was applied
    ("last_sound_frame", "i8"),  # when the output was last above -80 dB
    ("peak", "f4"),  # of the last block, after the limiter
    ("limiter_gain", "f4"),  # 1 = not limiting
    ("bank_voices", "i8", (BANK_COUNT,)),  # voices reading each bank, and 1 while its effects ring
)
