"""Tables of tones for the plug-in: where they lie on disk, and who renders them.

In: a preset and a rate. Out: a file that every instance maps, named by its recipe, and lines that
tell how far it is. Runs in the service; each table is rendered by a process of its own.
"""
