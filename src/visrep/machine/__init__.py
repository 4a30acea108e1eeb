"""Device, threads and random numbers: what results must not depend on by accident."""
