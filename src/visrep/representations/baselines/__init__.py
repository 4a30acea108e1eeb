"""Encoders that no gradient trained: what they reach is no merit of learning. Each is a module, looked up by name.

``fit(images, settings, encoder)`` makes of training images (N, 32, 32, 3) uint8 what a file of weights holds: arrays,
and a config. Where that config has a ``kind``, it names the module whose ``features(images, arrays, config)`` describe
images as float32 (N, W), of which the arrays ``mean`` and ``axes`` make the embedding (`visrep.representations.axes`).
"""
