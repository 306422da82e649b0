"""Hours of playing: a day of virtual time, and a real session that is watched; `make soak`."""
