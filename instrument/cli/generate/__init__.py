"""``latentkeys generate``: random sounds, labelled notes, samplers' maps.

In: options. Out: presets, data sets and SFZ files on disk; in the command's own process.
"""
