"""The `Images` record, its readers (latents, MNIST), and the made-up images that stand in where no file is named."""

import gzip
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.display import Brief

LATENT_CHANNELS = 50
SIDE = 28  # pixels of an MNIST image
STAND_IN_SEED = 20210608  # the stand-ins are one fixed data set each, as a file would be

# the latents of the predecessor, which the stand-in resembles
PUBLISHED_ZEROS = 0.447
PUBLISHED_LARGEST = 21.3
WITHIN_CLASS = 0.4  # share of the variance, before rectification, that images of one class do not have in common

# segments of a digit on a seven-segment display, as (rows, columns) of the 28 x 28 image
_TOP, _MIDDLE, _BOTTOM, _LEFT, _RIGHT = slice(4, 7), slice(12, 15), slice(21, 24), slice(8, 11), slice(17, 20)
_UPPER, _LOWER, _ACROSS = slice(4, 15), slice(12, 24), slice(8, 20)
SEGMENTS = {
    "a": (_TOP, _ACROSS),
    "b": (_UPPER, _RIGHT),
    "c": (_LOWER, _RIGHT),
    "d": (_BOTTOM, _ACROSS),
    "e": (_LOWER, _LEFT),
    "f": (_UPPER, _LEFT),
    "g": (_MIDDLE, _ACROSS),
}
DIGITS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")
JITTER = 3  # pixels by which a glyph is shifted at most; its margins are wider


@dataclass(frozen=True, eq=False, repr=False)
class Images(Brief):
    """Images as vectors with a class each.

    vectors: (count, channels) float32, finite. labels: (count,) int64.
    source: the file with its sha256, or what made them. synthetic: whether they are made up.
    Raises ValueError naming both shapes where they do not fit.
    """

    vectors: np.ndarray
    labels: np.ndarray
    source: str
    synthetic: bool

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or not len(self.vectors) or self.labels.shape != self.vectors.shape[:1]:
            raise ValueError(
                "expected vectors of shape (count, channels) and labels of shape (count,), "
                f"got {self.vectors.shape} and {self.labels.shape}"
            )
        if self.vectors.dtype != np.float32 or self.labels.dtype != np.int64:
            raise ValueError(f"expected float32 and int64, got {self.vectors.dtype} and {self.labels.dtype}")
        if not np.isfinite(self.vectors).all():
            raise ValueError("expected finite vectors, got NaN or infinity (in float32)")


# ---- latents


