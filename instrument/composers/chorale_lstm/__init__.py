"""The chorale LSTM plays: four voices, sixteenth by sixteenth.

In: a bundle and a `Phrase`. Out: four voices that go on, or three below a melody. Runs in the
partner process when live, else in the command's.
"""
