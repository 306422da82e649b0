"""Read, check and run a model's folder.

In: a folder with ONNX graphs and ``card.json``. Out: a `Bundle` whose card is checked, and sessions
that run its graphs. Used by the models and partner processes and by the command line.
"""
