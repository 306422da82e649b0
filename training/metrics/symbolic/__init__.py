"""Measures of music: likelihood, texture, memorisation.

In: phrases, and models to ask. Out: figures, as JSON and as a table.
"""
