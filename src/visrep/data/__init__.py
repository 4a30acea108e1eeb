"""Image sets: three kinds of source, one stored format."""
