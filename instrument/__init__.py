"""The real-time host: plays models through MIDI and audio ports; imports no torch."""

__version__ = "0.1.0"
