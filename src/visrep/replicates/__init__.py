"""Trainings again under other seeds: how one runs, and what all runs of a training say together."""
