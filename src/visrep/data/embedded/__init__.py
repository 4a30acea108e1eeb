"""Image sets drawn on the spot: no network, the same seed gives the same bytes."""
