"""Everything that runs on the audio thread."""
