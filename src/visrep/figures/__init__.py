"""Pictures from arrays and tables: every function returns a figure, nothing here computes a result."""
