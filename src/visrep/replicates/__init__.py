"""Repeated trainings with other seeds, and results over all runs of a training."""
