"""C-RNN-GAN: a recurrent generator and critic of notes (Mogren, 2016).

In: a corpus. Out: two `System` objects for the trainer, the second a simplified one.
"""
