"""Make what the project ships: composers, presets and their pictures."""
