"""Four voices, after Bach: an LSTM that reads and writes chorales."""
