"""What every stage stands on: its life, its files, its parameters, and its place in the graph."""
