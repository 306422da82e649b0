"""Bundles of the small convolutional GAN.

In: a run. Out: a graph that makes tiles, a card that says what to expect of them, a sample.
"""
