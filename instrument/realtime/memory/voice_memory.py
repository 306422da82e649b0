"""The record of a voice: what `realtime.voice` keeps of it."""

from __future__ import annotations

from instrument.realtime.memory.constants import LFO_COUNT, TARGET_COUNT
from instrument.realtime.memory.records import record

VOICE = record(
    ("position", "i8"),  # in the slot, 32.32 fixed point frames
    ("increment", "i8"),  # the same, per output frame
    ("start_frame", "i8"),
    ("ticked_at", "i8"),  # the frame of the last tick it has lived through
    ("stage", "i4"),
    ("channel", "i4"),
    ("key", "i4"),  # which holds it
    ("pitch", "i4"),  # the whole semitone that it sounds
    ("velocity", "i4"),
    ("bank", "i4"),
    ("source_pitch", "i4"),  # the slot that is being read
    ("source_bank", "i4"),
    ("key_is_down", "i4"),
    ("pedal_holds", "i4"),
    ("sostenuto_holds", "i4"),
    ("release_is_due", "i4"),  # let go before it had sounded for the shortest time
    ("is_stand_in", "i4"),
    ("is_fading", "i4"),  # a ghost: lets go of its lane when its fade is over
    ("loops", "i4"),
    ("is_looping", "i4"),  # is past the loop's start, from where on it dies away
    ("pressure", "i4"),
    ("pressure_target", "i4"),
    ("source_is_whole", "i4"),
    ("pitch_is_due", "i4"),  # must be computed again at the next aim
    ("filter_is_due", "i4"),
    ("pan_is_due", "i4"),
    ("envelope", "f4"),  # where the gain's line is going, reached at the next tick
    ("envelope_step", "f4"),  # per frame
    ("attack_step", "f4"),
    ("decay_keep", "f4"),
    ("sustain_level", "f4"),
    ("release_octaves", "f4"),  # log2 of the level, per frame
    ("release_keep", "f4"),
    ("fade", "f4"),  # 0..1; the gain is its quarter sine
    ("fade_step", "f4"),
    ("fade_is_straight", "i4"),  # the gain is the fade itself: between two alike
    ("loop_level", "f4"),
    ("loop_keep", "f4"),
    ("soft_weight", "f4"),
    ("loud_weight", "f4"),
    ("gain", "f4"),
    ("pan", "f4"),
    ("detune", "f4"),  # semitones, by variation and unison
    ("number", "i8"),  # what it draws from
    ("stream", "i4"),  # its number + 1; 0 = none
    ("reads_stream", "i4"),  # and no slot any more
    ("stream_is_late", "i4"),
    ("slide_stream", "i4"),  # the stream of its slide + 1; 0 = none
    ("slide_is_late", "i4"),
    ("slide_begins", "i8"),  # at this frame of the note
    ("slide_wanted", "f4"),  # 0..1
    ("slide", "f4"),  # how far it has come, at the next tick
    ("slide_from", "f4"),  # at the last one,
    ("slide_at", "i8"),  # which was at this frame of the note;
    ("slide_step", "f4"),  # and per frame from there on
    ("wrapped", "i8"),  # frames of whole loops that were taken off `position`
    ("drift_amount", "f4"),
    ("drift", "f4"),  # semitones
    ("drift_step", "f4"),  # per tick
    ("sway", "f4"),  # of level, as a share of it
    ("sway_step", "f4"),
    ("drift_ticks", "i4"),  # left on this line
    ("drift_lines", "i4"),  # drawn so far
    ("fine", "f4"),  # semitones that its key's tuning adds to `pitch`
    ("glide", "f4"),  # semitones still to go, from the note before
    ("glide_step", "f4"),  # semitones per tick, towards 0
    ("tuning", "f4"),  # semitones from the source's pitch to the voice's
    ("pan_left", "f4"),
    ("pan_right", "f4"),
    ("felt_velocity", "f4"),  # after the soft pedal
    ("cutoff_hz", "f4"),
    ("cutoff_octaves", "f4"),  # key, velocity and soft pedal
    ("missing_layer_octaves", "f4"),
    ("aimed_octaves", "f4"),  # what the channel added when the filter was last computed
    ("resonance", "f4"),
    ("lfo_phase", "f4"),  # turns
    ("lfo_step", "f4"),  # turns per tick
    ("vibrato_share", "f4"),  # of the depth, by itself
    ("vibrato_delay_frames", "f4"),
    ("envelope_octaves", "f4"),  # of cut-off, still to go
    ("envelope_octaves_keep", "f4"),  # per tick
    ("vibrato_semitones", "f4"),
    ("loudness", "f4"),  # peak, falling by half in 23 ms
    ("lfo_turns", "f8", (LFO_COUNT,)),  # since it started
    ("struck", "f4"),  # 1, falling as the filter's envelope does
    ("is_moved", "i4"),  # by its bank's routes
    ("moved", "f4", (TARGET_COUNT,)),  # how far: dB, 1, octaves, semitones, 1, 1
)
