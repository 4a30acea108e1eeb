"""What an embedding is good for: a module each with its parameters, its result and how it is tabulated."""
