"""Voices: how one starts, what it reads, where it is going, and how it ends.

A voice takes a lane of the mixer at note-on and copies whatever it needs from its preset. Once per
tick `life.advance_voice` moves it on.
"""
