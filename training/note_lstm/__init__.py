"""An LSTM over notes as tuples of pitch, length and step, and a transformer beside it."""
