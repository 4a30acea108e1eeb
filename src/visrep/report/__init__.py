"""A page that holds results: what stands on it, and how it looks."""
