"""Train the models; one file per paper."""
