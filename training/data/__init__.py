"""Read and make the data that models learn from."""
