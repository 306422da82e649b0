"""Tones as data: rendered, recorded, analysed.

In: SoundFonts, folders of WAV files, archives. Out: tone sets and wave sets on disk.
"""
