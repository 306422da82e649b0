"""Graphs that run on another machine: part of the models process, and only if that is asked for.

In: an address, and tensors for a graph. Out: tensors that were checked.
"""
