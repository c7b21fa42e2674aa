"""The `Recording` record: spikes by split, with the rates, latents and inputs that are known."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from randomnet.display import Displayed

SPLITS = ("train", "valid", "test")
TIMED = ("spikes", "rates", "latents", "inputs", "true_inputs")  # arrays (B, T, .)


@dataclass(frozen=True, eq=False, repr=False)
class Split(Displayed):
    """The trials of one split, of T bins each.

    spikes: (B, T, N) uint8 or uint16; the first `heldin` neurons are held in, the others held out. inds: (B,) int64,
    the numbers of the trials. The others are None where unknown. rates: (B, T, N) expected spikes per bin. latents:
    (B, T, D), the states that the neurons read. inputs: (B, T, C), received by the system; true_inputs: without their
    noise. These are float32. conds: (B,) int64, conditions; extra: (B, E), times in bins. behaviour: (B, T, K) float32,
    nan where unknown; forward: (B, F, N) spikes of the bins after the trial. Raises ValueError naming both shapes.
    """

    spikes: np.ndarray
    heldin: int
    inds: np.ndarray
    rates: np.ndarray | None = None
    latents: np.ndarray | None = None
    inputs: np.ndarray | None = None
    true_inputs: np.ndarray | None = None
    conds: np.ndarray | None = None
    extra: np.ndarray | None = None
    behaviour: np.ndarray | None = None
    forward: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.spikes.ndim != 3 or self.spikes.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"spikes must have shape (trials, time, neurons) and be uint8 or uint16, got "
                             f"{self.spikes.shape} {self.spikes.dtype}")  # fmt: skip
        if not 0 < self.heldin <= self.spikes.shape[2]:
            raise ValueError(f"heldin must be from 1 to the {self.spikes.shape[2]} neurons, got {self.heldin}")
        for name in TIMED[1:]:
            array = getattr(self, name)
            if array is not None and (array.ndim != 3 or array.shape[:2] != self.spikes.shape[:2]):
                raise ValueError(f"{name} must have shape (trials, time, .) as spikes {self.spikes.shape}, "
                                 f"got {array.shape}")  # fmt: skip
            if array is not None and not np.isfinite(array).all():
                raise ValueError(f"{name} must be finite, got nan or infinite values")
        if self.rates is not None and (self.rates < 0).any():
            raise ValueError(f"rates must not be below 0, got {self.rates.min():g}")
        if self.rates is not None and self.rates.shape != self.spikes.shape:
            raise ValueError(f"rates must have the shape of spikes {self.spikes.shape}, got {self.rates.shape}")
        self._check_later_arrays()
        for name, dimensions in (("inds", 1), ("conds", 1), ("extra", 2)):
            array = getattr(self, name)
            if array is not None and (array.ndim != dimensions or len(array) != len(self.spikes)):
                shape = "(trials,)" if dimensions == 1 else "(trials, .)"
                raise ValueError(f"{name} must have shape {shape} as spikes {self.spikes.shape}, got {array.shape}")

    def _check_later_arrays(self) -> None:
        """Raise ValueError for behaviour or spikes after the trial of other shapes."""
        trials, bins, neurons = self.spikes.shape
        for name, expected in (("behaviour", (trials, bins, None)), ("forward", (trials, None, neurons))):
            array = getattr(self, name)
            if array is not None and (array.ndim != 3 or any(
                wanted not in (None, size) for wanted, size in zip(expected, array.shape, strict=True)
            )):  # fmt: skip
                text = ", ".join("." if size is None else str(size) for size in expected)
                raise ValueError(f"{name} must have shape ({text}), got {array.shape}")

    def summary(self) -> str:
        """The numbers of trials, bins and neurons."""
        trials, bins, neurons = self.spikes.shape
        return f"{trials} trials, {bins} bins, {self.heldin} of {neurons} neurons held in"

    def __len__(self) -> int:
        """Number of trials."""
        return len(self.spikes)

    @property
    def held_in(self) -> np.ndarray:
        """Spikes (B, T, heldin) of held-in neurons, which models may see."""
        return self.spikes[..., : self.heldin]

    @property
    def held_out(self) -> np.ndarray:
        """Spikes (B, T, N - heldin) of held-out neurons, which models must predict."""
        return self.spikes[..., self.heldin :]

    def select(self, indices: np.ndarray) -> "Split":
        """The trials at these indices of the split."""
        names = [entry.name for entry in fields(self) if entry.name != "heldin"]
        arrays = {name: getattr(self, name) for name in names}
        return replace(self, **{name: array[indices] for name, array in arrays.items() if array is not None})


@dataclass(frozen=True, eq=False, repr=False)
class Recording(Displayed):
    """The splits of a recording, train and valid at least, with the same neurons, bins and channels.

    readout: (D, N) float32, how neurons read latents; mean, sd: () or (N,) float64, of what they read; latent_index:
    (N,), the latent of each neuron, where each reads one only. psth: (C, T, N) float32, mean responses to the
    conditions of the test trials, nan where unknown. metadata: plain values, such as seed and dispersion.
    notes: what was missing in the file. Raises ValueError where the splits do not agree.
    """

    drawing: ClassVar[str] = "recording"

    splits: Mapping[str, Split]
    readout: np.ndarray | None = None
    mean: np.ndarray | None = None
    sd: np.ndarray | None = None
    latent_index: np.ndarray | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    psth: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not {"train", "valid"} <= set(self.splits) <= set(SPLITS):
            raise ValueError(f"splits must be train and valid, and may be test, got {', '.join(self.splits)}")
        first = self.splits["train"]
        for name, split in self.splits.items():
            for field_name in TIMED:
                expected, shape = _shape(first, field_name), _shape(split, field_name)
                if expected and shape and expected != shape:
                    raise ValueError(
                        f"{field_name} of train and {name} must agree in (time, .), got {expected} and {shape}"
                    )
            if split.heldin != first.heldin:
                raise ValueError(f"heldin of train and {name} must agree, got {first.heldin} and {split.heldin}")

    def summary(self) -> str:
        """The numbers of trials, bins and neurons, and the mean rate."""
        trials = ", ".join(f"{len(split)} {name}" for name, split in self.splits.items())
        first = self.splits["train"].spikes
        return (f"trials {trials}; {first.shape[1]} bins, {self.heldin} of {self.neurons} neurons held in, "
                f"{first.mean():.3g} spikes per bin")  # fmt: skip

    def frame(self) -> pd.DataFrame:
        """One row per split: its trials, bins, neurons, mean spikes per bin, and which arrays it has."""
        rows = [{"split": name, "trials": len(split), "bins": split.spikes.shape[1], "neurons": self.neurons,
                 "spikes_per_bin": float(split.spikes.mean()),
                 "known": ", ".join(field for field in TIMED[1:] if getattr(split, field) is not None)}
                for name, split in self.splits.items()]  # fmt: skip
        return pd.DataFrame(rows)

    @property
    def neurons(self) -> int:
        """Number of neurons, held in or held out."""
        return self.splits["train"].spikes.shape[2]

    @property
    def heldin(self) -> int:
        """Number of held-in neurons, which come first."""
        return self.splits["train"].heldin


def _shape(split: Split, name: str) -> tuple[int, ...]:
    array = getattr(split, name)
    return () if array is None else array.shape[1:]


def split_indices(
    trials: int, valid: float, test: float, rng: np.random.Generator, strata: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Random indices of the trials in train, valid and test, each ascending.

    valid, test: shares of the trials, at least one trial each. strata: (trials,), labels; each stratum is then split by
    these shares. Raises ValueError where no trial is left to train on.

    >>> import numpy as np
    >>> from randomnet.recordings import split_indices
    >>> parts = split_indices(10, 0.2, 0.2, np.random.default_rng(0))
    >>> {name: len(index) for name, index in parts.items()}
    {'train': 6, 'valid': 2, 'test': 2}
    """
    order = rng.permutation(trials)
    labels = np.zeros(trials, np.int64) if strata is None else strata[order]
    parts: dict[str, list[np.ndarray]] = {name: [] for name in SPLITS}
    for label in np.unique(labels):
        members = order[labels == label]
        counts = [max(1, round(share * len(members))) for share in (valid, test)]
        if not (valid > 0 and test > 0 and sum(counts) < len(members)):
            of = "" if strata is None else " of each condition"
            raise ValueError(f"expected shares of valid and test above 0 that leave trials{of} to train on, got "
                             f"{valid:g} and {test:g} of {len(members)}")  # fmt: skip
        ends = np.cumsum(counts)
        for name, part in zip(("valid", "test", "train"), np.split(members, ends), strict=True):
            parts[name].append(part)
    return {name: np.sort(np.concatenate(arrays)) for name, arrays in parts.items()}
