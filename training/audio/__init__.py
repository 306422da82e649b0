"""Spectra, tones and losses that several audio systems share.

In and out: torch tensors. No files.
"""
