"""Arrays of the Neural Latents Benchmark (Pei et al. 2021) under the keys of recordings.

The names are those of its `make_train_input_tensors` and `make_eval_target_tensors`:

| key                                              | array                                                     |
|--------------------------------------------------|-----------------------------------------------------------|
| train_spikes_heldin, train_spikes_heldout        | (B, T, N) counts of the training trials                   |
| eval_spikes_heldin, eval_spikes_heldout          | likewise of the evaluation trials, which become the test  |
| train_behavior, eval_behavior                    | (B, T, K), such as the velocity of the hand; may have nan |
| eval_spikes_heldin_forward, ..._heldout_forward  | (B, F, N) counts of the bins after the trial              |
| psth, eval_cond_idx                              | (C, T, N) mean responses; (C,) trials of each condition   |

Every fifth training trial becomes a validation trial. A .h5 file may hold them in one group.
"""

from collections.abc import Mapping

import numpy as np

Arrays = dict[str, np.ndarray]
MARK = "train_spikes_heldin"  # the key by which such a file is recognised
VALIDATION_EVERY = 5  # training trials
NOTE = f"every {VALIDATION_EVERY}th training trial validates, as the benchmark has no validation trials"
UNSCORED = "the evaluation trials have no held-out spikes: they are left out"


def is_neural_latents(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether the arrays are those of the benchmark."""
    return MARK in arrays


def recording_arrays(arrays: Mapping[str, np.ndarray]) -> tuple[Arrays, tuple[str, ...]]:
    """The arrays under the keys of recordings, and notes. Raises ValueError for arrays that are missing or misfit."""
    spikes, heldin = _spikes(arrays, "train")
    validates = np.arange(len(spikes)) % VALIDATION_EVERY == VALIDATION_EVERY - 1
    if not validates.any():
        raise ValueError(f"{MARK}: expected at least {VALIDATION_EVERY} trials, got {len(spikes)}")
    parts = {"train": ~validates, "valid": validates}
    recording = {f"{name}_recon_data": spikes[part] for name, part in parts.items()} | {"n_heldin": np.array(heldin)}
    recording |= {f"{name}_inds": np.flatnonzero(part) for name, part in parts.items()}
    if "train_behavior" in arrays:
        _check_trials("train_behavior", arrays["train_behavior"], len(spikes))
        recording |= {f"{name}_behavior": arrays["train_behavior"][part] for name, part in parts.items()}
    if "eval_spikes_heldin" not in arrays:
        return recording, (NOTE,)
    if "eval_spikes_heldout" not in arrays and "train_spikes_heldout" in arrays:
        return recording, (NOTE, UNSCORED)
    return recording | _evaluation(arrays), (NOTE,)


def _evaluation(arrays: Mapping[str, np.ndarray]) -> Arrays:
    """The arrays of the test split, and the mean responses."""
    spikes, _ = _spikes(arrays, "eval")
    recording = {"test_recon_data": spikes}
    if "eval_behavior" in arrays:
        recording["test_behavior"] = arrays["eval_behavior"]
    if "eval_spikes_heldin_forward" in arrays:
        recording["test_forward"], _ = _spikes(arrays, "eval", "_forward")
    if "psth" in arrays and "eval_cond_idx" in arrays:
        recording["psth"], trials = np.asarray(arrays["psth"]), arrays["eval_cond_idx"]
        expected = len(trials), *spikes.shape[1:]
        if recording["psth"].shape != expected:
            raise ValueError(f"psth: expected (conditions of eval_cond_idx, time, neurons) {expected}, got "
                             f"{recording['psth'].shape}")  # fmt: skip
        recording["test_conds"] = _conditions(trials, len(spikes))
    return recording


def _spikes(arrays: Mapping[str, np.ndarray], split: str, suffix: str = "") -> tuple[np.ndarray, int]:
    """Counts of all neurons, held-in first, and the number of held-in neurons."""
    names = [f"{split}_spikes_{which}{suffix}" for which in ("heldin", "heldout")]
    parts = [np.asarray(arrays[name]) for name in names if name in arrays]
    if any(part.ndim != 3 or part.shape[:2] != parts[0].shape[:2] for part in parts):
        raise ValueError(f"{' and '.join(names)}: expected counts (trials, time, neurons) of the same trials and bins, "
                         f"got {' and '.join(str(part.shape) for part in parts)}")  # fmt: skip
    return np.concatenate(parts, 2), parts[0].shape[2]


def _check_trials(name: str, values: np.ndarray, count: int) -> None:
    """Raise ValueError unless the array has `count` trials."""
    if values.ndim < 1 or len(values) != count:
        raise ValueError(f"{name}: expected {count} trials, as of the spikes, got shape {values.shape}")


def _conditions(trials: np.ndarray, count: int) -> np.ndarray:
    """(B,) the condition of each of `count` trials, -1 for none, from the trials of each condition.

    trials: arrays of different lengths, or (C, M) with numbers below 0 as padding. Raises ValueError for other numbers.
    """
    conditions = np.full(count, -1)
    for condition, members in enumerate(trials):
        members = np.asarray(members, dtype=np.int64).ravel()
        members = members[members >= 0]
        if (members >= count).any():
            raise ValueError(f"eval_cond_idx: expected trials below {count}, got {members.max()}")
        conditions[members] = condition
    return conditions
