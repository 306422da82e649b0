"""Measurements of ours beside its peers, in interleaved rounds of one run.

``latentkeys bench engine|realtime|start|render|all``. What comes in: goals from the project's
specification and the peers that this machine has. What goes out: a table and, on request, JSON.
"""
