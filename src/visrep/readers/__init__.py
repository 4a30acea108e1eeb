"""What an embedding is good for: pure functions of arrays, each with a floor to stand beside."""
