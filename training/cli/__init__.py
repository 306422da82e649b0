"""`latentkeys data`, `train` and `evaluate`."""
