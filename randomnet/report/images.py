"""Figures as pictures that are embedded in a page.

Picture    one picture as a data URI with its size
embedded   as many pictures as fit into a number of bytes
"""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

PIXELS = 200  # of an embedded picture per inch of the figure, for which a page takes PER_INCH
PER_INCH = 120
SMALLEST = 4000  # bytes of a picture
WIDEST = 2400  # pixels
COLOURS = 128  # of a palette, which makes pictures a third as large
PREFERRED = (".png", ".svg")  # formats that browsers show, the better one first


class Picture(NamedTuple):
    """One picture: name of the figure, data URI, and width and height in a page's pixels (0 where unknown)."""

    stem: str
    uri: str
    width: int
    height: int


def pictures_of(paths: Sequence[Path]) -> list[Path]:
    """One file for each figure, of the format that suits a page best; figures in other formats alone are left out."""
    chosen: dict[Path, Path] = {}
    for suffix in PREFERRED:
        for path in paths:
            if path.suffix == suffix:
                chosen.setdefault(path.with_suffix(""), path)
    order = list(dict.fromkeys(path.with_suffix("") for path in paths))
    return [chosen[key] for key in order if key in chosen]


def embedded(paths: Sequence[Path], budget: int) -> tuple[list[Picture], list[Path]]:
    """The pictures that together have at most this many bytes in a page, and the files that did not fit."""
    pictures: list[Picture] = []
    left: list[Path] = []
    for path in paths:
        if budget < SMALLEST:
            left.append(path)
            continue
        picture = _picture(path)
        if len(picture.uri) <= budget:
            budget -= len(picture.uri)
            pictures.append(picture)
        else:
            left.append(path)
    return pictures, left


def _picture(path: Path) -> Picture:
    if path.suffix == ".svg":
        return Picture(path.stem, _uri("image/svg+xml", path.read_bytes()), 0, 0)
    data, width, height = reduced(path.read_bytes())
    return Picture(path.stem, _uri("image/png", data), width, height)


def reduced(png: bytes) -> tuple[bytes, int, int]:
    """A PNG of at most PIXELS per inch and COLOURS colours, with the width and height at which a page shows it."""
    from PIL import Image  # a requirement of matplotlib; imported here, as only reports need it

    with Image.open(io.BytesIO(png)) as image:
        per_inch = float(image.info.get("dpi", (PIXELS, PIXELS))[0]) or PIXELS
        picture = image.convert("RGB")
    width, height = (round(length * PER_INCH / per_inch) for length in picture.size)
    scale = min(1.0, PIXELS / per_inch, WIDEST / picture.width)
    size = [max(1, round(length * scale)) for length in picture.size]
    picture = picture.resize((size[0], size[1]), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    palette = picture.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette.save(buffer, format="PNG")
    return buffer.getvalue(), max(1, width), max(1, height)


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
