"""Recordings as files: .npz, or .h5 where h5py is installed, with the same keys.

Files of the Computation-Thru-Dynamics Benchmark, arrays of the Neural Latents Benchmark (`neural_latents`), and a
user's files with spikes alone, can be read too.

| key                        | array                                                                  |
|----------------------------|------------------------------------------------------------------------|
| train_encod_data           | (B, T, held in) spikes of held-in neurons; valid_, test_ likewise      |
| train_recon_data           | (B, T, N) of all neurons, held-in first                                |
| train_inputs, _true_inputs | (B, T, C) with and without noise                                       |
| train_activity             | (B, T, N) expected spikes per bin                                      |
| train_latents              | (B, T, D)                                                              |
| train_behavior, _forward   | (B, T, K), nan where unknown; (B, F, N) spikes of the bins after the trial |
| psth                       | (C, T, N) mean responses to the conditions of the test trials          |
| train_inds, _conds, _extra | (B,) numbers of trials, (B,) conditions, (B, E) times in bins          |
| readout, perm_neurons      | (D, N); (N,) the latent that each neuron reads                         |
| orig_mean, orig_std        | () or (N,) of what the neurons read                                    |
| n_heldin, about            | (); JSON                                                               |

Only the spikes of train and valid are required. Without a test split, valid is used in its place, with a note. The
benchmark's reader wants inputs and extra in every file. In a .h5 they are (B, T, 0) and (B, 0) where there are none,
which is read as none.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import numpy as np

from randomnet import results
from randomnet.extras import install_line
from randomnet.recordings.neural_latents import is_neural_latents, recording_arrays
from randomnet.recordings.record import SPLITS, Recording, Split
from randomnet.recordings.spikes import LARGE, SMALL

FILE_NAMES = {".npz": "recording.npz", ".h5": "recording.h5"}
SPLIT_KEYS = {  # field of a Split -> key after train_
    "inputs": "inputs",
    "true_inputs": "true_inputs",
    "rates": "activity",
    "latents": "latents",
    "inds": "inds",
    "conds": "conds",
    "extra": "extra",
    "behaviour": "behavior",
    "forward": "forward",
}
RECORDING_KEYS = {
    "readout": "readout",
    "mean": "orig_mean",
    "sd": "orig_std",
    "latent_index": "perm_neurons",
    "psth": "psth",
}
DTYPES = {  # of fields that are not float32; None: any
    "inds": np.int64,
    "conds": np.int64,
    "extra": None,
    "latent_index": np.int64,
    "mean": np.float64,
    "sd": np.float64,
}
WANTED = {"inputs": 3, "extra": 2}  # fields that the benchmark reads from every file -> their number of axes
HELD_IN, ALL, ABOUT, COUNT = "encod_data", "recon_data", "about", "n_heldin"
Arrays = dict[str, np.ndarray]


def write_recording(path: Path, recording: Recording) -> None:
    """Write a recording atomically, as .npz or .h5 by the name's ending; the same recording gives the same bytes.

    Raises ValueError for another ending, or for .h5 where h5py is not installed.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from randomnet.recordings import Recording, Split, write_recording
    >>> split = Split(np.ones((3, 4, 2), np.uint8), heldin=1, inds=np.arange(3))
    >>> with TemporaryDirectory() as folder:
    ...     write_recording(Path(folder, 'r.npz'), Recording({'train': split, 'valid': split}))
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['r.npz']
    """
    check_writable(path)
    WRITERS[path.suffix](path, _arrays_of(recording))


def check_writable(path: Path) -> None:
    """Raise ValueError where no file of this name can be written: another ending, or .h5 without h5py.

    >>> from pathlib import Path
    >>> from randomnet.recordings import check_writable
    >>> check_writable(Path('recording.npz'))
    >>> check_writable(Path('recording.txt'))
    Traceback (most recent call last):
    ValueError: recording.txt: expected a name that ends in .npz or .h5, got '.txt'
    """
    if path.suffix not in WRITERS:
        raise ValueError(f"{path}: expected a name that ends in {' or '.join(WRITERS)}, got {path.suffix!r}")
    if WRITERS[path.suffix] is _write_hdf5:
        _import_h5py("write")


def read_recording(path: Path) -> Recording:
    """The recording in a .npz or .h5 file; the content decides which. Raises ValueError, one line naming the file.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from randomnet.recordings import Recording, Split, read_recording, write_recording
    >>> split = Split(np.ones((3, 4, 2), np.uint8), heldin=1, inds=np.arange(3))
    >>> with TemporaryDirectory() as folder:
    ...     write_recording(Path(folder, 'r.npz'), Recording({'train': split, 'valid': split}))
    ...     recording = read_recording(Path(folder, 'r.npz'))
    >>> recording
    Recording: trials 3 train, 3 valid, 3 test; 4 bins, 1 of 2 neurons held in, 1 spikes per bin
    """
    try:
        return _recording_of(_arrays_in(path))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _arrays_in(path: Path) -> Arrays:
    try:
        with open(path, "rb") as file:
            head = file.read(4)
    except OSError as error:
        raise ValueError(f"expected a recording, got {error.strerror}") from None
    if head not in READERS:
        raise ValueError("expected a recording (.npz or .h5), got another kind of file")
    if READERS[head] is _read_hdf5:
        _import_h5py("read")
    try:
        return READERS[head](path)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"expected a whole recording, got {' '.join(str(error).split())}") from None


# ---- records and arrays


def _arrays_of(recording: Recording) -> Arrays:
    arrays: Arrays = {}
    for name, split in recording.splits.items():
        arrays[f"{name}_{HELD_IN}"], arrays[f"{name}_{ALL}"] = split.held_in, split.spikes
        optional = {f"{name}_{key}": getattr(split, field) for field, key in SPLIT_KEYS.items()}
        arrays |= {key: array for key, array in optional.items() if array is not None}
    shared = {key: getattr(recording, field) for field, key in RECORDING_KEYS.items()}
    arrays |= {key: np.asarray(array) for key, array in shared.items() if array is not None}
    return arrays | {COUNT: np.array(recording.heldin), ABOUT: np.array(json.dumps(dict(recording.metadata)))}


def _recording_of(arrays: Mapping[str, np.ndarray]) -> Recording:
    notes: tuple[str, ...] = ()
    if is_neural_latents(arrays):
        arrays, notes = recording_arrays(arrays)
    present = [name for name in SPLITS if {f"{name}_{ALL}", f"{name}_{HELD_IN}"} & set(arrays)]
    missing = [name for name in SPLITS[:2] if name not in present]
    if missing:
        expected = " and ".join(f"{name}_{ALL} or {name}_{HELD_IN}" for name in missing)
        raise ValueError(f"expected the arrays {expected}, got {', '.join(sorted(arrays)[:12]) or 'none'}")
    splits = {name: _split_of(arrays, name) for name in present}
    if "test" not in splits:
        splits["test"] = splits["valid"]
        notes = (*notes, "no test split: the validation split is used in its place")
    return Recording(
        splits,
        **{field: _typed(field, arrays[key]) for field, key in RECORDING_KEYS.items() if key in arrays},
        metadata=_parse_metadata(arrays[ABOUT]) if ABOUT in arrays else {},
        notes=notes,
    )


def _split_of(arrays: Mapping[str, np.ndarray], name: str) -> Split:
    held_in, all_neurons = (arrays.get(f"{name}_{key}") for key in (HELD_IN, ALL))
    source = f"{name}_{HELD_IN if all_neurons is None else ALL}"
    spikes = _counts(source, arrays[source])
    if held_in is not None and held_in.ndim != 3:
        raise ValueError(f"{name}_{HELD_IN}: expected (trials, time, neurons), got {held_in.shape}")
    heldin = _whole(arrays[COUNT]) if COUNT in arrays else (spikes if held_in is None else held_in).shape[-1]
    if held_in is not None and not np.array_equal(held_in, spikes[..., :heldin]):
        raise ValueError(f"{name}_{HELD_IN}: expected the first {heldin} neurons of {name}_{ALL} {spikes.shape}, got "
                         f"others {held_in.shape}")  # fmt: skip
    keys = {field: f"{name}_{key}" for field, key in SPLIT_KEYS.items()}
    known = {field: _typed(field, arrays[key]) for field, key in keys.items() if key in arrays}
    known = {field: array for field, array in known.items() if field not in WANTED or array.shape[-1:] != (0,)}
    return Split(spikes, heldin, **{"inds": np.arange(len(spikes)), **known})


def _whole(number: np.ndarray) -> int:
    """The number of held-in neurons. Raises ValueError where it is not one whole number."""
    if number.size != 1 or number.dtype.kind not in "uif":
        raise ValueError(f"{COUNT}: expected one whole number, got {number.shape} {number.dtype}")
    if not np.isfinite(number).all() or number.item() != int(number.item()):
        raise ValueError(f"{COUNT}: expected one whole number, got {number.item()}")
    return int(number.item())


def _counts(key: str, values: np.ndarray) -> np.ndarray:
    """Spikes as uint8 or uint16. Raises ValueError where they are not counts."""
    if values.ndim != 3 or values.dtype.kind not in "buif" or not values.size:
        raise ValueError(f"{key}: expected spike counts (trials, time, neurons), got {values.shape} {values.dtype}")
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= LARGE.max) or (values.dtype.kind == "f" and (values != np.floor(values)).any()):
        raise ValueError(f"{key}: expected whole numbers from 0 to {LARGE.max}, got values from {low:g} to {high:g}")
    return values.astype(np.uint8 if high <= SMALL.max else np.uint16)


def _typed(field: str, values: np.ndarray) -> np.ndarray:
    if field == "forward":
        return _counts(field, values)
    if values.dtype.kind not in "buif":
        raise ValueError(f"{field}: expected numbers, got {values.dtype}")
    if field in ("mean", "sd"):  # the benchmark stores (1, 1, 1), or (1, 1, N)
        values = values.reshape(()) if values.size == 1 else values.reshape(-1)
    dtype = DTYPES.get(field, np.float32)
    if dtype is None:
        return values
    with np.errstate(over="ignore", invalid="ignore"):
        typed: np.ndarray = values.astype(dtype, copy=False)
    if np.isinf(typed).any() and not np.isinf(values).any():
        raise ValueError(f"{field}: expected numbers that 32 bits can hold, got {np.abs(values).max():g}")
    return typed


def _parse_metadata(text: np.ndarray) -> dict:
    try:
        values = json.loads(str(text))
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise ValueError(f"{ABOUT}: expected a JSON object, got {str(text)[:60]!r}")
    return values


# ---- HDF5


def _import_h5py(purpose: str) -> ModuleType:
    try:
        import h5py
    except ImportError:
        advice = install_line("recordings")
        raise ValueError(f"expected h5py to {purpose} HDF5, got none installed: {advice}") from None
    return h5py


def _read_hdf5(path: Path) -> Arrays:
    h5py = _import_h5py("read")
    with h5py.File(path, "r") as file:
        texts = {ABOUT: np.array(file[ABOUT].asstr()[()])} if ABOUT in file else {}
        items = dict(file.items())
        (first, *others) = items.values() or (None,)
        if not others and isinstance(first, h5py.Group):  # one data set of several in one file
            items = dict(first.items())
        numbers = {key: item[()] for key, item in items.items() if isinstance(item, h5py.Dataset) and key != ABOUT}
    return {key: np.asarray(item) for key, item in numbers.items()} | texts


def _write_hdf5(path: Path, arrays: Arrays) -> None:
    h5py, buffer = _import_h5py("write"), io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for key, array in (arrays | _wanted_arrays(arrays)).items():
            if array.ndim and array.size:
                file.create_dataset(key, data=array, compression="gzip", shuffle=True)
            else:  # one value, or none, which cannot be compressed
                file.create_dataset(key, data=str(array) if array.dtype.kind == "U" else array)
    results.write_bytes(path, buffer.getvalue())


def _wanted_arrays(arrays: Arrays) -> Arrays:
    """The inputs and extra of each split that are missing, without any channel or time."""
    keys = {f"{name}_{SPLIT_KEYS[field]}": (name, axes) for name in SPLITS for field, axes in WANTED.items()}
    return {key: np.zeros((*arrays[f"{name}_{ALL}"].shape[: axes - 1], 0), np.float32)
            for key, (name, axes) in keys.items() if key not in arrays and f"{name}_{ALL}" in arrays}  # fmt: skip


READERS: dict[bytes, Callable[[Path], Arrays]] = {b"PK\x03\x04": results.read_arrays, b"\x89HDF": _read_hdf5}
WRITERS: dict[str, Callable[[Path, Arrays], None]] = {".npz": results.write_arrays, ".h5": _write_hdf5}
