"""Nonsense at every entrance: `make fuzz` tries 100,000 inputs, the test suite a slice of them."""
