"""Read Google's own GANSynth checkpoints, without TensorFlow."""
