"""Pictures and sounds that a run shows of itself.

In: samples, spectra, phrases. Out: files in the run's folder.
"""
