"""The strongest attacks on a classifier, and signs that they were misled: what may be called robust accuracy."""
