"""Bundles of GANSynth.

In: a run or an imported checkpoint. Out: graphs from latent to samples, a card, a sample.
"""
