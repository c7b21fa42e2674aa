"""Recordings in NWB files (Neurodata Without Borders 2), read by their schema with h5py alone.

    RoiResponseSeries, TimeSeries   data (time, neurons), with timestamps, or starting_time and its rate
    units                           spike_times, spike_times_index
    intervals/trials                start_time, stop_time: the recording is cut into trials of equal length

Names of neurons are a column of the table that `rois` refers to, or of units: the first of NAMES. The last is the id,
unless ids are numbers of rows.
"""

from pathlib import Path
from typing import Any

import numpy as np

from randomnet.recordings.named.grid import cleaned, trials_on_grid
from randomnet.recordings.named.hdf5 import array_of, groups_below, is_group, member, opened
from randomnet.recordings.named.record import NeuralActivity
from randomnet.recordings.named.spike_times import of_spikes, split_spikes

NAMES = ("ID_labels", "neuron_name", "neuron_names", "cell_name", "name", "names", "label", "labels", "unit_name",
         "root_id", "id")  # fmt: skip
KINDS = {"RoiResponseSeries": "calcium", "Units": "spikes", "TimeSeries": "rates"}  # the first two before the last
TRIALS = "intervals/trials"


def read_nwb(path: Path, inside: str = "", bin_width: float = 0.0) -> NeuralActivity:
    """The activity in a file, or at a place in it. Raises ValueError.

    inside: the group to use, where the file has several. bin_width: of spike times, in seconds.
    """
    with opened(path) as file:
        source = _source(member(file, inside) if inside else file)
        trials = _trials(file)
        if _type(source) == "Units":
            times = split_spikes(*(array_of(member(source, key)) for key in ("spike_times", "spike_times_index")))
            return of_spikes(times, _names(source, np.arange(len(times))), trials, bin_width)
        return _of_series(source, trials)


def _source(root: Any) -> Any:
    """The only group with activity. Raises ValueError for none, or several."""
    groups = list(groups_below(root))
    active = [group for group in groups if _type(group) in ("RoiResponseSeries", "Units") and _has_activity(group)]
    active = active or [group for group in groups if _type(group) == "TimeSeries" and _has_activity(group)]
    if len(active) != 1:
        places = ", ".join(group.name.strip("/") for group in active)
        advice = f"several ({places[:200]}): write one of them after the file's name" if active else "none"
        raise ValueError(f"expected one {' or '.join(KINDS)} with activity of neurons, got {advice}")
    return active[0]


def _type(group: Any) -> str:
    return str(group.attrs.get("neurodata_type", ""))


def _has_activity(group: Any) -> bool:
    if _type(group) == "Units":
        return "spike_times" in group and "spike_times_index" in group
    return "data" in group and getattr(group["data"], "ndim", 0) == 2


def _of_series(source: Any, trials: np.ndarray | None) -> NeuralActivity:
    data = member(source, "data")
    values = array_of(data)
    if values.dtype.kind not in "buif":
        raise ValueError(f"{data.name}: expected numbers, got {values.dtype}")
    values, unknown = cleaned(values * _factor(data, "conversion", 1.0) + _factor(data, "offset", 0.0))
    times, names = _times(source, len(values)), np.full(values.shape[1], "")
    if "rois" in source:
        rois = member(source, "rois")
        names = _names(_table_of(rois), array_of(rois))
    notes: tuple[str, ...] = unknown
    if len(names) != values.shape[1]:
        raise ValueError(f"{source.name}: expected data (time, {len(names)} neurons), got {values.shape}")
    parts = [(times, values)]
    if trials is not None:
        insides = [(times >= start) & (times < stop) for start, stop in trials]
        parts = [(times[inside], values[inside]) for inside in insides if inside.sum() > 1]
        outside = len(times) - sum(map(int, np.sum(insides, axis=1)))
        notes += (f"{outside} samples lie outside the {len(trials)} trials: left out",) * (outside > 0)
        notes += (f"{len(trials) - len(parts)} trials have no samples: left out",) * (len(parts) < len(trials))
    stacked, dt, cut = trials_on_grid(parts)
    return NeuralActivity(stacked, names, dt, KINDS[_type(source)], (*notes, *cut))


def _table_of(rois: Any) -> Any:
    """The table that the rows in `rois` are of. Raises ValueError where it is not in the file."""
    try:
        return rois.file[rois.attrs["table"]]
    except (KeyError, ValueError, TypeError):
        raise ValueError(f"{rois.name}: expected the table of its rows in this file, got none") from None


def _factor(data: Any, name: str, usual: float) -> float:
    """An attribute of the data that is one finite number. Raises ValueError for another."""
    value = np.asarray(data.attrs.get(name, usual))
    if value.size != 1 or value.dtype.kind not in "buif" or not np.isfinite(value).all():
        raise ValueError(f"{data.name}: expected a number {name}, got {value.shape} {value.dtype}")
    return float(value.reshape(()))


def _times(source: Any, count: int) -> np.ndarray:
    """(T,) seconds, from timestamps, or from starting_time and its rate."""
    if "timestamps" in source:
        return array_of(member(source, "timestamps")).reshape(-1).astype(np.float64)
    start = member(source, "starting_time")
    rate = _factor(start, "rate", 0.0)
    if not rate > 0:
        raise ValueError(f"{start.name}: expected a rate above 0, got {rate:g}")
    return float(array_of(start).reshape(())) + np.arange(count) / rate


def _trials(file: Any) -> np.ndarray | None:
    """(B, 2) seconds from start to stop of each trial; None without trials."""
    if TRIALS not in file:
        return None
    trials = member(file, TRIALS)
    ends = [array_of(member(trials, key)).reshape(-1) for key in ("start_time", "stop_time")]
    if len(ends[0]) != len(ends[1]) or not all(end.dtype.kind in "buif" for end in ends):
        counts = " and ".join(str(len(end)) for end in ends)
        raise ValueError(f"{trials.name}: expected as many start_time as stop_time, got {counts}")
    return np.stack(ends, axis=1).astype(np.float64) if len(ends[0]) else None


def _names(table: Any, rows: np.ndarray) -> np.ndarray:
    """Names of these rows of a table, from the first column of NAMES. Raises ValueError for rows that it lacks."""
    column = next((name for name in NAMES if name in table and not is_group(table[name])), None)
    values = np.full(len(rows), "") if column is None else array_of(member(table, column)).reshape(-1)
    if column == "id" and np.array_equal(values, np.arange(len(values))):  # numbers of rows are no names
        values = np.full(len(values), "")
    if column is None:
        return values
    if rows.dtype.kind not in "ui" or (len(rows) and not 0 <= rows.min() <= rows.max() < len(values)):
        raise ValueError(f"{table.name}: expected rows from 0 to {len(values) - 1}, got others")
    return np.char.strip(values[rows].astype(str))
