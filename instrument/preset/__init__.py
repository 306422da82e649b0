"""Presets: what one sound is, as a file that a person can edit.

In: TOML. Out: a checked `Preset`, and the parameters that the kernel reads. Any process; no models.
"""
