"""How networks learn: losses, random views, the one training loop, and its objectives."""
