"""Bundles of the frame voice.

In: a run. Out: graphs for a tone's beginning and whole, a card with its instruments, a sample.
"""
