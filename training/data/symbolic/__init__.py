"""Music as data: MIDI, ABC and MusicXML files.

In: files and archives. Out: a corpus of `Phrase` objects, split.
"""
