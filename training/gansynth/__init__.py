"""GANSynth (Engel et al., 2019) and what stands beside it in the paper."""
