"""The plug-in: latentkeys inside a DAW, as CLAP and VST3.

In: the kernel of `realtime`, compiled ahead of time, and C around it (``native/``). Out: one file
per format and system, the service that renders tones for all instances, and the verbs that install
it.
"""
