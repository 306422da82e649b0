"""Measures of sound that know no system: likeness, diversity, tuning.

In: arrays of samples, spectra or numbers. Out: figures. What is measured of a system, and how it is
shown, is in its own room (`evaluate`, `report`).
"""
