"""Turn trained models into bundles.

In: a run's folder. Out: a folder with ONNX graphs and a card, compared with torch before it
appears. The only package where torch meets onnx.
"""

DISTRIBUTION = "latentkeys"
"""The mark of `instrument.import_names`: these files are ours."""
