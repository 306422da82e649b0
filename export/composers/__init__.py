"""Bundles of the models that write notes.

In: a run. Out: step or bar graphs, a card, a sample as MIDI.
"""
