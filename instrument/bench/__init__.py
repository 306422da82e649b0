"""Measure the instrument beside its peers.

In: goals, peers, a JACK server of its own. Out: a table for people and JSON for machines. Runs by
hand (`latentkeys bench`), never while somebody plays.
"""
