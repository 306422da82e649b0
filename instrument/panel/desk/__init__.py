"""The sound on the desk, its knobs, and the library it comes from.

In: what a page or a controller turns. Out: changed presets, as files for control. Runs in the
panel's process.
"""
