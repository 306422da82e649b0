"""LSTMs over symbols: with attention, and stacked."""
