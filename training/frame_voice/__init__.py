"""The frame voice: a small network that is a function of pitch, time, velocity and latent."""
