"""Activity of named neurons in arrays, by key: those of .npz and HDF5 files."""

from collections.abc import Mapping, Sequence

import numpy as np

from randomnet.recordings.named.grid import cleaned, trials_on_grid
from randomnet.recordings.named.record import NeuralActivity
from randomnet.recordings.named.spike_times import of_spikes, split_spikes

KEYS = {
    **dict.fromkeys(("rates", "activity", "data", "values"), "rates"),
    **dict.fromkeys(("calcium", "traces", "fluorescence", "dff", "f", "df_over_f"), "calcium"),
    **dict.fromkeys(("spikes", "counts", "spike_counts"), "spikes"),
}  # key -> kind of activity
NAMES = ("names", "neurons", "neuron_names", "labels", "ids", "neuron_ids")
TIMES = ("time", "times", "t", "timestamps", "seconds", "time_s", "time (s)")
STEPS, RATES, TRIALS = ("dt", "bin_width"), ("rate", "fs", "sampling_rate", "frame_rate"), ("trials", "intervals")
Arrays = Mapping[str, np.ndarray]


def of_arrays(arrays: Arrays, bin_width: float) -> NeuralActivity:
    """The activity of arrays by lower-case key."""
    names_key = _first(arrays, NAMES)
    names = None if names_key is None else _texts(names_key, arrays[names_key])
    if "spike_times" in arrays:
        return _of_spike_times(arrays, names, bin_width)
    present = [key for key in KEYS if key in arrays]
    if len(present) != 1:
        listed = ", ".join(present or arrays)[:200]
        raise ValueError(f"expected one array of {', '.join(KEYS)}, or spike_times, got {listed or 'none'}")
    values, notes = _oriented(present[0], arrays[present[0]], arrays, names)
    values, unknown = cleaned(values)
    times = _times(arrays, values.shape[1])
    stacked, dt, cut = trials_on_grid([(times, trial) for trial in values])
    names = np.full(values.shape[2], "") if names is None else names
    return NeuralActivity(stacked, names, dt, KEYS[present[0]], (*unknown, *notes, *cut))


def _oriented(
    key: str, values: np.ndarray, arrays: Arrays, names: np.ndarray | None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """(B, T, N) of an array (T, N), (N, T) or (B, T, N); the numbers of names and times tell which axis is which."""
    if values.ndim not in (2, 3) or values.dtype.kind not in "buif" or not values.size:
        raise ValueError(f"{key}: expected numbers (time, neurons) or (trials, time, neurons), got {values.shape} "
                         f"{values.dtype}")  # fmt: skip
    trials = values if values.ndim == 3 else values[None]
    times_key = _first(arrays, TIMES)
    neurons = trials.shape[2] if names is None else len(names)
    times = trials.shape[1] if times_key is None else arrays[times_key].size
    if (times, neurons) == trials.shape[1:]:
        return trials, ()
    if (neurons, times) == trials.shape[:0:-1] or (neurons == trials.shape[1] and times_key is None) or (
        times == trials.shape[2] and names is None):  # fmt: skip
        return trials.swapaxes(1, 2), (f"{key} is (neurons, time): transposed",)
    raise ValueError(f"{key}: expected {times} times and {neurons} names as its axes, got {values.shape}")


def _times(arrays: Arrays, count: int) -> np.ndarray:
    """(T,) times from the array of times, the step, or the rate. Raises ValueError without any."""
    key = _first(arrays, (*TIMES, *STEPS, *RATES))
    if key is None:
        raise ValueError(f"expected times: an array {TIMES[0]} (T,), or a number {STEPS[0]} or {RATES[0]}, got none")
    times = arrays[key]
    if times.dtype.kind not in "buif" or (key not in TIMES and times.size != 1):
        raise ValueError(f"{key}: expected numbers, one of them for a step or a rate, got {times.shape} {times.dtype}")
    if key in TIMES:
        return times.reshape(-1).astype(np.float64)
    step = float(times.reshape(())) if key in STEPS else 1 / max(float(times.reshape(())), 1e-300)
    if not (step > 0 and np.isfinite(step * count)):
        raise ValueError(f"{key}: expected a number above 0, got {times.reshape(())}")
    return np.arange(count) * step


def _of_spike_times(arrays: Arrays, names: np.ndarray | None, bin_width: float) -> NeuralActivity:
    key = _first(arrays, STEPS)
    if not bin_width and key is not None and arrays[key].size == 1 and arrays[key].dtype.kind in "buif":
        bin_width = float(arrays[key].reshape(()))
    if "spike_times_index" not in arrays:
        raise ValueError("expected spike_times_index, the end of each neuron's spikes in spike_times, got none")
    trials = next((arrays[key] for key in TRIALS if key in arrays), None)
    return of_spikes(split_spikes(arrays["spike_times"], arrays["spike_times_index"]), names, trials, bin_width)


def _texts(key: str, values: np.ndarray) -> np.ndarray:
    """(N,) texts. Raises ValueError for other values."""
    if values.dtype.kind in "iu":
        return values.reshape(-1).astype(str)
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind != "U":
        raise ValueError(f"{key}: expected texts or whole numbers, got {values.dtype}")
    return np.char.strip(values.reshape(-1))


def _first(arrays: Mapping, keys: Sequence[str]) -> str | None:
    return next((key for key in keys if key in arrays), None)
