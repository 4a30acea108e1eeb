"""A classifier of digits: its training, the attacks on it, its defence."""
