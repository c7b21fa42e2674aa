"""Compressed files: gzip, bzip2, xz, zstd and a zip of one file, also inside one another, known by their first bytes.

Every stream can be rewound. A file that is cut or damaged, be it in its last bytes, raises an error in DAMAGED when it
is read to its end.
"""

import bz2
import gzip
import io
import lzma
import sys
import tarfile
import zipfile
import zlib
from typing import IO, Any, cast

from randomnet.extras import install_line
from randomnet.formats.files import FormatError, one_line

DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile)
GZIP, BZIP2, XZ, ZSTD, ZIP = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
DEPTH = 4  # of compression inside compression
LONGEST = max(map(len, (GZIP, BZIP2, XZ, ZSTD, ZIP)))
SKIPPED = ("__MACOSX/", ".DS_Store")  # what macOS adds to an archive
BLOCK = 1 << 20


def decompressed(file: IO[bytes], source: object) -> IO[bytes]:
    """The bytes below all layers of compression. Raises FormatError for more than DEPTH layers, or without zstd."""
    for _ in range(DEPTH):
        inner = _layer(file, source)
        if inner is None:
            return file
        file = inner
    if _layer(file, source) is None:
        return file
    raise FormatError(f"{source}: expected at most {DEPTH} layers of compression, got more: decompress it")


def files_in_zip(file: IO[bytes]) -> list[str]:
    """The names of the files in a zip archive, without folders and what macOS adds; the file is rewound."""
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
    file.seek(0)
    return [name for name in names if not name.endswith("/") and not any(part in name for part in SKIPPED)]


def kind_of_zip(file: IO[bytes]) -> str:
    """npz, xlsx, ods, pt (of PyTorch), or zip, by the names of the files in it; the file is rewound."""
    try:
        names = files_in_zip(file)
    except zipfile.BadZipFile:  # NumPy tells what is wrong with its own
        file.seek(0)
        if b".npy" not in file.read(BLOCK):
            raise
        names = [".npy"]
    file.seek(0)
    marks = {"[Content_Types].xml": "xlsx", "content.xml": "ods", "data.pkl": "pt"}
    kinds = [marks[name.rpartition("/")[2]] for name in names if name.rpartition("/")[2] in marks]
    return "npz" if any(name.endswith(".npy") for name in names) else (kinds or ["zip"])[0]


def damaged(source: object, error: Exception) -> FormatError:
    """The error for a file that cannot be read, or whose compressed content is cut or damaged."""
    if isinstance(error, OSError) and error.errno is not None:
        return FormatError(f"{source}: expected a file that can be read, got {one_line(error)}")
    actual = f"one that is damaged or cut off ({one_line(error)[:200]})"
    return FormatError(f"{source}: expected a whole compressed file, got {actual}")


def read_to_end(file: IO[bytes]) -> None:
    """Read the rest of a stream, so that its checksum is compared."""
    while file.read(BLOCK):
        pass


def _layer(file: IO[bytes], source: object) -> IO[bytes] | None:
    """The stream below one layer of compression; None for other content."""
    start = file.read(LONGEST)
    file.seek(0)
    if start.startswith(GZIP):
        return cast("IO[bytes]", gzip.open(file))
    if start.startswith(BZIP2):
        return cast("IO[bytes]", bz2.open(file))
    if start.startswith(XZ):
        return cast("IO[bytes]", lzma.open(file))
    if start.startswith(ZSTD):
        return _zstd(file, source)
    return _only_file(file, source) if start.startswith(ZIP) else None


def _only_file(file: IO[bytes], source: object) -> IO[bytes] | None:
    """The only file of a zip archive; None for archives of arrays, of several files, and other kinds of zip."""
    if kind_of_zip(file) != "zip" or len(names := files_in_zip(file)) != 1:
        return None
    try:
        return zipfile.ZipFile(file).open(names[0])
    except (RuntimeError, NotImplementedError) as error:  # a password, or a method that Python lacks
        raise FormatError(f"{source}: expected a zip archive that opens, got {one_line(error)}: unpack it") from None


def _zstd(file: IO[bytes], source: object) -> IO[bytes]:
    if sys.version_info >= (3, 14):
        from compression import zstd

        return cast("IO[bytes]", zstd.open(file))
    try:
        return cast("IO[bytes]", io.BufferedReader(_Zstd(file), BLOCK))
    except ImportError:
        advice = install_line("formats")
        raise FormatError(f"{source}: expected pyarrow to read zstd, got none installed: {advice}") from None


class _Borrowed:
    """The part of a file that pyarrow reads, which stays open when pyarrow closes it."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell

    def close(self) -> None:
        """Leave the file open."""


class _Zstd(io.RawIOBase):
    """A stream of zstd, decompressed by pyarrow, that can be rewound. Raises ImportError without pyarrow."""

    def __init__(self, file: IO[bytes]) -> None:
        import pyarrow

        self._file, self._place, self._open = _Borrowed(file), 0, pyarrow.CompressedInputStream
        self._stream: Any = self._open(self._file, "zstd")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        target = offset + (self._place if whence == io.SEEK_CUR else 0)
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the end of a compressed stream is not known")
        if target < self._place:
            self._file.seek(0)
            self._stream, self._place = self._open(self._file, "zstd"), 0
        while self._place < target and (data := self._stream.read(min(BLOCK, target - self._place))):
            self._place += len(data)
        return self._place

    def tell(self) -> int:
        return self._place
