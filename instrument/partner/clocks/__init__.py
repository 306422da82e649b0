"""Whose beat the partner follows: its own, a MIDI clock, or Ableton Link.

In: clock messages with their frames. Out: the frame of every beat.
"""
