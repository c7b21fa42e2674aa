"""Spike times of named neurons as counts in bins."""

from collections.abc import Sequence

import numpy as np

from randomnet.memory import machine_memory
from randomnet.recordings.named.record import NeuralActivity

ROUNDING = 1e-9  # of a bin: a spike so little before a bin's start is in that bin


def split_spikes(times: np.ndarray, ends: np.ndarray) -> list[np.ndarray]:
    """The spike times of each neuron, from all of them and the end of each neuron's. Raises ValueError."""
    times, ends = np.asarray(times), np.asarray(ends)
    if times.ndim != 1 or times.dtype.kind not in "buif" or not np.isfinite(times).all():
        raise ValueError(f"spike_times: expected finite numbers in one row, got {times.shape} {times.dtype}")
    if ends.ndim != 1 or ends.dtype.kind not in "ui" or (np.diff(ends.astype(np.int64), prepend=0) < 0).any() or (
        len(ends) and int(ends[-1]) != len(times)):  # fmt: skip
        raise ValueError(f"spike_times_index: expected ascending ends of each neuron's spikes up to {len(times)}, got "
                         "others")  # fmt: skip
    return np.split(times.astype(np.float64), ends[:-1].astype(np.int64))


def of_spikes(
    times: Sequence[np.ndarray], names: np.ndarray | None, trials: np.ndarray | None, bin_width: float
) -> NeuralActivity:
    """Counts of spike times in bins; without trials (B, 2) from the first spike to the last. Raises ValueError."""
    if not bin_width > 0:
        raise ValueError("expected a bin width for spike times, got none")
    names = np.full(len(times), "") if names is None else names
    if not sum(map(len, times)) or len(names) != len(times):
        raise ValueError(f"expected spikes of {len(names)} neurons, got {sum(map(len, times))} of {len(times)}")
    if trials is None:
        trials = np.array([[min(t.min() for t in times if len(t)), max(t.max() for t in times if len(t)) + bin_width]])
    trials = np.asarray(trials, np.float64)
    if trials.ndim != 2 or trials.shape[1] != 2 or not len(trials) or not (trials[:, 1] > trials[:, 0]).all():
        raise ValueError(f"expected trials (B, 2) from start to a later end, got {trials.shape}")
    if (trials[:, 1] - trials[:, 0]).min() * len(trials) * len(times) / bin_width * 8 > machine_memory() / 4:
        raise ValueError(f"expected bins that fit into memory, got a width of {bin_width:g}")
    counts, notes = _binned(times, trials, bin_width)
    return NeuralActivity(counts, names, bin_width, "spikes", notes)


def _binned(times: Sequence[np.ndarray], intervals: np.ndarray, bin_width: float) -> tuple[np.ndarray, tuple[str, ...]]:
    """(B, T, N) spike counts of each neuron's times in whole bins of the intervals (B, 2), with a note.

    Trials have as many bins as the shortest interval. Raises ValueError where this is fewer than two.
    """
    lengths = np.floor((intervals[:, 1] - intervals[:, 0]) / bin_width + ROUNDING).astype(np.int64)
    bins = int(lengths.min())
    if bins < 2:
        raise ValueError(f"expected trials of at least 2 bins of {bin_width:g}, got one of {bins}")
    counts = np.zeros((len(intervals), bins, len(times)))
    for neuron, spikes in enumerate(times):
        for trial, start in enumerate(intervals[:, 0]):
            place = np.floor((spikes - start) / bin_width + ROUNDING)
            inside = place[(place >= 0) & (place < bins)].astype(np.int64)
            counts[trial, :, neuron] = np.bincount(inside, minlength=bins)
    left = sum(map(len, times)) - int(counts.sum())
    return counts, (f"{left} of {sum(map(len, times))} spikes lie outside the bins: left out",) * (left > 0)
