"""Measures of sound: likeness, diversity, tuning."""
