"""Representations without labels: methods, encoders, views, and what embeds without learning."""
