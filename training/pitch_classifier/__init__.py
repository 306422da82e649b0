"""The network that judges the pitch of what GANSynth makes."""
