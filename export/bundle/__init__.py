"""What all exports share: graphs to ONNX, comparison with torch, folders, samples."""
