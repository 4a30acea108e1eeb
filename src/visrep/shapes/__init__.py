"""Drawn shapes: pairs that share some factors, and which factors an encoder keeps."""
