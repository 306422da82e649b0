"""Models small enough for tests: real ones, ones of formulas, and a server that computes them."""
