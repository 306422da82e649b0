"""The network that judges the pitch of what GANSynth makes.

In: a wave set. Out: a `System` for the trainer, a file with a classifier.
"""
