"""`NeuralActivity`: what was recorded of named neurons, in trials, on a regular grid of times.

Samples may be missing: gaps become nan, and so does what a file does not know. The notes say what was done to the
file's content.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from randomnet.display import Displayed

KINDS = ("rates", "calcium", "spikes")
SHOWN = 5  # names in a note


@dataclass(frozen=True, eq=False, repr=False)
class NeuralActivity(Displayed):
    """Activity of N neurons in B trials of T samples, `dt` apart.

    values: (B, T, N) float64, nan where unknown; of spikes the counts per bin. names: (N,) texts, empty where unknown.
    dt: in the unit of time of the file (seconds in NWB). kind: one of KINDS. notes: what was done to the content.
    """

    values: np.ndarray
    names: np.ndarray
    dt: float
    kind: str = "rates"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or min(self.values.shape) < 1 or self.values.shape[1] < 2:
            raise ValueError(f"expected activity (trials, at least 2 times, neurons), got {self.values.shape}")
        if self.names.shape != self.values.shape[2:]:
            raise ValueError(f"expected {self.values.shape[2]} names of neurons, got {self.names.size}")
        if not (self.dt > 0 and np.isfinite(self.dt)):
            raise ValueError(f"expected a time between samples above 0, got {self.dt}")
        if self.kind not in KINDS:
            raise ValueError(f"expected a kind of activity of {', '.join(KINDS)}, got {self.kind!r}")
        if np.isinf(self.values).any() or (self.kind == "spikes" and (self.values < 0).any()):
            raise ValueError("expected finite numbers, and spikes not below 0, got others")

    @property
    def known(self) -> np.ndarray:
        """(B, T, N) bool: which samples are known."""
        return ~np.isnan(self.values)

    def summary(self) -> str:
        """Kind, trials, samples, neurons, and the share of samples that are unknown."""
        trials, times, neurons = self.values.shape
        unknown = 1 - self.known.mean()
        parts = [f"{self.kind} of {neurons} neurons", f"{trials} trial{'s' * (trials > 1)} of {times} samples",
                 f"{self.dt:.4g} apart", f"{unknown:.2%} unknown" if unknown else ""]  # fmt: skip
        return ", ".join(filter(None, parts))

    def frame(self) -> pd.DataFrame:
        """One row per neuron: its name, mean, standard deviation, and the share of its samples that are known."""
        flat = pd.DataFrame(self.values.reshape(-1, self.values.shape[2]))
        return pd.DataFrame({"name": self.names, "mean": flat.mean(), "sd": flat.std(ddof=0),
                             "known": self.known.mean(axis=(0, 1))})  # fmt: skip

    def select(self, neurons: Sequence[int] | np.ndarray) -> "NeuralActivity":
        """These neurons, by index, in this order."""
        index = np.asarray(neurons, np.int64)
        return replace(self, values=self.values[..., index], names=self.names[index])

    def resampled(self, dt: float) -> "NeuralActivity":
        """The activity at times `dt` apart: interpolated linearly, or spikes of several bins summed.

        Unknown samples make those between or within them unknown. Raises ValueError for spikes where dt is no multiple
        of a bin, and for fewer than 2 samples.
        """
        times = self.values.shape[1]
        if self.kind == "spikes":
            bins = round(dt / self.dt)
            if bins < 1 or abs(dt / self.dt - bins) > 1e-6 * bins:
                raise ValueError(f"expected a multiple of the bin of the spikes, {self.dt:g}, got {dt:g}")
            whole = self.values[:, : times // bins * bins]
            return replace(self, values=whole.reshape(len(whole), -1, bins, whole.shape[2]).sum(axis=2), dt=dt)
        place = np.arange(int((times - 1) * self.dt / dt * (1 + 1e-12)) + 1) * dt / self.dt
        before = np.minimum(place.astype(np.int64), times - 2)
        share = (place - before)[:, None]
        ends = ((self.values[:, before], 1 - share), (self.values[:, before + 1], share))
        first, second = (np.where(part > 0, part * end, 0.0) for end, part in ends)
        return replace(self, values=first + second, dt=dt)
