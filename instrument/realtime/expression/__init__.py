"""What moves a note: controllers, glide, slide, tuning, modulation, and chance.

In: what a hand has moved, and what a preset says. Out: pitch, level, place and filter of each
voice, once per tick. Runs on the audio thread.
"""
