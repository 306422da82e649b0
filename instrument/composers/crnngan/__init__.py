"""Both C-RNN-GANs play: tones drawn from chance alone.

In: a bundle and a seed. Out: notes one by one, or phrases of a hundred. Runs in the partner process
when live, else in the command's.
"""
