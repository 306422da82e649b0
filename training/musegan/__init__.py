"""MuseGAN (Dong et al., 2018): bars of several tracks."""
