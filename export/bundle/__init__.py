"""What all exports share: graphs to ONNX, comparison with torch, folders, samples.

In: torch modules. Out: graphs, and a folder that appears when all of it is proven.
"""
