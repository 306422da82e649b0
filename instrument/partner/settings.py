"""How far ahead the partner commits itself."""

COMMIT_SECONDS = 0.030
"""What begins so soon is played even if the player returns."""
HAND_OVER_SECONDS = 0.020
"""So far ahead messages are given to the engine, which places each at its frame."""
