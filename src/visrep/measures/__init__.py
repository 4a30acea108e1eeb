"""Functions from arrays to numbers: neighbors, statistics, spread, geometry."""
