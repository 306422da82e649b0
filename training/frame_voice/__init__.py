"""The frame voice: a small network that is a function of pitch, time, velocity and latent.

In: a tone set. Out: a `System` for the trainer, figures beside a sampler, a voice that has
learned a new sound.
"""
