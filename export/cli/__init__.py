"""`latentkeys export` and `latentkeys import`."""
