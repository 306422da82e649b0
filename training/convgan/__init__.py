"""A small convolutional GAN of spectrogram tiles."""
