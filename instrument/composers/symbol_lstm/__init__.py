"""The LSTMs of chords play: with attention, and stacked.

In: a bundle and notes. Out: the next notes, whole chords at a time. Runs in the partner process
when live, else in the command's.
"""
