"""The one training loop, its optimisers, and networks in files."""
