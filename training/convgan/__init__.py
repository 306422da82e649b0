"""A small convolutional GAN of spectrogram tiles.

In: a wave set. Out: a `System` for the trainer, sounds of a run, figures.
"""
