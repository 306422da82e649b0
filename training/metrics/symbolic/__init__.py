"""Measures of music: likelihood, texture, memorisation."""
