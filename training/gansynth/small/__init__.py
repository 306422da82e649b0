"""A small GANSynth: it learns tones one by one, before or instead of a game with a critic.

In: a wave set, every tone as an image. Out: a generator that draws them, latents of instruments.
"""
