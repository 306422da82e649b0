"""Measure what models produce."""
