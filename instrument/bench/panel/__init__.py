"""The panel, measured in a real Chromium.

In: a running instrument with its page open. Out: rows of frame times, of the ear's delay, and of
under-runs beside a page that is busy.
"""
