"""Turn trained models into bundles.

In: a run's folder. Out: a folder with ONNX graphs and a card, compared with torch before it
appears. The only package where torch meets onnx.
"""
