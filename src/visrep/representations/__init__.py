"""Representations without labels: methods, encoders, views, and baselines that embed without training."""
