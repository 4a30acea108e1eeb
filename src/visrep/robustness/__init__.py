"""Classifiers under attack: the attacks, a sweep of them, and whether to believe it."""
