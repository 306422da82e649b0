"""Sounds made by formula, data sets of them, and what can be heard in a sound."""
