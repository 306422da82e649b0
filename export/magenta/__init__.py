"""Read Google's own GANSynth checkpoints, without TensorFlow.

In: a folder with a checkpoint. Out: a torch model, and its bundle.
"""
