"""Turn trained models into bundles; the only place where torch meets onnx."""
