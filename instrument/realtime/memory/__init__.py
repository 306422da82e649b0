"""The memory that all processes share: its numbers, its records, the block that has them.

In: a session's folder. Out: arrays that every process sees at once, and rings of messages. What is
declared here the kernel reads through numba and everybody else through numpy.
"""
