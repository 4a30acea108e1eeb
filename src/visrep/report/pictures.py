"""A PNG as part of a page: the same pixels in fewer bytes."""

import base64
from io import BytesIO
from typing import NamedTuple

from PIL import Image

WHITE = (255, 255, 255)


class Inline(NamedTuple):
    """``uri`` holds the picture; pixels."""

    uri: str
    width: int
    height: int


def inline(png: bytes) -> Inline:
    """Lossless WebP, transparency over white."""
    with Image.open(BytesIO(png)) as image:
        picture = image.convert("RGBA")
    paper = Image.new("RGBA", picture.size, WHITE)
    paper.alpha_composite(picture)
    buffer = BytesIO()
    paper.convert("RGB").save(
        buffer, "webp", lossless=True, quality=25, method=1
    )  # more effort: 3 % for twice the time
    return Inline(f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}", *picture.size)
