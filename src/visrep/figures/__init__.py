"""Figures from arrays and tables; results are computed elsewhere."""
