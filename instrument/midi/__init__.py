"""MIDI messages and MIDI files.

In: bytes, from ports or files. Out: messages, songs to play, `Phrase` objects to compose with, and
files again. Any process; no audio thread.
"""
