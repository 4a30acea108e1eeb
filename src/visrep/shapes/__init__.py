"""Encoders of drawn shapes, trained on pairs that share some factors, and which factors they keep."""
