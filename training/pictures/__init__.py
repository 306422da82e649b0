"""Pictures and sounds that a run shows of itself."""
