"""Where pixels come from: one stored format, three kinds of source."""
