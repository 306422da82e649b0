"""The ensemble LSTM plays beside somebody, and judges what others wrote.

In: a bundle, and who plays what. Out: our notes one by one, phrases, likelihoods. Runs in the
partner process when live, else in the command's.
"""
