"""Samples of a simulated run as they come: kept in memory or written to files of the run's folder; their means.

    pieces    how the windows of a record are divided
    Sampled   what is known of one run's samples, piece by piece
    room      bytes that it needs, in memory and on disk

A file appears under its name once it is whole. Whatever is computed of samples is computed of one piece at a time, the
same pieces wherever they are kept, so that this makes no difference to any bit.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from randomnet import results
from randomnet.build import populations
from randomnet.build.populations import Populace
from randomnet.bump import bump

PIECE = 16e6  # bytes of all samples of a piece
COPIES = 6  # of a piece, in what is computed of it


def pieces(windows: int, each: float) -> Iterator[slice]:
    """The windows in pieces of at most PIECE; each: bytes of a window."""
    step = max(1, int(PIECE / max(each, 1)))
    return (slice(first, min(first + step, windows)) for first in range(0, windows, step))


class Room(NamedTuple):
    """Bytes in memory and on disk."""

    memory: float
    disk: float


def room(about: Populace, windows: float, record: float) -> Room:
    """Of a run whose samples in this many windows are a record of so many bytes."""
    if about.run.config.simulation.samples == "memory":
        return Room(record, 0.0)
    courses = 2 * len(about.names) + 5  # means and deviations, the bump, overlaps with the plane
    means = 8 * windows * populations.trajectories(about.run.config) * courses
    return Room(means + COPIES * max(PIECE, record / windows), record)


class _Kept:
    """Samples (trajectories, W, cells) in memory."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.values = np.empty(shape, dtype)

    def put(self, where: slice, values: np.ndarray) -> None:
        self.values[:, where] = values


class _Filed:
    """The same in a .npy file, under a temporary name until it is whole.

    Written, not mapped: a full disk is then an error, and pages that are written leave the memory of the process.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.path, self.shape, self.dtype = path, shape, dtype
        self.temporary = path.with_name(f"{results.TEMPORARY}{path.name}-{os.getpid()}")
        with open(self.temporary, "wb") as file:
            header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            self.begin = file.tell()

    def put(self, where: slice, values: np.ndarray) -> None:
        _, windows, cells = self.shape
        with open(self.temporary, "r+b") as file:
            for number, own in enumerate(values):
                file.seek(self.begin + self.dtype.itemsize * cells * (number * windows + where.start))
                file.write(np.ascontiguousarray(own).data)

    def finish(self) -> None:
        with open(self.temporary, "r+b") as file:
            os.fsync(file.fileno())
        results.replace_file(self.temporary, self.path)

    def discard(self) -> None:
        self.temporary.unlink(missing_ok=True)


class Sampled:
    """Samples of one run, put in piece by piece, and what is computed of them on the way.

    finite: whether all are numbers so far.
    """

    def __init__(self, about: Populace, windows: int, folder: Path) -> None:
        self.about, self.windows, self.finite = about, windows, True
        self.folder = folder if about.run.config.simulation.samples == "disk" else None
        self.samples: dict[str, _Kept | _Filed] = {}
        self.courses: dict[str, np.ndarray] = {}
        self.total, self.count = 0.0, 0
        self.decoded, self.plane = populations.decoded(about), populations.plane_of(about)
        for stale in folder.glob("*.npy"):  # of a start that was killed before its end
            stale.unlink()

    def add(self, where: slice, rates: np.ndarray, kept: Mapping[str, np.ndarray], finite: bool) -> None:
        """The samples (trajectories, windows, cells) of some windows, and whether all was finite in them."""
        self.finite = self.finite and finite
        if not self.finite:
            return
        for name, values in {"rates": rates, **{f"kept_{name}": values for name, values in kept.items()}}.items():
            self._store(name, values).put(where, values)
        for name, course in self._of(rates).items():
            if name not in self.courses:  # at once: small arrays that stay would break up the room of the next pieces
                self.courses[name] = np.empty((*course.shape[:-1], self.windows), course.dtype)
            self.courses[name][..., where] = course
        self.total, self.count = self.total + float(rates.sum(dtype=np.float64)), self.count + rates.size

    def _store(self, name: str, like: np.ndarray) -> _Kept | _Filed:
        if name not in self.samples:
            shape = (len(like), self.windows, like.shape[2])
            place = self.folder and self.folder / f"{name}.npy"
            self.samples[name] = _Filed(place, shape, like.dtype) if place else _Kept(shape, like.dtype)
        return self.samples[name]

    def _of(self, rates: np.ndarray) -> dict[str, np.ndarray]:
        """What is computed of some windows; the windows are the last axis of all."""
        about = self.about
        each = [rates[..., about.index == number] for number in range(len(about.names))]
        found = {
            "rates_mean": np.stack([own.mean(-1) for own in each]),
            "rates_sd": np.stack([own.std(-1) for own in each]),
        }
        if self.decoded is not None:
            units, angles = self.decoded
            three = bump(rates[..., units].astype(np.float64), angles)
            found |= {f"bump_{name}": values for name, values in three._asdict().items()}
        if self.plane is not None:
            found["plane_overlaps"] = np.moveaxis(self.plane.overlaps(rates), -1, 1)
        return found

    @property
    def rate(self) -> float:
        """The mean of all rates."""
        return self.total / self.count

    def finish(self) -> dict[str, np.ndarray]:
        """The files are whole; all that is to be written beside them: means and deviations (P, trajectories, W) over
        the neurons of each population, of a bump (trajectories, W), of a plane (trajectories, W, 2); samples that are
        in memory (trajectories, W, cells)."""
        found = dict(self.courses)
        if self.plane is not None:
            found["plane_overlaps"] = np.moveaxis(found["plane_overlaps"], 1, -1)
            found |= {"plane": np.array(self.plane.names), "initial_plane": self.plane.places,
                      "initial_overlaps": self.plane.overlaps(populations.first_rates(self.about))}  # fmt: skip
        for name, one in self.samples.items():
            if isinstance(one, _Kept):
                found[name] = one.values
            else:
                one.finish()
        return found

    def discard(self) -> None:
        """Leave no file that is not whole."""
        for one in self.samples.values():
            if isinstance(one, _Filed):
                one.discard()
