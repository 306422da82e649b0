"""GANSynth (Engel et al., 2019) and what stands beside it in the paper.

In: a wave set. Out: a `System` for the trainer, a smaller one, the paper's figures.
"""
