"""Points in a model's latent space.

In: names of instruments, seeds, recordings. Out: latent vectors and the presets made of them.
Runs in the control process, when a preset is made.
"""