def read_latents(path: Path) -> Images:
    """Latents and their labels: an .npz with `latents` (count, channels) and `labels` (count,), or a .pt holding a
    dictionary with these keys or the pair (latents, labels).

    Neither can run code: allow_pickle=False and weights_only=True. Raises ValueError naming the file.
    """
    readers = {".npz": _npz, ".pt": _pt}
    path = Path(path)
    if path.suffix not in readers:
        raise ValueError(f"{path}: expected a file of latents ending in .npz or .pt, got {path.name!r}")
    latents, labels = readers[path.suffix](path)
    if latents.dtype.kind not in "uifb" or labels.dtype.kind not in "uifb":
        raise ValueError(f"{path}: expected numbers, got latents of {latents.dtype} and labels of {labels.dtype}")
    with np.errstate(invalid="ignore", over="ignore"):
        vectors, whole = latents.astype(np.float32), labels.astype(np.int64)
    if (whole != labels).any():
        raise ValueError(f"{path}: expected labels as whole numbers, got {labels[whole != labels][0]}")
    try:
        return Images(vectors, whole, _sourced(path), synthetic=False)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _npz(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            content = {key: archive[key] for key in archive.files}
    except Exception as error:  # a damaged archive can raise nearly anything
        raise ValueError(
            f"{path}: expected an .npz of plain arrays `latents` and `labels`, got {_one_line(error)}"
        ) from None
    return _latents_and_labels(content, path)


def _pt(path: Path) -> tuple[np.ndarray, np.ndarray]:
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or a refused pickle can raise nearly anything
        raise ValueError(
            f"{path}: expected a .pt of plain tensors `latents` and `labels` (anything that could run code is "
            f"refused), got {type(error).__name__}"
        ) from None
    return _latents_and_labels(content, path)


def _latents_and_labels(content: Any, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The two arrays out of a dictionary or a pair."""
    if isinstance(content, tuple | list) and len(content) == 2:
        content = dict(zip(("latents", "labels"), content, strict=True))
    if not isinstance(content, Mapping) or not {"latents", "labels"} <= set(content):
        came = ", ".join(map(str, content)) if isinstance(content, Mapping) else type(content).__name__
        raise ValueError(f"{path}: expected `latents` and `labels`, got {came or 'nothing'}")
    try:
        return np.asarray(content["latents"]), np.asarray(content["labels"])
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{path}: expected `latents` and `labels` as arrays, got {_one_line(error)}") from None


# ---- MNIST


def read_mnist(folder: Path) -> Images:
    """MNIST from its standard files in `folder`, plain or .gz: t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, or
    else the pair train-...; pixels / 255, (count, 784). Raises ValueError naming the file."""
    images_path, labels_path = _mnist_pair(Path(folder))
    pixels = _read_idx(images_path, dimensions=3)
    labels = _read_idx(labels_path, dimensions=1)
    if pixels.shape[1:] != (SIDE, SIDE):
        raise ValueError(f"{images_path}: expected images of {SIDE} x {SIDE} pixels, got {pixels.shape[1:]}")
    if len(pixels) != len(labels) or not len(labels):
        raise ValueError(
            f"{labels_path}: expected one label for each of the images, got {len(labels)} for {len(pixels)}"
        )
    vectors = pixels.reshape(len(pixels), -1) / np.float32(255)
    return Images(vectors, labels.astype(np.int64), _sourced(images_path), synthetic=False)


def _mnist_pair(folder: Path) -> tuple[Path, Path]:
    """The first of the two sets of which both files are there."""
    for prefix in ("t10k", "train"):
        names = (f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte")
        images, labels = (_plain_or_packed(folder / name) for name in names)
        if images and labels:
            return images, labels
    raise ValueError(
        f"{folder}: expected t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (or train-...; plain or .gz), "
        "which are not there"
    )


def _plain_or_packed(path: Path) -> Path | None:
    return next((each for each in (path, path.with_name(f"{path.name}.gz")) if each.is_file()), None)


def _read_idx(path: Path, dimensions: int) -> np.ndarray:
    """The bytes of an idx file: 0, 0, 8 (unsigned bytes), the number of dimensions, each size, then the data."""
    data = _bytes(path)
    head = 4 + 4 * dimensions
    magic = bytes([0, 0, 8, dimensions])
    if data[:4] != magic:
        came = data[:4].hex() or "nothing"
        raise ValueError(f"{path}: expected an idx file that begins with {magic.hex()}, got {came}")
    if len(data) < head:
        raise ValueError(f"{path}: expected a header of {head} bytes, got {len(data)}")
    shape = tuple(int.from_bytes(data[start : start + 4], "big") for start in range(4, head, 4))
    if len(data) - head != math.prod(shape):
        raise ValueError(
            f"{path}: expected {math.prod(shape)} bytes of data for the sizes {shape}, got {len(data) - head}"
        )
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)


def _bytes(path: Path) -> bytes:
    """The file's bytes, unpacked where they are packed, whatever the name says (browsers unpack and keep the name)."""
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except Exception as error:  # OSError, EOFError, BadGzipFile, zlib.error
        raise ValueError(f"{path}: expected a readable file, whole if packed, got {_one_line(error)}") from None


def _sourced(path: Path) -> str:
    return f"{path} (sha256 {hashlib.sha256(path.read_bytes()).hexdigest()})"


def _one_line(what: object) -> str:
    return " ".join(str(what).split())


# ---- stand-ins


def synthetic_latents(rng: np.random.Generator, *, per_class: int = 1000, classes: int = 10) -> Images:
    """Made-up latents, (classes * per_class, 50): rectified Gaussian clusters with the published share of zeros
    (44.7 %) and largest value (21.3)."""
    labels = np.repeat(np.arange(classes, dtype=np.int64), per_class)
    centres = rng.standard_normal((classes, LATENT_CHANNELS), dtype=np.float32)
    own = rng.standard_normal((len(labels), LATENT_CHANNELS), dtype=np.float32)
    latents = centres[labels] * math.sqrt(1 - WITHIN_CLASS) + own * math.sqrt(WITHIN_CLASS)
    latents = np.maximum(latents - float(np.quantile(latents, PUBLISHED_ZEROS)), 0)
    latents *= PUBLISHED_LARGEST / latents.max()
    return Images(latents, labels, "synthetic latents", synthetic=True)


def synthetic_glyphs(rng: np.random.Generator, *, per_class: int = 200) -> Images:
    """Made-up digits, (10 * per_class, 784) in [0, 1]: seven-segment glyphs of 28 x 28 pixels, shifted by up to 3
    pixels either way, of contrast 0.7 to 1, with noise of standard deviation 0.1."""
    labels = np.repeat(np.arange(len(DIGITS), dtype=np.int64), per_class)
    shifts = rng.integers(-JITTER, JITTER + 1, (2, len(labels), 1))
    rows, columns = (np.arange(SIDE) - shifts) % SIDE  # the margin is wider than the shift: nothing wraps around
    glyphs = _glyphs()[labels[:, None, None], rows[:, :, None], columns[:, None, :]]
    glyphs *= rng.uniform(0.7, 1, (len(labels), 1, 1)).astype(np.float32)
    glyphs += 0.1 * rng.standard_normal(glyphs.shape, dtype=np.float32)
    return Images(glyphs.clip(0, 1).reshape(len(labels), -1), labels, "synthetic glyphs", synthetic=True)


def _glyphs() -> np.ndarray:
    """The ten clean glyphs, (10, 28, 28) float32."""
    glyphs = np.zeros((len(DIGITS), SIDE, SIDE), np.float32)
    for glyph, digit in zip(glyphs, DIGITS, strict=True):
        for segment in digit:
            glyph[SEGMENTS[segment]] = 1
    return glyphs
