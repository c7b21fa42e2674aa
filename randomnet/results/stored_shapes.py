"""The shapes of tensors in a file that torch saved, read without torch and without running any code of the file."""

import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

from randomnet.results.statuses import ResultsError

LARGEST = 10 * 2**20  # bytes of the list of tensors, without their values


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor of a state dictionary. Raises ResultsError for any other file."""
    expected = f"{path}: expected a dictionary of tensors as torch saves it"
    try:
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith("data.pkl"))
            if archive.getinfo(name).file_size > LARGEST:
                raise ResultsError(f"{expected}, got a list of more than {LARGEST} bytes")
            loaded = _Shapes(io.BytesIO(archive.read(name))).load()
        return {name: shape.sizes for name, shape in loaded.items() if isinstance(shape, _Shape)}
    except ResultsError:
        raise
    except Exception as error:  # a damaged file can raise nearly anything
        raise ResultsError(f"{expected}, got {type(error).__name__}") from None


class _Shape:
    """The shape of a tensor in place of the tensor."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self.sizes = sizes


def _rebuilt(storage: Any, offset: int, sizes: tuple[int, ...], *rest: Any) -> _Shape:
    return _Shape(tuple(sizes))


class _Shapes(pickle.Unpickler):
    """Admits tensors, as their shapes, and ordered dictionaries; refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a class that a state dictionary names. Raises ResultsError."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuilt
        if module in ("torch", "torch.storage") and name.endswith("Storage"):
            return object
        raise ResultsError(f"expected tensors, got {module}.{name}")

    def persistent_load(self, pid: Any) -> None:
        """The storage of a tensor, which is not read."""
