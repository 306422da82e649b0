"""A MuseGAN plays: several tracks, some bars at a time.

In: a bundle, a seed, a `Phrase`. Out: bars of tracks, the ones that its critic likes best. Runs in
the command's process.
"""
