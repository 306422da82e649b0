"""Music as the composers see it: notes, pitches, beats, bars.

In: nothing but numbers. Out: `Note`, `Phrase`, `Transport`, and the views that networks have of
them. No process of its own, no files, no devices.
"""
