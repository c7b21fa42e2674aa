"""Samples of a simulated run, kept in memory or written to files of the run's folder, and their means.

    pieces       divides the windows of a record
    RunSamples   collects one run's samples piece by piece
    memory_of    the bytes that a run needs, in memory and on disk

A file has its final name once it is complete. Means are computed of one piece at a time. The pieces are the same
wherever samples are kept, so that all bits are equal.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from randomnet import results
from randomnet.build.initial_rates import initial_plane, masked_initial_rates, trajectory_count
from randomnet.build.populations import PopulationView, bump_neurons
from randomnet.build.pretrained import trained_readout
from randomnet.bump import bump

PIECE = 16e6  # bytes of all samples of a piece
COPIES = 6  # of a piece, while its means are computed


def pieces(windows: int, bytes_each: float) -> Iterator[slice]:
    """Yield the windows in pieces of at most PIECE bytes; bytes_each: of a window."""
    step = max(1, int(PIECE / max(bytes_each, 1)))
    return (slice(first, min(first + step, windows)) for first in range(0, windows, step))


class Memory(NamedTuple):
    """Bytes in memory and on disk."""

    memory: float
    disk: float


def memory_of(view: PopulationView, windows: float, record: float) -> Memory:
    """Return the bytes of a run whose samples in `windows` windows are a record of `record` bytes."""
    if view.run.config.simulation.samples == "memory":
        return Memory(record, 0.0)
    series = 2 * len(view.names) + 5  # means and deviations, the bump, overlaps with the plane
    means = 8 * windows * trajectory_count(view.run.config) * series
    return Memory(means + COPIES * max(PIECE, record / windows), record)


class _MemorySamples:
    """Samples (trajectories, W, neurons) in memory."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.values = np.empty(shape, dtype)

    def put(self, windows: slice, values: np.ndarray) -> None:
        self.values[:, windows] = values


class _FileSamples:
    """Samples (trajectories, W, neurons) in a .npy file, under a temporary name until it is complete.

    The file is written, not mapped: a full disk is then an error, and written pages leave the process's memory.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.path, self.shape, self.dtype = path, shape, dtype
        self.temporary = results.temporary_path(path)
        with open(self.temporary, "wb") as file:
            header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            self.begin = file.tell()

    def put(self, windows: slice, values: np.ndarray) -> None:
        _, all_windows, neurons = self.shape
        with open(self.temporary, "r+b") as file:
            for trajectory, rows in enumerate(values):
                file.seek(self.begin + self.dtype.itemsize * neurons * (trajectory * all_windows + windows.start))
                file.write(np.ascontiguousarray(rows).data)

    def finish(self) -> None:
        with open(self.temporary, "r+b") as file:
            os.fsync(file.fileno())
        results.replace_file(self.temporary, self.path)

    def discard(self) -> None:
        self.temporary.unlink(missing_ok=True)


class RunSamples:
    """Samples of one run, added piece by piece, and their means.

    finite: whether all samples so far are numbers.
    """

    def __init__(self, view: PopulationView, windows: int, folder: Path) -> None:
        self.view, self.windows, self.finite = view, windows, True
        self.folder = folder if view.run.config.simulation.samples == "disk" else None
        self.samples: dict[str, _MemorySamples | _FileSamples] = {}
        self.series: dict[str, np.ndarray] = {}
        self.total, self.count = 0.0, 0
        self.bump_neurons, self.plane = bump_neurons(view), initial_plane(view)
        self.readout = trained_readout(view.run)
        for stale in folder.glob("*.npy"):  # of an earlier start that was killed
            stale.unlink()

    def add(self, windows: slice, rates: np.ndarray, variables: Mapping[str, np.ndarray], finite: bool) -> None:
        """Add the samples (trajectories, windows, neurons) of some windows; finite: whether all are numbers."""
        self.finite = self.finite and finite
        if not self.finite:
            return
        kept = {f"kept_{name}": values for name, values in variables.items()}
        for name, values in {"rates": rates, **kept}.items():
            self._store(name, values).put(windows, values)
        for name, series in self._means(rates).items():
            if name not in self.series:  # allocated whole, as small arrays would fragment the memory of the next pieces
                self.series[name] = np.empty((*series.shape[:-1], self.windows), series.dtype)
            self.series[name][..., windows] = series
        self.total, self.count = self.total + float(rates.sum(dtype=np.float64)), self.count + rates.size

    def _store(self, name: str, like: np.ndarray) -> _MemorySamples | _FileSamples:
        if name not in self.samples:
            shape = (len(like), self.windows, like.shape[2])
            path = self.folder and self.folder / f"{name}.npy"
            self.samples[name] = _FileSamples(path, shape, like.dtype) if path else _MemorySamples(shape, like.dtype)
        return self.samples[name]

    def _means(self, rates: np.ndarray) -> dict[str, np.ndarray]:
        """Return means, deviations, bump and overlaps of some windows; windows are the last axis of all arrays."""
        view = self.view
        populations = [rates[..., view.index == number] for number in range(len(view.names))]
        series = {
            "rates_mean": np.stack([population.mean(-1) for population in populations]),
            "rates_sd": np.stack([population.std(-1) for population in populations]),
        }
        if self.bump_neurons is not None:
            units, angles = self.bump_neurons
            decoded = bump(rates[..., units].astype(np.float64), angles)
            series |= {f"bump_{name}": values for name, values in decoded._asdict().items()}
        if self.plane is not None:
            series["plane_overlaps"] = np.moveaxis(self.plane.overlaps(rates), -1, 1)
        if self.readout is not None:
            weights, bias = self.readout
            series["readout"] = np.moveaxis(rates.astype(np.float64) @ weights.T + bias, -1, 1)
        return series

    @property
    def rate(self) -> float:
        """The mean of all rates."""
        return self.total / self.count

    def finish(self) -> dict[str, np.ndarray]:
        """Complete the files; return the arrays that are written beside them.

        These are means and deviations (P, trajectories, W) over the neurons of each population, the bump (trajectories,
        W), overlaps with a plane (trajectories, W, 2), the readout of a trained network (trajectories, W, outputs), and
        samples in memory (trajectories, W, neurons).
        """
        arrays = dict(self.series)
        if self.plane is not None:
            arrays["plane_overlaps"] = np.moveaxis(arrays["plane_overlaps"], 1, -1)
            arrays |= {"plane": np.array(self.plane.names), "initial_plane": self.plane.coordinates,
                       "initial_overlaps": self.plane.overlaps(masked_initial_rates(self.view))}  # fmt: skip
        if self.readout is not None:
            arrays["readout"] = np.moveaxis(arrays["readout"], 1, -1)
        for name, samples in self.samples.items():
            if isinstance(samples, _MemorySamples):
                arrays[name] = samples.values
            else:
                samples.finish()
        return arrays

    def discard(self) -> None:
        """Remove files that are not complete."""
        for samples in self.samples.values():
            if isinstance(samples, _FileSamples):
                samples.discard()
