"""The instrument as it runs: JACK servers of our own, the engine's process, ``play``, its panel."""
