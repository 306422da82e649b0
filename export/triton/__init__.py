"""A bundle comes in, a folder for a server of graphs goes out: Triton's model repository."""
