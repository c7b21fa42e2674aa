"""The observation model: from what the neurons read to their expected spikes per bin.

| rate     | function of z    | mean over z ~ N(0, 1/4), that is scale 2         |
|----------|------------------|--------------------------------------------------|
| exp      | e^z              | e^(1/8) = 1.133                                  |
| softplus | ln(1 + e^z)      | .723                                             |
| sigmoid  | 2 sigmoid(c_i z) | 1; c_i from 10^.2 to 10, log-spaced over neurons |

z = (A - mean) / (scale sd) for the activity A that the neurons read. mean and sd are fitted to the first data, and
stay fixed from then on.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from randomnet.display import Brief

STEEPNESS = (0.2, 1.0)  # decimal logarithms of the sigmoid's first and last slope
LARGEST_EXPONENT = 700.0  # above it, e^z overflows float64


def _exponential(z: np.ndarray) -> np.ndarray:
    return np.exp(np.minimum(z, LARGEST_EXPONENT))


def _softplus(z: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, z)


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 + np.tanh(np.logspace(*STEEPNESS, z.shape[-1]) * z / 2)


RATES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": _exponential,
    "softplus": _softplus,
    "sigmoid": _sigmoid,
}
NORMALISATIONS: dict[str, tuple[int, ...] | None] = {"all": None, "unit": (0, 1)}  # averaged axes


@dataclass(frozen=True, eq=False, repr=False)
class ObservationModel(Brief):
    """Turns latents into rates, in the same way for all data.

    readout: (D, N); mean, sd: () or (N,), of the activity to which it was fitted; scale: divides z; rate: one of RATES.
    """

    readout: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    scale: float
    rate: str

    def __post_init__(self) -> None:
        if self.rate not in RATES:
            raise ValueError(f"rate must be one of {', '.join(RATES)}, got {self.rate!r}")
        shapes = ((), (self.readout.shape[-1],))
        if self.readout.ndim != 2 or self.mean.shape not in shapes or self.sd.shape not in shapes:
            got = f"{self.readout.shape}, {self.mean.shape} and {self.sd.shape}"
            raise ValueError(f"readout, mean and sd must have shapes (D, N) and () or (N,), got {got}")

    def activity(self, latents: np.ndarray) -> np.ndarray:
        """What the neurons read from latents (..., D), (..., N) float64. Raises ValueError naming both shapes."""
        return _apply_readout(latents, self.readout)

    def rates(self, latents: np.ndarray) -> np.ndarray:
        """Expected spikes per bin (..., N) float32 at latents (..., D)."""
        z = (self.activity(latents) - self.mean) / (self.scale * self.sd)
        with np.errstate(over="ignore"):  # infinite rates are refused when spikes are drawn
            return RATES[self.rate](z).astype(np.float32)


def fit_observation(
    latents: np.ndarray, readout: np.ndarray, scale: float, rate: str, normalise: str = "all"
) -> ObservationModel:
    """The observation model whose mean and sd are those of the activity read from latents (B, T, D).

    normalise: of NORMALISATIONS, over everything or per neuron; with `unit`, neurons that never vary have z = 0. Raises
    ValueError where nothing varies.

    >>> import numpy as np
    >>> from randomnet.recordings import dense, fit_observation
    >>> rng = np.random.default_rng(0)
    >>> latents = rng.standard_normal((10, 20, 2))
    >>> model = fit_observation(latents, dense(2, 5, rng), scale=1.0, rate='exp')
    >>> model.rates(latents).shape
    (10, 20, 5)
    """
    if normalise not in NORMALISATIONS:
        raise ValueError(f"normalise must be one of {', '.join(NORMALISATIONS)}, got {normalise!r}")
    activity, axes = _apply_readout(latents, readout), NORMALISATIONS[normalise]
    mean, sd = np.asarray(activity.mean(axes)), np.asarray(activity.std(axes))
    constant = sd <= 1e-12 * np.abs(mean)  # up to rounding
    if constant.all():
        raise ValueError("the latents must vary between trials, bins or units, got all the same")
    return ObservationModel(readout, mean, np.where(constant, 1.0, sd), scale, rate)


def _apply_readout(latents: np.ndarray, readout: np.ndarray) -> np.ndarray:
    if latents.shape[-1] != len(readout):
        raise ValueError(f"latents must have the {len(readout)} units of a readout {readout.shape}, "
                         f"got {latents.shape}")  # fmt: skip
    if (np.count_nonzero(readout, axis=0) == 1).all() and (readout.max(0) == 1).all():  # one-hot: needs no product
        return latents[..., readout.argmax(0)].astype(np.float64)
    return latents.astype(np.float64) @ readout
