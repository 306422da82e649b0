"""C-RNN-GAN: a recurrent generator and critic of notes (Mogren, 2016)."""
