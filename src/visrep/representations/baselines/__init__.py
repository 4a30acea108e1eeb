"""Encoders that are not trained by gradients, as baselines. Each is a module, looked up by name.

``fit(images, settings, encoder)`` returns, for training images (N, 32, 32, 3) uint8, the arrays and the config of a
weights file. A config with a ``kind`` names the module whose ``features(images, arrays, config)`` are float32 (N, W);
the arrays ``mean`` and ``axes`` map these to the embedding (`visrep.representations.axes`).
"""
