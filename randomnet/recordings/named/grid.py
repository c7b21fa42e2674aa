"""Samples at any times as samples at regular times, in trials of equal length."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

JITTER = 0.25  # of a sample's time, in samples: more is interpolated
LONGEST_GAP = 20  # times the number of samples: a grid of more would be nearly empty
STEPS_ALIKE = 0.01  # relative difference of the steps of trials


class Grid(NamedTuple):
    """Samples at regular times: values (T, N), nan in gaps, their distance, and notes."""

    values: np.ndarray
    dt: float
    notes: tuple[str, ...]


def on_grid(times: np.ndarray, values: np.ndarray) -> Grid:
    """Samples (S, N) at times (S,) as samples at regular times. Raises ValueError for times that do not increase.

    The distance is the median of the file's. Times that jitter by less than JITTER keep their values, others are
    interpolated linearly. Gaps are filled with nan.
    """
    times = np.asarray(times, np.float64)
    if times.shape != values.shape[:1] or len(times) < 2:
        raise ValueError(f"expected a time for each of {len(values)} samples, and at least 2, got {times.size}")
    steps = np.diff(times)
    if not (np.isfinite(times).all() and (steps > 0).all()):
        first = int(np.flatnonzero(~(steps > 0))[0])
        raise ValueError(f"expected times that increase, got {times[first]:.6g} and then {times[first + 1]:.6g}")
    dt = float(np.median(steps))
    counts = np.maximum(np.round(steps / dt), 1)
    if counts.sum() > LONGEST_GAP * len(times):
        raise ValueError(f"expected gaps that are shorter than the recording, got one of {steps.max():.6g}")
    dt = float(steps[counts == 1].mean())
    gaps = int((counts > 1).sum())
    notes = (f"{gaps} gap{'s' * (gaps > 1)} of {int(counts.sum()) - len(steps)} samples in all: unknown",) * (gaps > 0)
    if np.abs(steps / dt - counts).max() <= JITTER:
        grid = np.full((int(counts.sum()) + 1, values.shape[1]), np.nan)
        grid[np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)] = values
        return Grid(grid, dt, notes)
    regular = times[0] + dt * np.arange(int((times[-1] - times[0]) / dt * (1 + 1e-12)) + 1)
    grid = np.stack([np.interp(regular, times, column) for column in values.T], axis=1)
    interval = np.searchsorted(times, regular, side="right").clip(1, len(steps)) - 1
    grid[(steps[interval] > 1.5 * dt) & ~np.isin(regular, times)] = np.nan
    return Grid(grid, dt, (f"times are irregular: interpolated every {dt:.4g}", *notes))


def trials_on_grid(trials: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, float, tuple[str, ...]]:
    """(B, T, N) activity, its step, and notes, of trials (times (S_b,), values (S_b, N)), cut to the shortest one.

    Raises ValueError without trials, or where their steps differ.
    """
    if not trials:
        raise ValueError("expected at least one trial with samples, got none")
    grids = [on_grid(*trial) for trial in trials]
    steps = [grid.dt for grid in grids]
    if max(steps) > (1 + STEPS_ALIKE) * min(steps):
        raise ValueError(f"expected one time between samples in all trials, got {min(steps):.4g} to {max(steps):.4g}")
    lengths = [len(grid.values) for grid in grids]
    shortest = min(lengths)
    lost = sum(lengths) - shortest * len(trials)
    notes = list(dict.fromkeys(note for grid in grids for note in grid.notes))
    if lost:
        notes.append(f"{len(trials)} trials of {shortest} to {max(lengths)} samples are cut to {shortest}: {lost} "
                     "samples are left out")  # fmt: skip
    return np.stack([grid.values[:shortest] for grid in grids]), float(np.mean(steps)), tuple(notes)


def cleaned(values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """The values as float64 with infinite ones as nan, and notes on what is unknown."""
    values = np.array(values, np.float64)
    infinite = int(np.isinf(values).sum())
    values[np.isinf(values)] = np.nan
    unknown, empty = int(np.isnan(values).sum()), int(np.isnan(values).all(axis=tuple(range(values.ndim - 1))).sum())
    texts = {f"unknown: {unknown} of {values.size} samples": unknown, f"of which {infinite} are infinite": infinite,
             f"neurons without any known sample: {empty}": empty}  # fmt: skip
    return values, tuple(text for text, count in texts.items() if count)
