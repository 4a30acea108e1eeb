"""The training loop, its optimizers, and networks in files."""
