"""Recordings of real instruments: where each note lies, and what must be mended in it.

In: folders, SFZ files and SoundFonts. Out: a tone set for the frame voice. It all runs in the
process of ``latentkeys data instruments``.
"""
