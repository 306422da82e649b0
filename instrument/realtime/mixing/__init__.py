"""From voices to what leaves: read, filter, pan, add up, parts' own outputs, aux send, master.

In: voices and tone tables. Out: two channels of sound, parts' pairs, what a rack gets. Runs on the
audio thread.
"""
