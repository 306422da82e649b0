"""Notes and MIDI messages for tests, good and bad ones, and a partner who plays in virtual time."""
