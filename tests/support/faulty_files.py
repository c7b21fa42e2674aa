"""A layer under all writing to files that fails at a chosen operation, as a full or broken disk does."""

import builtins
import contextlib
import errno
import io
import os

NAMES = ("replace", "rename", "fsync", "mkdir", "unlink", "open")  # of os; `unlink` frees space, and fails only by EIO
FREEING = ("unlink",)


class Faults:
    """Counts the operations that write, and raises an OSError at number `at` (from 1), or from then on if `lasting`.

    short: a write writes its first half before it fails.
    """

    def __init__(self, number=0, at=0, lasting=False, short=False):
        self.number, self.at, self.lasting, self.short = number, at, lasting, short
        self.count, self.names = 0, []

    def meets(self, name):
        """Count an operation; whether it fails."""
        if self.lasting and name in FREEING:
            return False
        self.count += 1
        self.names.append(name)
        return bool(self.at) and (self.count == self.at or (self.lasting and self.count > self.at))

    def error(self, path=None):
        """The error of a failing operation."""
        return OSError(self.number, os.strerror(self.number), *((str(path),) if path is not None else ()))


class _File:
    """A file whose writes may fail; everything else is that of the file."""

    def __init__(self, file, faults):
        self._file, self._faults = file, faults

    def write(self, data):
        if self._faults.meets("write"):
            if self._faults.short:
                self._file.write(data[: len(data) // 2])
            raise self._faults.error()
        return self._file.write(data)

    def __enter__(self):
        self._file.__enter__()
        return self

    def __exit__(self, *error):
        return self._file.__exit__(*error)

    def __iter__(self):
        return iter(self._file)

    def __getattr__(self, name):
        return getattr(self._file, name)


@contextlib.contextmanager
def faulty(folder, faults):
    """Put the faults under all writing into a folder, and under all fsync."""
    folder = os.path.realpath(folder)
    real = {name: getattr(os, name) for name in NAMES}
    opened = io.open

    def is_within(path):
        return isinstance(path, (str, os.PathLike)) and os.path.realpath(path).startswith(folder + os.sep)

    def counted(name):
        def call(path, *arguments, **options):
            writes = name != "open" or bool(arguments and arguments[0] & os.O_CREAT)
            if writes and (name == "fsync" or is_within(path)) and faults.meets(name):
                raise faults.error(path if name != "fsync" else None)
            return real[name](path, *arguments, **options)

        return call

    def open_(file, mode="r", *arguments, **options):
        if not set(mode) & set("wax+") or not is_within(file):
            return opened(file, mode, *arguments, **options)
        if faults.meets("open"):
            raise faults.error(file)
        return _File(opened(file, mode, *arguments, **options), faults)

    try:
        for name in NAMES:
            setattr(os, name, counted(name))
        builtins.open = io.open = open_
        yield faults
    finally:
        for name, function in real.items():
            setattr(os, name, function)
        builtins.open = io.open = opened


KINDS_OF_FAULT = {  # name -> how Faults is made, beside the number of the operation
    "a full disk": {"number": errno.ENOSPC, "lasting": True},
    "a disk that fills within a file": {"number": errno.ENOSPC, "short": True},
    "an error of the device": {"number": errno.EIO},
    "no permission": {"number": errno.EACCES},
}
