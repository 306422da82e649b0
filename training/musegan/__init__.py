"""MuseGAN (Dong et al., 2018): bars of several tracks.

In: a corpus. Out: a `System` for the trainer, and figures of a run.
"""
