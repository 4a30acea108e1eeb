"""Robust accuracy of a classifier by the strongest attacks, and signs that its gradients are masked."""
