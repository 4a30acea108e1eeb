"""Arrays to numbers: neighbours, statistics, spread, geometry."""
