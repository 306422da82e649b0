"""Models that write music.

In: a bundle and a `Phrase`. Out: more music, note after note (`NoteModel`) or bars at a time
(`BarGenerator`). Runs in the partner process when live, in the command's own process else.
"""
