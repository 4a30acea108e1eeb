"""Rows of images as one image, to be stored and displayed.

P lines, T pictures on each, S pixels a side.
"""

import numpy as np


def tiled(pictures: np.ndarray) -> np.ndarray:
    """(P, T, S, S, 3) as one image (P S, T S, 3), a line in each row."""
    rows, columns, side = pictures.shape[:3]
    return pictures.transpose(0, 2, 1, 3, 4).reshape(rows * side, columns * side, 3)


def cut(image: np.ndarray, side: int) -> np.ndarray:
    """The pictures that were `tiled`."""
    rows, columns = image.shape[0] // side, image.shape[1] // side
    return image.reshape(rows, side, columns, side, 3).transpose(0, 2, 1, 3, 4)
