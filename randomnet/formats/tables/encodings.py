"""Encodings of texts: UTF-8, UTF-16 and UTF-32, by their first bytes, read as UTF-8."""

import codecs
import io
from typing import IO

BOMS = {  # longer ones first, as that of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
START = 64  # bytes that tell UTF-16 without a mark


def encoding_of(start: bytes) -> str:
    """The encoding by the first bytes of a file: by its mark, or without one by the zeros of ASCII in UTF-16."""
    for mark, encoding in BOMS.items():
        if start.startswith(mark):
            return encoding
    even, odd = start[:START:2], start[1:START:2]
    if len(start) < 4:
        return "utf-8"
    if b"\0" not in even and not any(odd):
        return "utf-16-le"
    return "utf-16-be" if b"\0" not in odd and not any(even) else "utf-8"


def in_utf8(file: IO[bytes], encoding: str) -> IO[bytes]:
    """The bytes of a text in UTF-8."""
    return file if encoding == "utf-8" else io.BufferedReader(_Recoded(file, encoding))


class _Recoded(io.RawIOBase):
    """A text in another encoding as bytes of UTF-8. Reading raises UnicodeDecodeError for wrong bytes."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        self._file, self._rest = file, b""
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        while not self._rest:
            block = self._file.read(len(buffer))
            self._rest = self._decoder.decode(block, final=not block).encode()
            if not block:
                break
        data, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)
