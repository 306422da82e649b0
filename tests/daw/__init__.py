"""A real DAW beside latentkeys: ``make test-daw``."""
