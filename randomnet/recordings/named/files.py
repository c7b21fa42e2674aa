"""A user's recording of named neurons, from .npz, HDF5, NWB and CSV files.

| file       | activity                                              | names                 | times                  |
|------------|-------------------------------------------------------|-----------------------|------------------------|
| CSV, TSV   | a column for each neuron, empty cells are unknown     | the header            | a column time; trial   |
| CSV, TSV   | spikes: columns neuron and time, a row for each spike | the column neuron     |                        |
| .npz, HDF5 | (T, N), (N, T) or (trials, T, N), by the keys of KEYS | names, neurons, ids   | time (T,), dt, or rate |
| .npz, HDF5 | spike_times, spike_times_index (end of each neuron)   | the same              | trials (B, 2)          |
| NWB        | RoiResponseSeries, TimeSeries, or units, see `nwb`    | a column of its table | seconds; trials        |

The content decides the format, not the name. A path may go on inside an HDF5 file, to the group or data set to use:
worm.nwb/processing/ophys/DfOverF.
"""

import zipfile
from pathlib import Path

import numpy as np

from randomnet import results
from randomnet.memory import machine_memory
from randomnet.recordings.named.arrays import of_arrays
from randomnet.recordings.named.hdf5 import MARK, arrays_in_hdf5, is_nwb, parts_of_path
from randomnet.recordings.named.nwb import read_nwb
from randomnet.recordings.named.record import NeuralActivity
from randomnet.recordings.named.tables import of_table

ZIP = b"PK\x03\x04"


def read_activity(path: str | Path, bin_width: float = 0.0) -> NeuralActivity:
    """The activity in a file. Raises ValueError, one line naming the file.

    bin_width: of spike times, in the file's unit of time; 0 where the file has no spike times, or a dt for them.

    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from randomnet.recordings import read_activity
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/a.npz", rates=np.ones((2, 3)), time=[0, .5], names=["AVAL", "AVAR", "AVBL"])
    ...     read_activity(f"{folder}/a.npz")
    NeuralActivity: rates of 3 neurons, 1 trial of 2 samples, 0.5 apart
    """
    file, inside = parts_of_path(Path(path))
    try:
        try:
            with open(file, "rb") as opened:
                head = opened.read(len(MARK))
        except OSError as error:
            raise ValueError(f"expected a recording, got {error.strerror}") from None
        if head == MARK and is_nwb(file):
            return read_nwb(file, inside, bin_width)
        if head == MARK:
            return of_arrays(arrays_in_hdf5(file, inside), bin_width)
        if inside:
            raise ValueError(f"expected an HDF5 file, as {inside} is a place in it, got another kind of file")
        return of_arrays(_arrays_in_npz(file), bin_width) if head[:4] == ZIP else of_table(file, bin_width)
    except (ValueError, OSError, EOFError, MemoryError, OverflowError, RuntimeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{file}: {' '.join(str(error).removeprefix(f'{file}: ').split())[:300]}") from None


def _arrays_in_npz(path: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as file:
        size = sum(member.file_size for member in file.infolist())
    if size > machine_memory() / 4:
        raise ValueError(f"expected a recording that fits into memory, got {size / 1e9:.0f} GB")
    return {key.lower(): array for key, array in results.read_arrays(path).items()}
